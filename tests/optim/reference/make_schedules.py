#!/usr/bin/env python3
"""Makes schedules.txt: the rates of PyTorch's schedulers for a rate of 1, one a step.

    make_schedules.py            (Debian 12: apt-get install python3-torch, which is 1.13.1)

A line is the call of chainrule's schedule, a bar and the rates.
"""
import torch
from torch.optim import lr_scheduler as S

rows = {
    "step(3, 0.5)": (14, lambda o: S.StepLR(o, 3, 0.5)),
    "multi_step([2, 5, 9], 0.1)": (14, lambda o: S.MultiStepLR(o, [2, 5, 9], 0.1)),
    "exponential(0.9)": (14, lambda o: S.ExponentialLR(o, 0.9)),
    "inverse_time(0.1)": (14, lambda o: S.LambdaLR(o, lambda t: 1 / (1 + 0.1 * t))),
    "polynomial(7, 2, 0)": (12, lambda o: S.PolynomialLR(o, 7, 2)),
    "cosine(10, 0.1)": (11, lambda o: S.CosineAnnealingLR(o, 10, 0.1)),
    "cosine(10)": (11, lambda o: S.CosineAnnealingLR(o, 10)),
    "cosine_restarts(3, 2, 0.05)": (30, lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.05)),
    "cosine_restarts(4, 1, 0)": (14, lambda o: S.CosineAnnealingWarmRestarts(o, 4)),
    "warm_up(4, 0.25)": (8, lambda o: S.LinearLR(o, 0.25, 1, 4)),
    "hold(4, 0.25)": (8, lambda o: S.ConstantLR(o, 0.25, 4)),
    "one_cycle(20)": (20, lambda o: S.OneCycleLR(o, 1, 20)),
    "one_cycle(21), linear, 0.4, 10, 100": (
        21, lambda o: S.OneCycleLR(o, 1, 21, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100)),
    "one_cycle(20), three phases": (20, lambda o: S.OneCycleLR(o, 1, 20, three_phase=True)),
    "warm_up(4, 0.25) * exponential(0.9)": (
        12, lambda o: S.ChainedScheduler([S.LinearLR(o, 0.25, 1, 4), S.ExponentialLR(o, 0.9)])),
    "sequential([warm_up(4, 0.25), exponential(0.9)], [4])": (
        12, lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.25, 1, 4), S.ExponentialLR(o, 0.9)], [4])),
}
metrics = [5, 4, 3, 3.0001, 2.9999, 3, 3, 3, 2.5, 2.6, 2.6, 2.6, 2.6, 2.6, 2.6, 2.4, 2.4, 2.4, 2.4, 2.4, 2.4]
plateaus = {
    "plateau": dict(factor=0.5, patience=2),
    "plateau cooldown": dict(factor=0.5, patience=1, cooldown=3, min_lr=0.2),
    "plateau max abs": dict(mode="max", factor=0.3, patience=3, threshold=0.3, threshold_mode="abs"),
}


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def rate(o):
    return repr(float(o.param_groups[0]["lr"]))


with open("schedules.txt", "w") as out:
    for text, (steps, make) in rows.items():
        o = optimizer()
        schedule, rates = make(o), []
        for _ in range(steps):
            rates.append(rate(o))
            o.step()
            if len(rates) < steps:
                schedule.step()
        out.write(f"{text}|{' '.join(rates)}\n")
    for text, options in plateaus.items():
        o = optimizer()
        schedule, rates = S.ReduceLROnPlateau(o, **options), []
        for m in metrics:
            schedule.step(m)
            rates.append(rate(o))
        out.write(f"{text}|{' '.join(rates)}\n")
