#!/usr/bin/env python3
"""Makes accuracy_pairs.f64.gz: functions of two numbers with their first and second derivatives, the mixed one among
them, over the whole range of float32 and float64, for tests/ops/test_relative_pairs.cpp. Debian 12: apt-get install
python3-mpmath python3-numpy.

Derivatives are formulas in 400 bits, in which nothing that is written here cancels to less than a float64 holds; sums
of squares take 4,600. Records follow each other: the length of the expression and the number of points as float64, the
expression (as the language has it), and eight float64 for each point: x, y, z, dz/dx, dz/dy, d2z/dx2, d2z/dx dy and
d2z/dy2.
"""
import gzip
import struct
import sys

import numpy as np
from mpmath import mp, mpf

from make_accuracy import rounded

ONE = mpf(1)


def power(x, y):
    z, l = mp.power(x, y), mp.log(x)
    return z, y * z / x, z * l, y * (y - 1) * z / x / x, z / x * (1 + y * l), z * l * l


def atan2(x, y):  # the first argument is the height
    r2 = x * x + y * y
    bend = 2 * x * y / (r2 * r2)
    return mp.atan2(x, y), y / r2, -x / r2, -bend, (x * x - y * y) / (r2 * r2), bend


def hypot(x, y):
    r = mp.sqrt(x * x + y * y)
    return r, x / r, y / r, y * y / r**3, -x * y / r**3, x * x / r**3


def logaddexp(x, y):
    d = x - y
    p, q = 1 / (1 + mp.exp(-d)), 1 / (1 + mp.exp(d))
    return max(x, y) + mp.log1p(mp.exp(-abs(d))), p, q, p * q, -p * q, p * q


def softplus_loss(x, y):
    p, q = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
    return max(x, mpf(0)) + mp.log1p(mp.exp(-abs(x))) - x * y, p - y, -x, p * q, -ONE, mpf(0)


def log_loss(x, y):
    a, b = mp.log(x), mp.log1p(-x)
    return -(y * a + (1 - y) * b), (x - y) / (x * (1 - x)), b - a, y / x**2 + (1 - y) / (1 - x) ** 2, -1 / (x * (1 - x)), mpf(0)


FUNCTIONS = [
    ("x * y", lambda x, y: True, lambda x, y: (x * y, y, x, mpf(0), ONE, mpf(0))),
    ("x / y", lambda x, y: True, lambda x, y: (x / y, 1 / y, -x / y**2, mpf(0), -1 / y**2, 2 * x / y**3)),
    ("pow(x, y)", lambda x, y: x > 0, power),
    ("atan2(x, y)", lambda x, y: True, atan2),
    ("hypot(x, y)", lambda x, y: True, hypot),
    ("logaddexp(x, y)", lambda x, y: abs(x) < 1e5 and abs(y) < 1e5, logaddexp),
    ("xlogy(x, y)", lambda x, y: y > 0, lambda x, y: (x * mp.log(y), mp.log(y), x / y, mpf(0), 1 / y, -x / y**2)),
    ("binary_cross_entropy_with_logits(x, y, reduction='none')", lambda x, y: abs(x) < 1e4 and 0 <= y <= 1, softplus_loss),
    ("binary_cross_entropy(x, y, reduction='none')", lambda x, y: 1e-9 < x < 1 and 0 <= y <= 1, log_loss),
]


def points():
    """Pairs that float32 holds, then pairs that only float64 holds."""
    rng = np.random.default_rng(21)
    f32, f64 = [], []

    def both(x, y, to):
        to.append((float(np.float32(x)), float(np.float32(y))) if to is f32 else (float(x), float(y)))

    def signed(m):
        return m * rng.choice((1, -1))

    for low, high, count, to in ((-149, 128, 14, f32), (-1074, 1024, 12, f64)):
        edges = np.linspace(low, high, count + 1)
        for a in range(count):
            for b in range(count):
                e, f = rng.uniform(edges[a], edges[a + 1]), rng.uniform(edges[b], edges[b + 1])
                both(signed(2.0**e), signed(2.0**f), to)
    for to, e, n in ((f32, 126, 24), (f64, 1000, 24)):  # nearly and exactly equal, where differences vanish
        for _ in range(n):
            x = 2.0 ** rng.uniform(-e, e) if _ % 2 else rng.uniform(0.1, 50)
            for d in (0, 1e-6, -1e-3):
                both(signed(x), signed(x * (1 + d)), to)
    for to, n in ((f32, 60), (f64, 30)):
        for span in (1, 6, 60, 700):
            for _ in range(n):
                both(rng.uniform(-span, span), rng.uniform(-span, span), to)
        for _ in range(n):  # probabilities beside any logit
            both(rng.uniform(-20, 20), rng.uniform(0, 1), to)
            both(rng.uniform(0, 1), rng.uniform(0, 1), to)
    for to, low, high in ((f32, -148, 127), (f64, -1073, 1023)):  # powers over the whole range of results
        for _ in range(120):
            x = 2.0 ** rng.uniform(low, high) if _ % 3 else 1 + signed(2.0 ** rng.uniform(-20, -1))
            y = rng.uniform(low, high) / np.log2(x) if _ % 2 else signed(2.0 ** rng.uniform(-30, 1))
            both(x, y, to)
            if _ % 4 == 0:
                both(x, -1 / np.log(x) * (1 + signed(2.0 ** rng.uniform(-12, -1))), to)  # where 1 + y log x is 0
    return sorted({p for p in f32 + f64 if 0 not in p and np.isfinite(p).all()})


def main():
    data = b""
    for text, domain, f in FUNCTIONS:
        rows = []
        with mp.workprec(4600 if text.startswith(("atan2", "hypot")) else 400):
            for x, y in points():
                if domain(x, y):
                    rows.append((x, y, *(rounded(v) for v in f(mpf(x), mpf(y)))))
        print(text, len(rows), file=sys.stderr, flush=True)
        body = text.encode()
        data += struct.pack("<dd", len(body), len(rows)) + body + b"".join(struct.pack("<8d", *r) for r in rows)
    with gzip.GzipFile("accuracy_pairs.f64.gz", "wb", 9, mtime=0) as file:
        file.write(data)


if __name__ == "__main__":
    main()
