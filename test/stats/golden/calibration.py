"""Writes calibration.json: calibration curves of scikit-learn, logistic recalibration of statsmodels with model-based and
patient-clustered variances. Run: python calibration.py (scikit-learn 1.9, statsmodels 0.15)."""
import json
import pathlib

import numpy as np
import statsmodels.api as sm
from scipy import special
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

rng = np.random.default_rng(1958)


def study(patients, images, slope, intercept, step):
    who = np.repeat(np.arange(patients), rng.integers(1, images + 1, size=patients))
    logits = ((rng.normal(size=patients)[who] + rng.normal(size=len(who))) / step).round() * step
    y = (rng.random(len(who)) < special.expit(intercept + slope * logits)).astype(int)
    p = special.expit(logits)
    curves = []
    for strategy, binning in (("uniform", "width"), ("quantile", "mass")):
        for bins in (5, 10):
            true, predicted = calibration_curve(y, p, n_bins=bins, strategy=strategy)
            edges = np.linspace(0, 1, bins + 1) if strategy == "uniform" else np.percentile(p, np.linspace(0, 1, bins + 1) * 100)
            rows = np.bincount(np.searchsorted(edges[1:-1], p), minlength=bins)
            rows = rows[rows > 0]
            curves.append({
                "binning": binning, "bins": bins, "rows": rows.tolist(), "observed": true.tolist(), "predicted": predicted.tolist(),
                "ece": float((rows * np.abs(true - predicted)).sum() / rows.sum()),
                "reliability": float((rows * (true - predicted) ** 2).sum() / rows.sum()),
                "resolution": float((rows * (true - y.mean()) ** 2).sum() / rows.sum()),
            })
    x = sm.add_constant(logits)
    fits = {}
    for name, options in (("plain", {}), ("clustered", {"cov_type": "cluster", "cov_kwds": {"groups": who}})):
        both = sm.Logit(y, x).fit(disp=0, tol=1e-14, **options)
        large = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=logits).fit(tol=1e-14, **options)
        fits[name] = {
            "intercept": [both.params[0], both.bse[0]], "slope": [both.params[1], both.bse[1]],
            "inTheLarge": [large.params[0], large.bse[0]],
        }
    return {
        "patients": who.tolist(), "logits": logits.tolist(), "targets": y.tolist(), "curves": curves, "fits": fits,
        "brier": float(brier_score_loss(y, p)),
    }


studies = [study(60, 4, 0.6, 0.5, 0.01), study(80, 1, 1.3, -1.0, 0.25)]
pathlib.Path(__file__).with_name("calibration.json").write_text(json.dumps({"studies": studies}, default=float) + "\n")
