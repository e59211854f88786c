"""Writes regression.json: logistic regressions of scikit-learn 1.9 on the same rows and folds.

    python test/radiomics/golden/regression.py

`cases` are pipelines fitted in every fold, `cv` is LogisticRegressionCV itself. Coefficients are on raw features.
"""
import json
import pathlib
import warnings

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

warnings.simplefilter("ignore")
rng = np.random.default_rng(14507)
FOLDS = 4


def number(value):
    return float(value) if np.isfinite(value) else None


def data(rows, columns):
    """Correlated features of very different sizes, one constant, one a copy of another but for noise."""
    latent = rng.normal(size=(rows, 4))
    x = latent @ rng.normal(size=(4, columns)) + 0.4 * rng.normal(size=(rows, columns))
    x = x * 10.0 ** rng.integers(-2, 3, size=columns) + rng.integers(-5, 6, size=columns)
    x[:, 2] = 7.25
    x[:, 5] = 3 * x[:, 1] + 0.01 * x[:, 1].std() * rng.normal(size=rows)
    z = latent @ rng.normal(size=(4, 3)) - [0, 0.8, 1.2]
    y = (rng.random(size=z.shape) < 1 / (1 + np.exp(-z))).astype(float)
    y[rng.random(size=rows) < 0.15, 1] = np.nan
    return np.array([[float(f"{v:.7g}") for v in row] for row in x]), y


def keep(x, limit):
    """Columns that vary, and whose |r| with no earlier kept one is above `limit`."""
    columns = [j for j in range(x.shape[1]) if x[:, j].std() > 0]
    r = np.abs(np.corrcoef(x[:, columns].T))
    kept = []
    for place in range(len(columns)):
        if all(r[place, other] <= limit for other in kept):
            kept.append(place)
    return [columns[place] for place in kept]


def fit(options, c, x, y):
    """Pipeline on the kept columns -> (kept, model)."""
    filled = SimpleImputer(strategy="median").fit_transform(x)
    kept = keep(filled, options["largestCorrelation"])
    balanced = "balanced" if options["classWeights"] == "balanced" else None
    ratio = {"l2": 0, "l1": 1}.get(options["penalty"], options.get("l1Ratio"))
    if ratio == 0:
        model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-13, max_iter=10_000, class_weight=balanced)
    else:
        model = LogisticRegression(C=c, l1_ratio=ratio, solver="saga", tol=1e-11, max_iter=400_000, class_weight=balanced)
    scaler = StandardScaler() if options["standardize"] else FunctionTransformer()
    return kept, make_pipeline(SimpleImputer(strategy="median"), scaler, model).fit(x[:, kept], y)


def raw(kept, pipeline, columns):
    w, b = pipeline[-1].coef_[0], pipeline[-1].intercept_[0]
    if isinstance(pipeline[1], StandardScaler):
        w = w / pipeline[1].scale_
        b = b - w @ pipeline[1].mean_
    full = np.zeros(columns)
    full[kept] = w
    return full, b


def output(options, strengths, x, y, folds):
    known = ~np.isnan(y)
    aucs = np.full((FOLDS, len(strengths)), np.nan)
    for fold in range(FOLDS):
        training, validation = known & (folds != fold), known & (folds == fold)
        if len(set(y[training])) < 2 or len(set(y[validation])) < 2:
            continue
        for i, c in enumerate(strengths):
            kept, pipeline = fit(options, c, x[training], y[training])
            aucs[fold, i] = roc_auc_score(y[validation], pipeline.decision_function(x[validation][:, kept]))
    best = int(np.argmax(np.round(np.nansum(aucs, axis=0), 12)))
    kept, pipeline = fit(options, strengths[best], x[known], y[known])
    coefficients, intercept = raw(kept, pipeline, x.shape[1])
    return {
        "aucs": [[number(v) for v in row] for row in aucs.T],
        "strength": strengths[best],
        "kept": kept,
        "coefficients": coefficients.tolist(),
        "intercept": float(intercept),
        "logits": pipeline.decision_function(x[:, kept]).tolist(),
    }


def case(rows, columns, strengths, missing=0.0, **changes):
    options = {"penalty": "l2", "classWeights": "none", "standardize": True, "missing": "refuse", "largestCorrelation": 1}
    options |= changes
    x, y = data(rows, columns)
    if missing > 0:
        x[rng.random(size=x.shape) < missing] = np.nan
    folds = np.arange(rows) * 7 % FOLDS
    return {
        "options": options,
        "strengths": strengths,
        "columns": columns,
        "features": [number(v) for v in x.ravel()],
        "targets": [number(v) for v in y.ravel()],
        "folds": folds.tolist(),
        "outputs": [output(options, strengths, x, y[:, k], folds) for k in range(3)],
    }


def cross_validated():
    """LogisticRegressionCV on features that are standardised beforehand, as in the paper."""
    x, y = data(120, 9)
    x = StandardScaler().fit_transform(x)
    x = np.array([[float(f"{v:.9g}") for v in row] for row in x])
    folds = np.arange(120) * 7 % FOLDS
    splits = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(FOLDS)]
    model = LogisticRegressionCV(
        Cs=10, cv=splits, scoring="roc_auc", solver="newton-cholesky", tol=1e-13, max_iter=10_000, l1_ratios=(0,),
        use_legacy_attributes=False,
    ).fit(x, y[:, 0])
    return {
        "columns": 9,
        "features": x.ravel().tolist(),
        "targets": y[:, 0].tolist(),
        "folds": folds.tolist(),
        "strengths": model.Cs_.tolist(),
        "aucs": model.scores_.reshape(FOLDS, 10).T.tolist(),
        "strength": float(model.C_),
        "coefficients": model.coef_[0].tolist(),
        "intercept": float(model.intercept_[0]),
    }


wide = [1e-4, 1e-2, 1.0, 1e2, 1e4]
narrow = [0.03, 0.3, 3.0]
golden = {
    "cases": {
        "l2": case(80, 9, wide),
        "l2 balanced, raw features": case(80, 7, [0.01, 1.0], classWeights="balanced", standardize=False),
        "l2 with more features than rows": case(24, 40, wide),
        "l2 without correlated features": case(70, 10, wide, largestCorrelation=0.9),
        "l2 with medians for NaN": case(70, 8, wide, missing=0.1),
        "l1": case(80, 9, narrow, penalty="l1"),
        "l1 balanced": case(60, 8, narrow, penalty="l1", classWeights="balanced"),
        "elastic net": case(60, 12, narrow, penalty="elastic-net", l1Ratio=0.4),
    },
    "cv": cross_validated(),
}
golden["cases"]["l2 with medians for NaN"]["options"]["missing"] = "median"
path = pathlib.Path(__file__).with_name("regression.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
