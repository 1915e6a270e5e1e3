#!/usr/bin/env python3
"""Makes layers.txt and layers.npz: what PyTorch 1.13.1 computes for every layer, for tests/nn/layers/test_reference.cpp.
Debian 12: apt-get install python3-torch.

A row is the text of a layer, as torch.nn writes it, with its mode and the shapes of its inputs. For row i the archive holds the
inputs i/x0, i/x1, ..., the result i/y, a cotangent i/c, the gradients i/dx0 ... of sum(y c) by the inputs and i/d/NAME by
the parameters, the state i/before/NAME and, after three steps of SGD with rate 0.1 on sum(y c), i/after/NAME. Everything is
float64. Layers that torch does not have are written out below by their formulas. Several results stand in y one after the
other, flattened.
"""
import os
import sys

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
generator = np.random.default_rng(7)


class Affine(nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.W = nn.Parameter(torch.zeros(n, m))
        self.b = nn.Parameter(torch.zeros(m))

    def forward(self, x):
        return x.reshape(x.shape[0], -1) @ self.W + self.b


class RMSNorm(nn.Module):
    def __init__(self, shape, eps=None, elementwise_affine=True):
        super().__init__()
        shape = [shape] if isinstance(shape, int) else list(shape)
        self.axes = tuple(range(-len(shape), 0))
        self.eps = np.finfo(np.float64).eps if eps is None else eps
        if elementwise_affine:
            self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x):
        y = x / torch.sqrt((x * x).mean(self.axes, keepdim=True) + self.eps)
        return y * self.weight if hasattr(self, "weight") else y


class Formula(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *x):
        return self.f(*x)


def with_tensors(layer):
    def make(*a, **k):
        return layer(*a, **{n: torch.tensor(v, dtype=torch.float64) if isinstance(v, list) else v for n, v in k.items()})

    return make


names = {n: getattr(nn, n) for n in dir(nn)}
names.update(
    Affine=Affine, RMSNorm=RMSNorm,
    GlobalAvgPool=lambda: Formula(lambda x: x.flatten(2).mean(2)),
    GlobalMaxPool=lambda: Formula(lambda x: x.flatten(2).max(2)[0]),
    SumSquaredError=lambda: Formula(lambda y, t: ((y - t) ** 2).sum() / 2),
    CrossEntropyError=lambda: Formula(lambda y, t: -torch.log(y[torch.arange(len(y)), t] + 1e-7).mean()),
    CosineSimilarity=nn.CosineSimilarity,
    **{n: with_tensors(getattr(nn, n)) for n in ("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss")})


# What is not called as layer(x0, x1, ...), and several results as one.
calls = {
    "LSTM": lambda layer, x, *state: layer(x, state or None),
    "LSTMCell": lambda layer, x, *state: layer(x, state or None),
    "MultiheadAttention": lambda layer, q, k=None, v=None, mask=None, padding=None: layer(
        q, q if k is None else k, q if v is None else v, attn_mask=mask, key_padding_mask=padding),
    "TransformerEncoderLayer": lambda layer, x, mask=None, padding=None: layer(
        x, src_mask=mask, src_key_padding_mask=padding),
}


def flat(y):
    return [y.flatten()] if isinstance(y, torch.Tensor) else [part for value in y if value is not None for part in flat(value)]


def result_of(layer, inputs):
    call = calls.get(type(layer).__name__)
    y = call(layer, *inputs) if call else layer(*inputs)
    return y if isinstance(y, torch.Tensor) else torch.cat(flat(y))


# Inputs: distinct numbers, none on a kink of a piecewise function; "3,4" from -2 to 2, "3,4:0:1" in an interval,
# "3|5" class numbers below 5, "3,4?" signs 1 and -1, "3,4=" places of maxima, "3,4!" masks, true beyond
# the second place of the first row, the third of the second. The last four are not differentiable.
def input_of(spec):
    if "|" in spec:
        shape, classes = spec.split("|")
        return torch.from_numpy(generator.integers(0, int(classes), [int(n) for n in shape.split(",")]))
    if spec.endswith("?"):
        return torch.from_numpy(generator.choice([-1.0, 1.0], [int(n) for n in spec[:-1].split(",")]))
    if spec.endswith("!"):
        shape = [int(n) for n in spec[:-1].split(",")]
        return torch.ones(shape, dtype=torch.bool).triu(2) if len(shape) > 1 else torch.arange(shape[0]) > 1
    if spec.endswith("="):  # for MaxUnpool2d(2): one place in each window of two by two
        n, c, h, w = (int(v) for v in spec[:-1].split(","))
        rows = 2 * np.arange(h)[:, None] + generator.integers(0, 2, (n, c, h, w))
        columns = 2 * np.arange(w)[None, :] + generator.integers(0, 2, (n, c, h, w))
        return torch.from_numpy(rows * 2 * w + columns)
    shape, *ends = spec.split(":")
    low, high = (float(e) for e in ends) if ends else (-2, 2)
    shape = [int(n) for n in shape.split(",")]
    count = int(np.prod(shape))
    values = low + (high - low) * (generator.permutation(count) + 0.37) / count
    return torch.from_numpy(values.reshape(shape))


ROWS = [line.rstrip("\n").split("\t") for line in """
Linear(4, 3)\ttrain\t2,4
Linear(4, 3, bias=False)\ttrain\t2,3,4
Affine(6, 3)\ttrain\t2,2,3
Bilinear(3, 4, 2)\ttrain\t2,3\t2,4
Bilinear(2, 3, 2, bias=False)\ttrain\t2,2,2\t2,2,3
Conv1d(2, 3, 3)\ttrain\t2,2,6
Conv1d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2, bias=False)\ttrain\t2,2,7
Conv1d(2, 2, 4, padding='same')\ttrain\t1,2,6
Conv1d(2, 2, 3, padding=2, padding_mode='reflect')\ttrain\t1,2,5
Conv2d(2, 3, 3)\ttrain\t2,2,4,5
Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)\ttrain\t1,4,5,5
Conv2d(1, 2, 2, padding='same', bias=False)\ttrain\t1,1,3,4
Conv2d(1, 2, 3, padding=1, padding_mode='reflect')\ttrain\t1,1,4,4
Conv2d(1, 2, 3, padding=(1, 2), padding_mode='replicate')\ttrain\t1,1,4,4
Conv2d(1, 2, 3, padding=(2, 1), padding_mode='circular')\ttrain\t1,1,4,4
Conv2d(2, 1, 2)\ttrain\t2,3,3
ConvTranspose2d(2, 3, 3)\ttrain\t2,2,3,3
ConvTranspose2d(4, 2, (2, 3), stride=2, padding=(0, 1), output_padding=(1, 0), groups=2, bias=False)\ttrain\t1,4,3,2
ConvTranspose2d(1, 2, 2, stride=2, dilation=2)\ttrain\t1,1,3,3
MaxPool1d(2)\ttrain\t2,2,7
MaxPool1d(3, stride=2, padding=1, dilation=1, ceil_mode=True)\ttrain\t1,2,8
AvgPool1d(2)\ttrain\t2,2,7
AvgPool1d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)\ttrain\t1,2,8
MaxPool2d(2)\ttrain\t1,2,4,5
MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), ceil_mode=True)\ttrain\t1,2,6,5
AvgPool2d(2)\ttrain\t1,2,4,5
AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)\ttrain\t1,2,6,5
AvgPool2d(2, divisor_override=3)\ttrain\t1,1,4,4
MaxUnpool2d(2)\ttrain\t1,2,2,3\t1,2,2,3=
AdaptiveAvgPool2d(2)\ttrain\t1,2,5,3
AdaptiveAvgPool2d((3, None))\ttrain\t1,2,5,3
AdaptiveMaxPool2d((2, 3))\ttrain\t1,2,5,4
GlobalAvgPool()\ttrain\t2,2,3,2
GlobalMaxPool()\ttrain\t2,2,3,2
BatchNorm1d(3)\ttrain\t4,3
BatchNorm1d(2, eps=1e-3, momentum=0.3)\ttrain\t3,2,4
BatchNorm1d(3)\teval\t4,3
BatchNorm1d(3, momentum=None)\ttrain\t4,3
BatchNorm2d(2)\ttrain\t2,2,2,3
BatchNorm2d(2)\teval\t2,2,2,3
BatchNorm2d(2, affine=False)\ttrain\t2,2,2,2
BatchNorm2d(2, track_running_stats=False)\teval\t2,2,2,2
InstanceNorm1d(2)\ttrain\t2,2,5
InstanceNorm1d(2, affine=True, track_running_stats=True)\teval\t2,2,5
InstanceNorm2d(2)\ttrain\t2,2,3,2
InstanceNorm2d(2, affine=True, track_running_stats=True, momentum=0.2)\ttrain\t2,2,3,2
LayerNorm(4)\ttrain\t2,3,4
LayerNorm((3, 2), eps=1e-3)\ttrain\t2,3,2
LayerNorm(4, elementwise_affine=False)\ttrain\t3,4
RMSNorm(4)\ttrain\t3,4
RMSNorm((2, 3), eps=1e-2, elementwise_affine=False)\ttrain\t2,2,3
GroupNorm(2, 4)\ttrain\t2,4,3
GroupNorm(1, 3, affine=False)\ttrain\t2,3,2,2
LocalResponseNorm(3)\ttrain\t2,4,3
LocalResponseNorm(2, alpha=0.5, beta=0.6, k=2.0)\ttrain\t1,5,2,2
Dropout(0.4)\teval\t3,4
Dropout2d(0.4)\teval\t2,3,2,2
Sigmoid()\ttrain\t3,4
LogSigmoid()\ttrain\t3,4
Tanh()\ttrain\t3,4
ReLU()\ttrain\t3,4
ReLU6()\ttrain\t3,4:-3:9
SELU()\ttrain\t3,4
SiLU()\ttrain\t3,4
Mish()\ttrain\t3,4
Softsign()\ttrain\t3,4
Hardsigmoid()\ttrain\t3,4:-5:5
Hardswish()\ttrain\t3,4:-5:5
LeakyReLU()\ttrain\t3,4
LeakyReLU(0.2)\ttrain\t3,4
ELU()\ttrain\t3,4
ELU(0.7)\ttrain\t3,4
CELU()\ttrain\t3,4
CELU(alpha=0.5)\ttrain\t3,4
GELU()\ttrain\t3,4
GELU(approximate='tanh')\ttrain\t3,4
Softplus()\ttrain\t3,4
Softplus(beta=2.0, threshold=1.5)\ttrain\t3,4
Hardtanh()\ttrain\t3,4
Hardtanh(-0.5, 1.2)\ttrain\t3,4
Threshold(0.1, 5.0)\ttrain\t3,4
PReLU()\ttrain\t3,4
PReLU(3, init=0.4)\ttrain\t2,3,2
Softmax(dim=1)\ttrain\t2,3,2
LogSoftmax(dim=-1)\ttrain\t3,4
Identity()\ttrain\t2,3
Flatten()\ttrain\t2,2,3
Flatten(start_dim=0, end_dim=1)\ttrain\t2,2,3
Unflatten(1, (2, 3))\ttrain\t2,6
Unflatten(-1, (-1, 2))\ttrain\t2,6
Upsample(scale_factor=2)\ttrain\t1,2,2,3
Upsample(size=(5, 4), mode='bilinear', align_corners=True)\ttrain\t1,2,3,3
Upsample(scale_factor=(2, 1.5), mode='bilinear')\ttrain\t1,1,3,4
Upsample(size=4, mode='bicubic')\ttrain\t1,1,3,3
PixelShuffle(2)\ttrain\t1,8,2,3
PixelUnshuffle(2)\ttrain\t1,2,4,2
MSELoss()\ttrain\t3,2\t3,2
MSELoss(reduction='none')\ttrain\t3,2\t3,2
L1Loss(reduction='sum')\ttrain\t3,2\t3,2:3:5
SmoothL1Loss(beta=0.5)\ttrain\t3,4\t3,4
HuberLoss(delta=0.7)\ttrain\t3,4\t3,4
HingeEmbeddingLoss(margin=0.8)\ttrain\t3,4\t3,4?
KLDivLoss(reduction='batchmean')\ttrain\t3,4\t3,4:0.1:0.9
KLDivLoss(reduction='sum', log_target=True)\ttrain\t3,4\t3,4
SumSquaredError()\ttrain\t3,4\t3,4
CrossEntropyError()\ttrain\t3,4:0.1:0.9\t3|4
CosineSimilarity()\ttrain\t3,4\t3,4
CosineSimilarity(dim=0, eps=1e-3)\ttrain\t3,4\t3,4
CrossEntropyLoss()\ttrain\t4,3\t4|3
CrossEntropyLoss(weight=[0.5, 1.5, 2.0], ignore_index=1, reduction='sum', label_smoothing=0.1)\ttrain\t4,3\t4|3
CrossEntropyLoss()\ttrain\t2,3,2\t2,2|3
NLLLoss()\ttrain\t4,3\t4|3
NLLLoss(weight=[0.5, 1.5, 2.0])\ttrain\t4,3\t4|3
BCELoss()\ttrain\t3,2:0.1:0.9\t3,2:0.1:0.9
BCELoss(weight=[0.5, 1.5], reduction='sum')\ttrain\t3,2:0.1:0.9\t3,2:0.1:0.9
BCEWithLogitsLoss()\ttrain\t3,2\t3,2:0.1:0.9
BCEWithLogitsLoss(weight=[0.5, 1.5], pos_weight=[2.0, 3.0])\ttrain\t3,2\t3,2:0.1:0.9
TripletMarginLoss()\ttrain\t3,4\t3,4\t3,4
TripletMarginLoss(margin=2.0, p=2.0, swap=True, reduction='sum')\ttrain\t3,4\t3,4\t3,4
Embedding(5, 3)\ttrain\t2,3|5
Embedding(5, 3, padding_idx=1)\ttrain\t2,4|5
Embedding(4, 2, padding_idx=-1)\ttrain\t6|4
RNN(3, 4)\ttrain\t5,2,3
RNN(3, 2, num_layers=2, nonlinearity='relu', bias=False, batch_first=True, bidirectional=True)\ttrain\t2,3,3\t4,2,2
RNN(2, 3)\ttrain\t4,2\t1,3
LSTM(3, 4)\ttrain\t5,2,3
LSTM(3, 2, num_layers=2, batch_first=True, bidirectional=True)\ttrain\t2,3,3\t4,2,2\t4,2,2
LSTM(2, 3, bias=False)\ttrain\t4,2
LSTM(2, 2, bidirectional=True)\ttrain\t3,2\t2,2\t2,2
LSTM(3, 2, num_layers=3, dropout=0.5)\teval\t4,2,3
GRU(3, 4)\ttrain\t5,2,3
GRU(3, 2, num_layers=2, batch_first=True, bidirectional=True)\ttrain\t2,3,3\t4,2,2
GRU(2, 3, bias=False)\ttrain\t1,2\t1,3
RNNCell(3, 4)\ttrain\t2,3
RNNCell(3, 2, bias=False, nonlinearity='relu')\ttrain\t3\t2
LSTMCell(3, 4)\ttrain\t2,3\t2,4\t2,4
LSTMCell(3, 2, bias=False)\ttrain\t3
GRUCell(3, 4)\ttrain\t2,3\t2,4
GRUCell(3, 2, bias=False)\ttrain\t3
MultiheadAttention(4, 2)\ttrain\t3,2,4
MultiheadAttention(4, 2, batch_first=True)\ttrain\t2,3,4\t2,5,4\t2,5,4
MultiheadAttention(4, 2, kdim=3, vdim=5)\ttrain\t3,2,4\t4,2,3\t4,2,5\t3,4!\t2,4!
MultiheadAttention(6, 3, bias=False)\ttrain\t3,6\t4,6\t4,6\t3,4\t4!
MultiheadAttention(4, 2, dropout=0.3)\teval\t3,2,4\t4,2,4\t4,2,4\t4,3,4!
TransformerEncoderLayer(4, 2, dim_feedforward=5, dropout=0.0)\ttrain\t3,2,4
TransformerEncoderLayer(4, 2, dim_feedforward=5, activation='gelu', norm_first=True, batch_first=True)\teval\t2,3,4\t3,3!\t2,3!
TransformerEncoderLayer(4, 1, dim_feedforward=3, layer_norm_eps=0.001)\teval\t3,4
""".strip().split("\n")]

arrays = {}


def keep(key, value):
    arrays[key] = value.detach().numpy().copy()


for i, (text, mode, *specs) in enumerate(ROWS):
    layer = eval(text, dict(names)).train(mode == "train")
    weights = ("weight", "pos_weight") if text.split("(")[0].endswith("Loss") else ()
    with torch.no_grad():
        for name, p in layer.named_parameters():
            p.copy_(torch.from_numpy(np.round(generator.normal(0, 1, tuple(p.shape)) * 64) / 64))
        for name, b in layer.named_buffers():
            if b.is_floating_point() and name not in weights:
                b.copy_(torch.from_numpy(np.round(generator.uniform(0.5, 1.5, b.shape) * 64) / 64))
    for name, value in layer.state_dict().items():
        keep(f"{i}/before/{name}", value)
    inputs = [input_of(s) for s in specs]
    for j, x in enumerate(inputs):
        keep(f"{i}/x{j}", x)
        if x.is_floating_point() and not specs[j].endswith("?"):
            x.requires_grad_()
    cotangent = None
    for step in range(3):
        for p in [*layer.parameters(), *(x for x in inputs if x.requires_grad)]:
            p.grad = None
        y = result_of(layer, inputs)
        if cotangent is None:
            cotangent = torch.tensor(np.round(generator.uniform(-1, 1, tuple(y.shape)) * 64) / 64)
            keep(f"{i}/c", cotangent)
            keep(f"{i}/y", y)
        (y * cotangent).sum().backward()
        if step == 0:
            for j, x in enumerate(inputs):
                if x.grad is not None:
                    keep(f"{i}/dx{j}", x.grad)
            for name, p in layer.named_parameters():
                keep(f"{i}/d/{name}", p.grad)
        with torch.no_grad():
            for p in layer.parameters():
                p -= 0.1 * p.grad
    for name, value in layer.state_dict().items():
        keep(f"{i}/after/{name}", value)

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "layers.txt"), "w") as f:
    for text, mode, *_ in ROWS:
        f.write(f"{text}\t{mode}\n")
np.savez_compressed(os.path.join(folder, "layers.npz"), **arrays)
