"""Writes range_test.json: what fastai's suggestion rules make of drawn range tests. Run: python range_test.py (fastai, torch 2.13)."""
import json
import pathlib

import numpy as np
import torch
from fastai.callback.schedule import minimum, steep, valley

STEPS = 100


def smooth(losses, beta=0.98):
    mean, smoothed = 0.0, []
    for step, loss in enumerate(losses, 1):
        mean = torch.lerp(torch.tensor(loss, dtype=torch.float64), torch.tensor(mean, dtype=torch.float64), beta).item()
        smoothed.append(mean / (1 - beta**step))
    return smoothed


def curve(seed, falls_at, rises_at, noise):
    random = np.random.default_rng(seed)
    rates = 1e-7 * (10 / 1e-7) ** (np.arange(STEPS) / (STEPS - 1))
    fall = 0.4 / (1 + (falls_at / rates) ** 1.5)
    rise = (rates / rises_at) ** 1.2
    losses = 0.7 - fall + rise + noise * random.standard_normal(STEPS)
    smoothed = smooth(losses)
    done = next((step + 1 for step, loss in enumerate(smoothed) if loss > 4 * min(smoothed[: step + 1])), STEPS)
    return rates[:done], losses[:done], np.array(smoothed[:done])


cases = []
for seed, (falls_at, rises_at, noise) in enumerate(
    [(1e-4, 0.1, 0), (1e-3, 1, 0.02), (1e-2, 3, 0.05), (1e-5, 1e-2, 0.02), (1e-3, 0.03, 0.1), (0.1, 30, 0.03), (1e-3, 1e3, 0.01)]
):
    rates, losses, smoothed = curve(seed, falls_at, rises_at, noise)
    x, y = torch.tensor(rates[STEPS // 10 : -5]), torch.tensor(smoothed[STEPS // 10 : -5])
    suggest = lambda rule: rule(x, y, STEPS)[0]
    cases.append(
        {
            "losses": losses.tolist(),
            "smoothed": smoothed.tolist(),
            "valley": suggest(valley),
            "steepest": suggest(steep),
            "minimumTenth": suggest(minimum),
        }
    )
pathlib.Path(__file__).with_name("range_test.json").write_text(json.dumps(cases) + "\n")
