#!/usr/bin/env python3
"""Makes accuracy.f64.gz: functions of one number with their first four derivatives, over the whole range of float32 and
float64, for tests/ops/test_relative_accuracy.cpp. Debian 12: apt-get install python3-mpmath python3-numpy.

A derivative is that of a Taylor series whose arithmetic has 4,600 bits, so that no formula here needs to avoid
cancelling; gamma functions, which are slow then, come from mpmath's own derivatives. Records follow each other: the
length of the expression and the number of points as float64, the expression (as the language has it), and six float64
for each point: x, f(x) and its derivatives of order 1 to 4.
"""
import gzip
import struct
import sys

import numpy as np
from mpmath import mp, mpf

BITS = 4600
N = 5  # Taylor coefficients


class Series:
    def __init__(self, c):
        self.c = list(c)

    def __add__(self, o):
        o = lift(o)
        return Series(a + b for a, b in zip(self.c, o.c))

    __radd__ = __add__

    def __neg__(self):
        return Series(-a for a in self.c)

    def __sub__(self, o):
        return self + (-lift(o))

    def __rsub__(self, o):
        return lift(o) - self

    def __mul__(self, o):
        o = lift(o)
        return Series(sum((self.c[i] * o.c[k - i] for i in range(k + 1)), mpf(0)) for k in range(N))

    __rmul__ = __mul__

    def __truediv__(self, o):
        o = lift(o)
        q = []
        for k in range(N):
            q.append((self.c[k] - sum((q[i] * o.c[k - i] for i in range(k)), mpf(0))) / o.c[0])
        return Series(q)

    def __rtruediv__(self, o):
        return lift(o) / self


def lift(v):
    return v if isinstance(v, Series) else Series([mpf(v)] + [mpf(0)] * (N - 1))


def slope(u):
    return Series([u.c[k + 1] * (k + 1) for k in range(N - 1)] + [mpf(0)])


def integral(d, first):
    """The series with that first coefficient whose slope is d."""
    return Series([first] + [d.c[k] / (k + 1) for k in range(N - 1)])


def grown(u, first, rate):
    """z with z' = rate(z) u', coefficient by coefficient."""
    z = Series([first] + [mpf(0)] * (N - 1))
    for _ in range(N - 1):
        z = integral(rate(z) * slope(u), first)
    return z


def exp(u):
    return grown(lift(u), mp.exp(u.c[0]), lambda z: z)


def log(u):
    return integral(slope(u) / u, mp.log(u.c[0]))


def power(u, p):
    """u^p = exp(p log u), p a number."""
    return grown(u, mp.power(u.c[0], p), lambda z: p * z / u)


def sqrt(u):
    return power(u, mpf(1) / 2)


def sin_cos(u):
    s, c = lift(mp.sin(u.c[0])), lift(mp.cos(u.c[0]))
    first_s, first_c = s.c[0], c.c[0]
    for _ in range(N - 1):
        s, c = integral(c * slope(u), first_s), integral(-s * slope(u), first_c)
    return s, c


def tanh(u):
    return grown(u, mp.tanh(u.c[0]), lambda z: 1 - z * z)


def sigmoid(u):
    return 1 / (1 + exp(-u))


def arc(f, d):
    """f(x) whose derivative is the series d(x)."""
    return lambda x: integral(d(x), f(x.c[0]))


def erf_slope(x):
    return 2 / mp.sqrt(mp.pi) * exp(-x * x)


def softplus(x):
    return integral(sigmoid(x) * slope(x), mp.log1p(mp.exp(x.c[0])))


def phi(x):  # the normal distribution function
    return integral(exp(-x * x / 2) / mp.sqrt(2 * mp.pi), mp.erfc(-x.c[0] / mp.sqrt(2)) / 2)


def elu(x, a, b, c):
    return c * x if x.c[0] > 0 else a * integral(b * exp(b * x), mp.expm1(b * x.c[0]))


LN2, LN10 = None, None
SELU_A, SELU_S = mpf(1.6732632423543772), mpf(1.0507009873554805)
ALL = (-float("inf"), float("inf"))
ABOVE_0, FROM_0, INSIDE = (0, float("inf")), (0, float("inf")), (-1, 1)


def functions():
    ln2, ln10 = mp.log(2), mp.log(10)
    one = lambda x: 1 - x * x
    cubic = mpf(0.044715)
    u = lambda x: 2 * mp.sqrt(2 / mp.pi) * (x + cubic * x * x * x)
    f = [
        ("exp(x)", ALL, exp),
        ("expm1(x)", ALL, arc(mp.expm1, exp)),
        ("exp2(x)", ALL, lambda x: exp(ln2 * x)),
        ("log(x)", ABOVE_0, log),
        ("log1p(x)", (-1, float("inf")), arc(mp.log1p, lambda x: 1 / (1 + x))),
        ("log2(x)", ABOVE_0, lambda x: log(x) / ln2),
        ("log10(x)", ABOVE_0, lambda x: log(x) / ln10),
        ("sqrt(x)", ABOVE_0, sqrt),
        ("rsqrt(x)", ABOVE_0, lambda x: power(x, -mpf(1) / 2)),
        ("reciprocal(x)", ALL, lambda x: 1 / x),
        ("square(x)", ALL, lambda x: x * x),
        ("erf(x)", ALL, arc(mp.erf, erf_slope)),
        ("erfc(x)", ALL, arc(mp.erfc, lambda x: -erf_slope(x))),
        ("sin(x)", ALL, lambda x: sin_cos(x)[0]),
        ("cos(x)", ALL, lambda x: sin_cos(x)[1]),
        ("tan(x)", ALL, lambda x: sin_cos(x)[0] / sin_cos(x)[1]),
        ("asin(x)", INSIDE, arc(mp.asin, lambda x: 1 / sqrt(one(x)))),
        ("acos(x)", INSIDE, arc(mp.acos, lambda x: -1 / sqrt(one(x)))),
        ("atan(x)", ALL, arc(mp.atan, lambda x: 1 / (1 + x * x))),
        ("sinh(x)", ALL, arc(mp.sinh, lambda x: (exp(x) + exp(-x)) / 2)),
        ("cosh(x)", ALL, lambda x: (exp(x) + exp(-x)) / 2),
        ("tanh(x)", ALL, tanh),
        ("asinh(x)", ALL, arc(mp.asinh, lambda x: 1 / sqrt(1 + x * x))),
        ("acosh(x)", (1, float("inf")), arc(mp.acosh, lambda x: 1 / sqrt(x * x - 1))),
        ("atanh(x)", INSIDE, arc(mp.atanh, lambda x: 1 / one(x))),
        ("sigmoid(x)", ALL, sigmoid),
        ("logsigmoid(x)", ALL, lambda x: -softplus(-x)),
        ("softplus(x)", (-float("inf"), 20), softplus),
        ("silu(x)", ALL, lambda x: x * sigmoid(x)),
        ("mish(x)", ALL, lambda x: x * tanh(softplus(x)) if x.c[0] < 900 else x),
        ("gelu(x)", ALL, lambda x: x * phi(x)),
        ("gelu(x, approximate='tanh')", (-30, 30), lambda x: x * sigmoid(u(x))),
        ("elu(x)", ALL, lambda x: elu(x, 1, 1, 1)),
        ("selu(x)", ALL, lambda x: elu(x, SELU_A * SELU_S, 1, SELU_S)),
        ("celu(x, alpha=2)", ALL, lambda x: elu(x, 2, mpf(1) / 2, 1)),
        ("softsign(x)", ALL, lambda x: x / (1 + (x if x.c[0] > 0 else -x))),
        ("hardswish(x)", (-3, 3), lambda x: x * (x + 3) / 6),
        ("hypot(x, 0.75)", ALL, lambda x: sqrt(x * x + mpf(9) / 16)),
        ("atan2(x, 2)", ALL, arc(lambda x: mp.atan(x / 2), lambda x: 2 / (4 + x * x))),
        ("atan2(2, x)", ABOVE_0, arc(lambda x: mp.atan(2 / x), lambda x: -2 / (4 + x * x))),
        ("logaddexp(x, 0)", ALL, softplus),
        ("xlogy(3, x)", ABOVE_0, lambda x: 3 * log(x)),
        ("pow(2.5, x)", ALL, lambda x: exp(mp.log(mpf(2.5)) * x)),
    ]
    for p in (-2, -0.5, 0.5, 1.5, 3, 2.5, 10):
        f.append((f"pow(x, {p:g})", ABOVE_0, lambda x, p=p: power(x, mpf(p))))
    return f


def gammas():
    series = lambda g: lambda x: Series([g(k, x.c[0]) / mp.factorial(k) for k in range(N)])
    return [
        ("lgamma(x)", ABOVE_0, series(lambda k, x: mp.loggamma(x) if k == 0 else mp.psi(k - 1, x))),
        ("digamma(x)", ABOVE_0, series(lambda k, x: mp.psi(k, x))),
        ("polygamma(2, x)", ABOVE_0, series(lambda k, x: mp.psi(2 + k, x))),
    ]


def more():
    """Other constants, and what two-argument functions are of their second argument."""
    below_0 = (-float("inf"), 0)
    return [
        ("3 / x", ALL, lambda x: 3 / x),
        ("pow(x, 2)", ALL, lambda x: x * x),
        ("pow(x, -3)", below_0, lambda x: 1 / (x * x * x)),
        ("pow(x, 5)", below_0, lambda x: x * x * x * x * x),
        ("softplus(x, beta=2)", (-float("inf"), 10), lambda x: softplus(2 * x) / 2),
        ("elu(x, alpha=2)", ALL, lambda x: elu(x, 2, 1, 1)),
        ("logaddexp(2, x)", ALL, lambda x: 2 + softplus(x - 2)),
        ("hypot(2e-3, x)", ALL, lambda x: sqrt(x * x + mpf(2e-3) * mpf(2e-3))),
        ("binary_cross_entropy_with_logits(x, 0 * x, reduction='none')", ALL, softplus),
    ]


def points():
    """float32 numbers first: both types are tested there."""
    rng = np.random.default_rng(20)
    f32, f64 = [], []
    for e in range(-149, 128, 3):
        f32 += [s * float(np.float32(m * 2.0**e)) for s, m in zip((1, -1), rng.uniform(1, 2, 2))]
    for low, high, n in ((0, 1, 24), (1, 4, 24), (4, 20, 20), (20, 110, 16)):
        f32 += [float(v) * s for s in (1, -1) for v in np.float32(rng.uniform(low, high, n))]
    for at in (0.5, 1, 2, 3, np.pi / 2, np.pi, 0.6922, 1.2785, 0.7518, 1.4142136, 1.4616321, 1.1925, 2.2557):
        a = np.float32(at)
        for s in (1, -1):
            f32 += [s * float(v) for v in (a, np.nextafter(a, np.float32(9)), np.nextafter(a, np.float32(0)))]
            f32 += [s * float(np.float32(at * (1 + d))) for d in (1e-3, -1e-3)]
    for e in range(-1074, 1024, 24):
        f64 += [s * m * 2.0**e for s, m in zip((1, -1), rng.uniform(1, 2, 2))]
    for low, high, n in ((0, 1, 10), (1, 40, 24), (40, 760, 16)):
        f64 += [float(v) * s for s in (1, -1) for v in rng.uniform(low, high, n)]
    for at in (1, np.pi / 2, np.pi, 1.4616321449683623):
        f64 += [s * float(np.nextafter(at, to)) for s in (1, -1) for to in (0, 9)]
    return sorted(set(f32 + f64) - {0.0})


def rounded(v):
    v = mpf(v)
    if abs(v) > mpf(2) ** 1024:
        return float("inf") if v > 0 else -float("inf")
    with mp.workprec(60):
        return float(+v) if v != 0 else 0.0


def record(text, domain, f, xs, far):
    rows = []
    for x in xs:
        if not domain[0] < x < domain[1] or abs(x) > far.get(text, 1e400):
            continue
        z = f(Series([mpf(x), mpf(1)] + [mpf(0)] * (N - 2)))
        rows.append((x, *(rounded(z.c[k] * mp.factorial(k)) for k in range(N))))
    print(text, len(rows), file=sys.stderr, flush=True)
    body = text.encode()
    return struct.pack("<dd", len(body), len(rows)) + body + b"".join(struct.pack("<6d", *r) for r in rows)


def main():
    xs = points()
    data = b""
    # Beyond, the values are 0, 1 or infinite in float64 for good, and a power of e would not end.
    exponential = {t: 1e4 for t in ("exp(x)", "expm1(x)", "exp2(x)", "erf(x)", "erfc(x)", "sinh(x)", "cosh(x)", "tanh(x)",
                                    "sigmoid(x)", "logsigmoid(x)", "silu(x)", "mish(x)", "gelu(x)", "elu(x)", "selu(x)",
                                    "celu(x, alpha=2)", "logaddexp(x, 0)", "pow(2.5, x)", "softplus(x, beta=2)",
                                    "elu(x, alpha=2)", "logaddexp(2, x)",
                                    "binary_cross_entropy_with_logits(x, 0 * x, reduction='none')")}
    exponential.update({"erf(x)": 60, "erfc(x)": 60, "gelu(x)": 60})
    with mp.workprec(BITS):
        for text, domain, f in functions():
            data += record(text, domain, f, xs, exponential)
    with mp.workprec(400):
        for text, domain, f in gammas():
            data += record(text, domain, f, [x for x in xs if 1e-290 < x < 1e290][::2], {})
        data += record("polygamma(1, x)", ABOVE_0, lambda x: Series(mp.psi(1 + k, x.c[0]) / mp.factorial(k) for k in range(N)),
                       [x for x in xs if 1e-290 < x < 1e290][::4], {})
    with mp.workprec(BITS):
        for text, domain, f in more():
            data += record(text, domain, f, xs, exponential)
    with gzip.GzipFile("accuracy.f64.gz", "wb", 9, mtime=0) as file:
        file.write(data)


if __name__ == "__main__":
    main()
