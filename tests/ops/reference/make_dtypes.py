#!/usr/bin/env python3
"""Makes dtypes.txt.gz: what PyTorch answers when the inputs of the cases are whole numbers (int64) or masks (bool).

    make_dtypes.py            (Debian 12: apt-get install python3-torch, which is 1.13.1)

The cases are those of make_reference.py, each expression once, its floating inputs made int64 and then bool. A line is
    expression <tab> inputs <tab> dtype of the result, or "refused" <tab> its numbers
tests/ops/test_dtypes.cpp reads it.
"""
import gzip
import math
import warnings

import torch

from make_reference import cases, input_values, names

KINDS = {torch.int64: "int64", torch.bool: "bool", torch.float32: "float", torch.float64: "float"}


def of_kind(spec, kind):
    shape, *options = spec.split("|")
    if "i" in options or "b" in options:
        return spec
    return "|".join([shape, *(o for o in options if ":" in o), kind])


def count(spec):
    return math.prod(int(s) for s in spec.split("|")[0].split(",") if s)


def answer(expression, inputs):
    seed = sum(ord(c) * (i + 1) for i, c in enumerate(expression)) % 65521
    bound = {n: input_values(s, seed + 7 * i) for i, (n, s) in enumerate(inputs.items())}
    try:
        result = eval(expression, dict(names), bound)
        if isinstance(result, (list, tuple)):
            result = torch.stack(list(result))
        numbers = " ".join(f"{float(v):.9g}" for v in result.reshape(-1))
        return KINDS[result.dtype], numbers
    except (RuntimeError, TypeError, ValueError, NotImplementedError, IndexError):
        return "refused", ""


EXTRA = [("dropout(x, 0.5, training=False)", dict(x="5|-4:4")), ("dropout(x, training=False) * 2", dict(x="2,3|-4:4"))]


def main():
    warnings.simplefilter("ignore")
    seen, lines = set(), []
    for expression, inputs in cases + EXTRA:
        if expression in seen or ("dropout" in expression and "training=False" not in expression) or not all(0 < count(s) < 100 for s in inputs.values()):
            continue
        seen.add(expression)
        for kind in "ib":
            changed = {n: of_kind(s, kind) for n, s in inputs.items()}
            if changed != inputs:
                spec = " ".join(f"{n}={s}" for n, s in changed.items())
                lines.append("\t".join([expression, spec, *answer(expression, changed)]))
    with gzip.GzipFile(__file__.replace("make_dtypes.py", "dtypes.txt.gz"), "wb", 9, mtime=0) as f:
        f.write(("\n".join(lines) + "\n").encode())
    print(f"{len(lines)} cases")


if __name__ == "__main__":
    main()
