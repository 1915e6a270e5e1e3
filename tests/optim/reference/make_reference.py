#!/usr/bin/env python3
"""Makes optimizers.txt: where PyTorch's optimizers stand after 1, 2, 5, 10, 50 and 100 steps, in float64; lbfgs.txt is
the same for LBFGS after each of 5 calls of step(closure).

    make_reference.py            (Debian 12: apt-get install python3-torch, which is 1.13.1)

A line is
    optimizer | its options | problem | step | numbers
and the numbers are all parameters of the problem. The problems are written again in tests/optim/problems.h. Lion is not
in this PyTorch: it follows algorithm 2 of its paper here.
"""
import math

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Lion:
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        self.params, self.lr, self.betas, self.decay = list(params), lr, betas, weight_decay
        self.m = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self):
        for p, m in zip(self.params, self.m):
            c = self.betas[0] * m + (1 - self.betas[0]) * p.grad
            p.copy_(p - self.lr * (torch.sign(c) + self.decay * p))
            m.copy_(self.betas[1] * m + (1 - self.betas[1]) * p.grad)


def bowl():
    p = torch.tensor([-7.0, 2.0], requires_grad=True)
    return [p], lambda: (torch.tensor([0.05, 1.0]) * p * p).sum()


def rosenbrock():
    p = torch.tensor([-1.2, 1.0], requires_grad=True)
    return [p], lambda: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def logistic():
    # 12 points of 3 numbers, whose class is that of a plane; weights as a matrix, and a bias.
    x = torch.tensor([[math.sin(3.0 * i + j) + 0.1 * j for j in range(3)] for i in range(12)])
    y = torch.tensor([[1.0 if math.sin(3.0 * i) + math.cos(2.0 * i) > 0 else 0.0] for i in range(12)])
    w = torch.tensor([[0.1], [-0.2], [0.3]], requires_grad=True)
    b = torch.tensor([0.05], requires_grad=True)
    return [w, b], lambda: torch.nn.functional.softplus(-(2 * y - 1) * (x @ w + b)).mean()


problems = {"bowl": bowl, "rosenbrock": rosenbrock, "logistic": logistic}
O = torch.optim
# Options of PyTorch; betas are written beta1 and beta2.
cases = [
    (O.SGD, dict(lr=0.1)), (O.SGD, dict(lr=0.05, momentum=0.9)),
    (O.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.1)),
    (O.SGD, dict(lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01)),
    (O.SGD, dict(lr=0.01, momentum=0.5, maximize=True)),
    (O.Adam, dict()), (O.Adam, dict(lr=0.3)), (O.Adam, dict(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    (O.Adam, dict(lr=0.3, betas=(0.9, 0.9), amsgrad=True)), (O.Adam, dict(lr=0.01, maximize=True)),
    (O.AdamW, dict()), (O.AdamW, dict(lr=0.1, weight_decay=0.3)),
    (O.AdamW, dict(lr=0.1, betas=(0.8, 0.9), amsgrad=True)), (O.AdamW, dict(lr=0.01, maximize=True)),
    (O.NAdam, dict()), (O.NAdam, dict(lr=0.1, weight_decay=0.05, momentum_decay=0.01)),
    (O.RAdam, dict()), (O.RAdam, dict(lr=0.1, weight_decay=0.05)), (O.RAdam, dict(lr=0.1, betas=(0.8, 0.9))),
    (O.Adamax, dict()), (O.Adamax, dict(lr=0.02, betas=(0.8, 0.9), eps=1e-2, weight_decay=0.1)),
    (O.Adamax, dict(lr=0.01, maximize=True)),
    (O.Adagrad, dict()),
    (O.Adagrad, dict(lr=0.5, lr_decay=0.01, weight_decay=0.1, initial_accumulator_value=0.2, eps=1e-7)),
    (O.Adagrad, dict(lr=0.01, maximize=True)),
    (O.RMSprop, dict()), (O.RMSprop, dict(lr=0.01, alpha=0.95, eps=1e-2, weight_decay=0.1)),
    (O.RMSprop, dict(lr=0.01, momentum=0.8)), (O.RMSprop, dict(lr=0.002, alpha=0.95, eps=1e-1, centered=True)),
    (O.RMSprop, dict(lr=0.002, alpha=0.95, eps=1e-1, centered=True, momentum=0.5)),
    (O.RMSprop, dict(lr=0.001, maximize=True)),
    (O.Adadelta, dict()), (O.Adadelta, dict(lr=0.1, rho=0.9, eps=1e-4, weight_decay=0.1)),
    (O.Adadelta, dict(maximize=True)),
    (Lion, dict()), (Lion, dict(lr=0.01, betas=(0.8, 0.9), weight_decay=0.1)),
    (O.LBFGS, dict()), (O.LBFGS, dict(line_search_fn="strong_wolfe")),
    (O.LBFGS, dict(lr=0.5, max_iter=7, history_size=3, line_search_fn="strong_wolfe")),
    (O.LBFGS, dict(lr=0.1, max_iter=4, max_eval=3)),
]


def text(options):
    flat = []
    for name, value in options.items():
        if name == "betas":
            flat += [f"beta1={value[0]!r}", f"beta2={value[1]!r}"]
        elif name == "line_search_fn":
            flat.append("strong_wolfe=1")
        else:
            flat.append(f"{name}={float(value)!r}")
    return " ".join(flat)




def run(kind, options, make, scale=1.0):
    """The numbers after each step; the start is multiplied by scale."""
    params, loss_of = make()
    with torch.no_grad():
        for p in params:
            p *= scale
    optimizer = kind(params, **options)

    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    rows = []
    for _ in range(5 if kind is O.LBFGS else 100):
        if kind is O.LBFGS:
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        rows.append([v for p in params for v in p.detach().flatten().tolist()])
    return rows


files = {False: open("optimizers.txt", "w"), True: open("lbfgs.txt", "w")}
for kind, options in cases:
    closures = kind is O.LBFGS
    # Climbs, plain steps and RAdam's first long ones run away on Rosenbrock's walls, and without a search so does LBFGS.
    rough = kind is O.SGD or options.get("maximize") or (kind is O.RAdam and options)
    rough = rough or (closures and "line_search_fn" not in options)
    for name, make in problems.items():
        if rough and name == "rosenbrock":
            continue
        rows = run(kind, options, make)
        if not closures:  # a path on which rounding grows is no reference
            for a, b in zip(run(kind, options, make, 1 + 1e-9)[-1], rows[-1]):
                assert abs(a - b) <= 1e-6 * max(abs(b), 1e-2) or kind is Lion, (kind, options, name, a, b)
        for step, row in enumerate(rows, 1):
            if closures or step in (1, 2, 5, 10, 50, 100):
                numbers = " ".join(map(repr, row))
                files[closures].write(f"{kind.__name__}|{text(options)}|{name}|{step}|{numbers}\n")
for file in files.values():
    file.close()
