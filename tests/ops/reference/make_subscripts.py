#!/usr/bin/env python3
"""Makes subscripts.txt: what NumPy gives for subscripts of every kind (Debian 12: apt-get install python3-numpy).

A line is: shape of x | subscripts | shape of the result, or "refused" | its numbers. x counts 0, 1, 2, ... row-major, so the
numbers are the places that were picked. Subscripts are written in the form that both languages read.
"""
import itertools
import os
import random
import warnings

import numpy as np

warnings.simplefilter("error")  # positions outside an axis are refused, also where nothing is picked
random.seed(20)
true, false = True, False


def position(size):
    return random.randint(-size, size - 1) if size else 0


def positions(size, shape):
    if not shape:
        return position(size)
    return [positions(size, shape[1:]) for _ in range(shape[0])]


def mask(shape):
    if not shape:
        return random.random() < 0.5
    return [mask(shape[1:]) for _ in range(shape[0])]


def text(value):
    return str(value).replace("True", "true").replace("False", "false").replace(" ", "")


def bound(size):
    return random.choice(["", "", str(random.randint(-size - 2, size + 2))])


def one(kind, shape, axis, index_shape):
    """The text of a subscript and the number of axes that it uses; None where it cannot stand."""
    rest = len(shape) - axis
    if kind == "new":
        return "None", 0
    if kind == "all":
        return "...", 0
    if kind == "true":
        return random.choice(["true", "false"]), 0
    if rest == 0:
        return None
    if kind == "number":
        return text(position(shape[axis])), 1
    if kind == "slice":
        step = random.choice(["", ":", ":2", ":-1", ":-2", ":3"])
        return bound(shape[axis]) + ":" + bound(shape[axis]) + step, 1
    if kind == "list":
        return text(positions(shape[axis], index_shape)), 1
    axes = 2 if kind == "mask2" else 1
    if rest < axes or 0 in shape[axis:axis + axes]:
        return None
    return text(mask(shape[axis:axis + axes])), axes


def subscript(shape, kinds, index_shapes):
    parts, axis = [], 0
    after = sum({"number": 1, "slice": 1, "list": 1, "mask": 1, "mask2": 2}.get(k, 0) for k in kinds)
    for kind, index_shape in zip(kinds, index_shapes):
        made = one(kind, shape, axis, index_shape)
        if made is None:
            return None
        parts.append(made[0])
        axis += made[1]
        after -= made[1]
        if kind == "all":
            axis = len(shape) - after
            if axis < 0:
                return None
    return ",".join(parts)


def result(shape, where):
    x = np.arange(int(np.prod(shape))).reshape(shape)
    try:
        z = eval("x[" + where + "]")
    except (IndexError, DeprecationWarning):
        return "refused", ""
    z = np.asarray(z)
    return ",".join(map(str, z.shape)), " ".join(map(str, z.ravel()))


def main():
    shapes = [(4,), (2, 3), (3, 2, 4), (2, 3, 2, 3), (3, 1), (0, 3), ()]
    kinds = ["number", "slice", "list", "mask", "mask2", "new", "all", "true"]
    lines = {}

    def add(shape, where):
        if where is not None and where.count("...") <= 1:
            made = result(shape, where)
            if made[0].count(",") < 8:  # a tensor has 8 axes at most
                lines.setdefault((shape, where), made)

    for shape in shapes:
        for count in (1, 2, 3):
            for chosen in itertools.product(kinds, repeat=count):
                if chosen.count("all") > 1:
                    continue
                index_shapes = [random.choice([(2,), (2,), (2,), (1,), (2, 1), (0,)]) for _ in chosen]
                add(shape, subscript(shape, chosen, index_shapes))
    for _ in range(1500):  # longer ones, in which lists fit each other
        shape = random.choice(shapes[2:4])
        chosen = [random.choice(["number", "slice", "list", "list", "new", "all"]) for _ in range(random.randint(3, 6))]
        sizes = random.choice([[(2,)], [(2,), (1,)], [(2, 1), (3,)], [(3,), ()], [(1, 2), (2, 1)]])
        if chosen.count("all") <= 1:
            add(shape, subscript(shape, chosen, [random.choice(sizes) for _ in chosen]))
    for shape, where in [((4,), "4"), ((4,), "-5"), ((4,), "[0,4]"), ((4,), "[-5]"), ((4,), "[true,false]"), ((4,), "0,0"),
                         ((2, 3), "[[true,false,true]]"), ((2, 3), "[0,1],[0,1,2]"), ((2, 3), "[0,1],[true,true,true]"),
                         ((2, 3, 4), "[0,1,1],...,[1,2,0]"), ((2, 3, 4), ":,[0,1,1],...,[1,2,0]"), ((2, 3, 4), ":,[0,1,1],[1,2,0],..."),
                         ((2, 3, 4), ":,[0,1,1],None,[1,2,0]"), ((2, 3, 4), "1,:,[0,1,3]"), ((2, 3, 4), "[1],:,[0,1,3]"),
                         ((2, 3, 4), ":,1,[0,1,3]"), ((2, 3, 4), ":,[0,1,2],1")]:
        add(shape, where)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "subscripts.txt")
    with open(path, "w", encoding="ascii") as out:
        for (shape, where), (size, numbers) in lines.items():
            out.write("|".join([",".join(map(str, shape)), where, size, numbers]) + "\n")
    print(len(lines), "lines")


main()
