"""Writes learning-curve.json: weighted, bounded fits of AUC(N) = a - b N^-c by scipy.optimize.curve_fit.

Run: python learning-curve.py (SciPy 1.17). Means are drawn around planted curves and rounded to six decimals; curve_fit
(trust region reflective) starts from many points, and the fit with the least weighted sum of squares is kept.
"""
import itertools
import json
import pathlib
import warnings

import numpy as np
from scipy import optimize

warnings.simplefilter("ignore")
rng = np.random.default_rng(20120212)


def law(n, a, gap, c):
    """b = gap * n_min^c keeps the parameters of one size."""
    return a - gap * (n / n[0]) ** -c


def fit(n, y, sigma):
    best = None
    for a, gap, c in itertools.product([0.6, 0.8, 0.95], [0.02, 0.1, 0.3], [0.1, 0.4, 0.8, 1.5]):
        try:
            found, _ = optimize.curve_fit(
                law, n, y, p0=[a, gap, c], sigma=sigma, absolute_sigma=True,
                bounds=([0.5, 0, 0.05], [1, np.inf, 2]), max_nfev=20000, ftol=1e-14, xtol=1e-14, gtol=1e-14,
            )
        except RuntimeError:
            continue
        chi2 = float(np.sum(((y - law(n, *found)) / sigma) ** 2))
        if best is None or chi2 < best[0]:
            best = (chi2, found)
    chi2, (a, gap, c) = best
    return {"a": float(a), "b": float(gap * n[0] ** c), "c": float(c), "chi2": chi2}


cases = []
ladders = [
    [50, 100, 200, 400, 800, 1600],
    [50, 100, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000],
    [50, 100, 5000, 10000, 20000, 35000, 50000, 60000, 77880],
    [20, 80, 320, 1280],
]
for sizes in ladders:
    n = np.array(sizes, dtype=float)
    for a, gap, c in [(0.85, 0.2, 0.5), (0.8, 0.28, 0.25), (0.92, 0.3, 1.1), (0.99, 0.45, 0.1)]:
        sigma = np.round(0.015 * (n / n[0]) ** -0.35, 6)
        y = np.round(law(n, a, gap, c) + sigma * rng.standard_normal(len(n)), 6)
        cases.append({"sizes": sizes, "values": y.tolist(), "sigma": sigma.tolist(), "fit": fit(n, y, sigma)})

path = pathlib.Path(__file__).with_name("learning-curve.json")
path.write_text(json.dumps({"cases": cases}) + "\n")
