#!/usr/bin/env python3
"""Makes cases.txt.gz and values.f64.gz: values and gradients of every operation as PyTorch computes them in float64.

    make_reference.py            (Debian 12: apt-get install python3-torch, which is 1.13.1)

The text of a case is run here by Python with PyTorch's functions, and in tests/ops/test_reference.cpp by chainrule's
expression language, so it also holds names, argument names, order and defaults. Inputs are made by a formula that both
sides share (input_values below) and are exact in float32. A line is
    expression <tab> inputs <tab> shape of the result <tab> names with gradients
and the numbers follow in values.f64: the result, then the gradient of sum(result * cotangent) by each name.
"""
import gzip
import itertools
import itertools
import math

import numpy
import torch
import torch.nn.functional as F

torch.set_num_threads(1)

# --- what both sides share -------------------------------------------------------------------------------------------


def fractions(seed, count):
    """count numbers k / 2^16 with 0 <= k < 2^16, from a linear congruential generator."""
    state, out = (seed * 2654435761 + 12345) % 2**64, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 48) / 65536.0)
    return out


def input_values(spec, seed):
    """spec: 'shape', 'shape|low:high', and options: i (whole numbers as int64), b (bool), distinct (any two 1/4 apart),
    ties (multiples of 1/2), T (axes reversed in memory), last (channels last in memory), const (no gradient)."""
    shape_text, *options = spec.split("|")
    shape = [int(s) for s in shape_text.split(",") if s != ""]
    low, high = -2.0, 2.0
    for o in options:
        if ":" in o:
            low, high = (float(v) for v in o.split(":"))
    count = math.prod(shape)
    f = fractions(seed, count)
    if "distinct" in options:
        order = sorted(range(count), key=lambda i: (f[i], i))
        values = [0.0] * count
        for rank, i in enumerate(order):
            values[i] = low + 0.25 * rank
    elif "ties" in options:
        values = [math.floor(2 * (low + (high - low) * v)) / 2 for v in f]
    elif "i" in options:
        values = [math.floor(low + (high - low) * v) for v in f]
    elif "b" in options:
        values = [v < 0.5 for v in f]
    else:
        values = [low + (high - low) * v for v in f]
    dtype = torch.int64 if "i" in options else torch.bool if "b" in options else torch.float64
    t = torch.tensor(values, dtype=dtype).reshape(shape)
    if "T" in options:  # the same values, other strides
        axes = list(range(len(shape)))[::-1]
        t = t.permute(axes).contiguous().permute(axes)
    if "last" in options:
        t = t.to(memory_format=torch.channels_last)
    return t


# --- PyTorch's functions under the names of the language -------------------------------------------------------------

names = {}
for module in (torch.special, torch.linalg, torch, F):
    for name in dir(module):
        if not name.startswith("_") and callable(getattr(module, name)):
            names[name] = getattr(module, name)
names.update(
    # torch's functions that F has a different one of, or that return values and indices
    max=lambda *a, **k: torch.max(*a, **k) if len(a) == 1 and not k else first(torch.max(*a, **k)),
    min=lambda *a, **k: torch.min(*a, **k) if len(a) == 1 and not k else first(torch.min(*a, **k)),
    median=lambda *a, **k: torch.median(*a, **k) if len(a) == 1 and not k else first(torch.median(*a, **k)),
    sort=lambda *a, **k: torch.sort(*a, **k)[0],
    topk=lambda *a, **k: torch.topk(*a, **k)[0],
    argtopk=lambda *a, **k: torch.topk(*a, **k)[1],
    max_pool2d_indices=lambda *a, **k: F.max_pool2d(*a, return_indices=True, **k)[1],
    norm=torch.norm, sqrt=torch.sqrt, std=torch.std, var=torch.var, solve=torch.linalg.solve, det=torch.linalg.det,
    slogdet=lambda x: list(torch.linalg.slogdet(x)), inverse=torch.inverse, cholesky=torch.linalg.cholesky,
    tanh=torch.tanh, sigmoid=torch.sigmoid, sum=torch.sum, all=torch.all, any=torch.any, abs=torch.abs, pow=torch.pow,
    round=torch.round, unfold=F.unfold, fold=F.fold, im2col=F.unfold, col2im=F.fold, dropout=F.dropout,
    cosine_similarity=F.cosine_similarity, where=torch.where, fmod=torch.fmod, remainder=torch.remainder,
    clamp=torch.clamp, split=torch.split, diag=torch.diag, trace=torch.trace, log_softmax=F.log_softmax,
    softmax=F.softmax, logsigmoid=F.logsigmoid, pi=math.pi, inf=math.inf, nan=math.nan,
    expand=lambda x, size: x.expand(size), repeat=lambda x, size: x.repeat(size),
    detach=lambda x: x.detach(), conv2d=F.conv2d, conv1d=F.conv1d, flip=torch.flip, pad=F.pad, tile=torch.tile,
    # not PyTorch's
    affine=lambda x, W, b: x @ W + b,
    step=lambda x: torch.where(torch.isnan(x), x, (x > 0).to(x.dtype)),
    rms_norm=lambda x, normalized_shape, weight=None, eps=1e-6: rms_norm(x, normalized_shape, weight, eps),
    sum_squared_error=lambda y, t: 0.5 * ((y - t) ** 2).sum(),
    cross_entropy_error=lambda y, t: -torch.log(y[torch.arange(len(t)), t] + 1e-7).sum() / len(t),
    scaled_dot_product_attention=lambda *a, **k: attention(*a, **k),
)


def first(result):
    return result if isinstance(result, torch.Tensor) else result[0]


def rms_norm(x, normalized_shape, weight, eps):
    dims = list(range(x.dim() - len(normalized_shape), x.dim()))
    y = x * torch.rsqrt((x * x).mean(dims, keepdim=True) + eps)
    return y if weight is None else y * weight


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False):
    weights = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if is_causal:
        attn_mask = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool).tril()
    if attn_mask is not None:
        weights = weights.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else weights + attn_mask
    return torch.softmax(weights, -1) @ value


# --- the cases -------------------------------------------------------------------------------------------------------

cases, texts, numbers = [], [], []


def add(expression, **inputs):
    cases.append((expression, inputs))


for part in ("reference_cases.py", "reference_cases_networks.py"):
    exec(open(__file__.replace("make_reference.py", part)).read())

# --- running them ----------------------------------------------------------------------------------------------------


def run(expression, inputs):
    seed = sum(ord(c) * (i + 1) for i, c in enumerate(expression)) % 65521
    bound = {n: input_values(s, seed + 7 * i) for i, (n, s) in enumerate(inputs.items())}
    leaves = {n: t.requires_grad_() for n, t in bound.items() if t.is_floating_point() and "const" not in inputs[n]}
    result = eval(expression, dict(names), dict(bound))
    if isinstance(result, (list, tuple)):
        result = torch.stack(list(result))
    out, wanted = result.detach(), []
    values = [out.to(torch.float64).reshape(-1).numpy()]
    if result.requires_grad:
        cotangent = input_values(",".join(map(str, result.shape)) + "|-1:1", seed + 1000)
        grads = torch.autograd.grad(result, list(leaves.values()), cotangent, allow_unused=True)
        for (n, leaf), g in zip(leaves.items(), grads):
            wanted.append(n)
            values.append((torch.zeros_like(leaf) if g is None else g).detach().reshape(-1).numpy())
    spec = " ".join(f"{n}={s}" for n, s in inputs.items())
    line = "\t".join([expression, spec, ",".join(map(str, out.shape)), " ".join(wanted)])
    return line, values


def main():
    seen = set()
    for expression, inputs in cases:
        key = (expression, tuple(inputs.items()))
        if key in seen:
            continue
        seen.add(key)
        try:
            line, values = run(expression, inputs)
        except Exception as e:
            raise SystemExit(f"{expression} {inputs}: {e}")
        texts.append(line)
        numbers.extend(values)

    folder = __file__.replace("make_reference.py", "")
    with gzip.GzipFile(folder + "cases.txt.gz", "wb", mtime=0) as f:
        f.write(("\n".join(texts) + "\n").encode())
    flat = numpy.concatenate([numpy.asarray(v, dtype="<f8") for v in numbers])
    # The eight bytes of a number apart: the high ones repeat, and pack well.
    with gzip.GzipFile(folder + "values.f64.gz", "wb", mtime=0) as f:
        f.write(flat.view(numpy.uint8).reshape(-1, 8).T.tobytes())
    print(f"{len(texts)} cases, {len(flat)} numbers")


if __name__ == "__main__":
    main()
