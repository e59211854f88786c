"""Writes radiomics.json: the trials of a radiomics sweep by scikit-learn 1.9, on the features, rows and folds of radiomics-inputs.ts.

    python test/execute/golden/radiomics.py /tmp/inputs.json

C by the mean ROC AUC over the folds, as LogisticRegressionCV chooses it, with the scaler fitted within each fold. Classes are
one against the rest, their probabilities divided by the sum (OneVsRestClassifier).
"""
import json
import pathlib
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

inputs = json.loads(pathlib.Path(sys.argv[1]).read_text())
features = np.array(inputs["features"])


def fitted(c, balanced, x, y):
    weights = "balanced" if balanced else None
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=10_000, class_weight=weights)
    return make_pipeline(StandardScaler(), model).fit(x, y)


def chosen_strength(trial, x, y, folds):
    scores = []
    for c in trial["strengths"]:
        aucs = []
        for fold in np.unique(folds):
            out = folds == fold
            if len(set(y[out])) == 2 and len(set(y[~out])) == 2:
                model = fitted(c, trial["balanced"], x[~out], y[~out])
                aucs.append(roc_auc_score(y[out], model.decision_function(x[out])))
        scores.append(np.mean(aucs))
    best = int(np.argmax(np.array(scores) > np.max(scores) - 1e-12))
    return trial["strengths"][best], scores[best]


def targets(part, outputs):
    return np.array(part["targets"]).reshape(-1, outputs)


trials = []
for trial in inputs["trials"]:
    outputs = trial["outputs"]
    folds = np.array(trial["folds"])
    x, y = features[trial["train"]["rows"]], targets(trial["train"], outputs)
    models, strengths, inner = [], [], []
    for output in range(outputs):
        c, score = chosen_strength(trial, x, y[:, output], folds)
        models.append(fitted(c, trial["balanced"], x, y[:, output]))
        strengths.append(c)
        inner.append(score)
    aurocs = {}
    for name in ("validation", "test"):
        rows, truth = trial[name]["rows"], targets(trial[name], outputs)
        scores = np.stack([model.decision_function(features[rows]) for model in models], axis=1)
        if trial["kind"] == "multiclass":
            p = 1 / (1 + np.exp(-scores))
            scores = p / p.sum(axis=1, keepdims=True)
        aurocs[name] = [roc_auc_score(truth[:, output], scores[:, output]) for output in range(outputs)]
    same = ("part", "n", "seed")
    trials.append({**{key: trial[key] for key in same}, "strengths": strengths, "crossValidation": inner, **aurocs})

path = pathlib.Path(__file__).with_name("radiomics.json")
path.write_text(json.dumps(trials, indent=1) + "\n")
