"""Writes schedules.json: learning rates and momenta of PyTorch's schedulers. Run: python schedules.py (torch 2.13)."""
import json
import pathlib

import torch


def trace(make, total, optimizer=None):
    optimizer = optimizer or torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for _ in range(total):
        group = optimizer.param_groups[0]
        rates.append(group["lr"])
        momenta.append(group["betas"][0] if "betas" in group else group["momentum"])
        optimizer.step()
        scheduler.step() if len(rates) < total else None
    return {"rates": rates, "momenta": momenta}


def adam():
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)


lr = torch.optim.lr_scheduler


def cyclic(up, down, mode, gamma=1.0):
    momentum = {"base_momentum": 0.85, "max_momentum": 0.95}
    return lambda o: lr.CyclicLR(o, 1e-4, 1e-3, step_size_up=up, step_size_down=down, mode=mode, gamma=gamma, **momentum)


def warm_cosine(o):
    parts = [lr.LinearLR(o, start_factor=0.1, total_iters=4), lr.CosineAnnealingLR(o, T_max=36)]
    return lr.SequentialLR(o, parts, milestones=[4])


cases = {
    "one-cycle-100": trace(lambda o: lr.OneCycleLR(o, 1e-3, total_steps=100, final_div_factor=1e4), 100),
    "one-cycle-7": trace(lambda o: lr.OneCycleLR(o, 1e-3, total_steps=7, pct_start=0.45, div_factor=10, final_div_factor=100), 7),
    "one-cycle-adam-50": trace(lambda o: lr.OneCycleLR(o, 1e-3, total_steps=50, final_div_factor=1e4), 50, adam()),
    "one-cycle-linear-100": trace(lambda o: lr.OneCycleLR(o, 1e-3, total_steps=100, anneal_strategy="linear", final_div_factor=1e4), 100),
    "one-cycle-three-phase-50": trace(lambda o: lr.OneCycleLR(o, 1e-3, total_steps=50, three_phase=True, final_div_factor=1e4), 50, adam()),
    "one-cycle-three-phase-linear-37": trace(
        lambda o: lr.OneCycleLR(o, 1e-3, total_steps=37, pct_start=0.45, three_phase=True, anneal_strategy="linear", div_factor=10, final_div_factor=100, base_momentum=0.8, max_momentum=0.9), 37
    ),
    "cosine-40": trace(lambda o: lr.CosineAnnealingLR(o, T_max=40, eta_min=1e-5), 40),
    "step-20": trace(lambda o: lr.MultiStepLR(o, milestones=[10, 15], gamma=0.1), 20),
    "triangular-40": trace(cyclic(5, 5, "triangular"), 40),
    "triangular2-60": trace(cyclic(6, 14, "triangular2"), 60),
    "exp-range-adam-50": trace(cyclic(10, 15, "exp_range", gamma=0.97), 50, adam()),
    "warm-restarts-70": trace(lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=10, T_mult=2, eta_min=1e-5), 70),
    "warm-restarts-30": trace(lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=10), 30),
    "warmup-cosine-40": trace(warm_cosine, 40),
    "constant-3": trace(lambda o: lr.ConstantLR(o, factor=1.0), 3),
}


def plateau(losses, **settings):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1)
    scheduler = lr.ReduceLROnPlateau(optimizer, threshold_mode="abs", eps=0, **settings)
    factors = []
    for loss in losses:
        scheduler.step(loss)
        factors.append(optimizer.param_groups[0]["lr"])
    return {"losses": losses, "factors": factors}


noisy = [0.9, 0.7, 0.71, 0.695, 0.7, 0.6, 0.6005, 0.602, 0.5995, 0.61, 0.5, 0.52, 0.51, 0.505, 0.49, 0.495, 0.5, 0.51]
cases["plateau"] = {
    "strict": plateau(noisy, factor=0.1, patience=0, threshold=0),
    "patient": plateau(noisy, factor=0.5, patience=2, threshold=0.01),
    "lenient": plateau(noisy, factor=0.1, patience=0, threshold=-0.001),
}
pathlib.Path(__file__).with_name("schedules.json").write_text(json.dumps(cases) + "\n")
