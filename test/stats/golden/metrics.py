"""Writes metrics.json: metrics of scikit-learn, SciPy and NumPy. Run: python metrics.py (scikit-learn 1.9, SciPy 1.17).

Logits have three decimals and are rounded to float32 on both sides, so the file stays small; null is an unknown target.
"""
import json
import pathlib
import warnings

import numpy as np
from scipy import special, stats
from sklearn import metrics

warnings.simplefilter("ignore")
rng = np.random.default_rng(20201211)


def number(value):
    return None if value is None or not np.isfinite(value) else float(value)


def mean(values):
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def threshold(y, p):
    """Highest probability among those with the largest Youden's J, J compared in whole numbers."""
    positives, negatives = int(y.sum()), int((1 - y).sum())
    if positives == 0 or negatives == 0:
        return None
    fpr, tpr, at = metrics.roc_curve(y, p, drop_intermediate=False)
    j = np.rint(tpr * positives) * negatives - np.rint(fpr * negatives) * positives
    return float(at[1:][np.argmax(j[1:])])


def label_metrics(y, score, log_p, log_not_p, at):
    """y, score (log-odds), ln p and ln (1 - p) of the known rows; `at` is the threshold on p or None."""
    p = special.expit(score)
    both = 0 < y.sum() < len(y)
    out = {
        "positives": int(y.sum()),
        "negatives": int((1 - y).sum()),
        "auroc": number(metrics.roc_auc_score(y, score)) if both else None,
        "ap": number(metrics.average_precision_score(y, score)) if y.sum() > 0 else None,
        "threshold": at,
        "accuracy": None,
        "sensitivity": None,
        "specificity": None,
        "logLoss": float(-np.where(y == 1, log_p, log_not_p).mean()) if len(y) else None,
        "brier": number(metrics.brier_score_loss(y, p, pos_label=1)) if len(y) else None,
    }
    if len(y) and np.abs(score).max() < 30:
        # Where scikit-learn does not clip, its own log loss has to be the same.
        assert np.isclose(metrics.log_loss(y, p, labels=[0, 1]), out["logLoss"], rtol=0, atol=1e-12)
    if at is not None and len(y):
        called = (p >= at).astype(int)
        out["accuracy"] = float(metrics.accuracy_score(y, called))
        out["sensitivity"] = number(metrics.recall_score(y, called, pos_label=1, zero_division=np.nan))
        out["specificity"] = number(metrics.recall_score(y, called, pos_label=0, zero_division=np.nan))
    return out


def parts(kind, logits):
    """Log-odds, ln p and ln (1 - p), each [rows × outputs], in double precision."""
    z = logits.astype(np.float64)
    if kind != "multiclass":
        return z, special.log_expit(z), special.log_expit(-z)
    k = z.shape[1]
    rest = np.stack([special.logsumexp(np.delete(z, c, axis=1), axis=1) for c in range(k)], axis=1)
    return z - rest, special.log_softmax(z, axis=1), rest - special.logsumexp(z, axis=1, keepdims=True)


def evaluate(kind, logits, targets, thresholds):
    score, log_p, log_not_p = parts(kind, logits)
    labels = []
    for k in range(logits.shape[1]):
        known = ~np.isnan(targets[:, k])
        y = targets[known, k].astype(int)
        labels.append(label_metrics(y, score[known, k], log_p[known, k], log_not_p[known, k], thresholds[k]))
    macro = {
        name: mean([label[name] for label in labels])
        for name in ("auroc", "ap", "accuracy", "sensitivity", "specificity", "logLoss", "brier")
    }
    if kind == "multiclass":
        known = ~np.isnan(targets).any(axis=1)
        truth = targets[known].argmax(axis=1)
        names = list(range(logits.shape[1]))
        macro["accuracy"] = float(metrics.accuracy_score(truth, logits[known].argmax(axis=1)))
        macro["logLoss"] = float(-log_p[known, truth].mean())
        if np.abs(score).max() < 30 and len(set(truth)) == len(names) > 2:
            p = special.softmax(logits[known].astype(np.float64), axis=1)
            assert np.isclose(metrics.log_loss(truth, p, labels=names), macro["logLoss"], rtol=0, atol=1e-12)
            assert np.isclose(metrics.roc_auc_score(truth, p, multi_class="ovr"), macro["auroc"], rtol=0, atol=1e-12)
            quadratic = metrics.brier_score_loss(truth, p, labels=names, scale_by_half=False)
            assert np.isclose(quadratic / len(names), macro["brier"], rtol=0, atol=1e-12)
    return {**macro, "labels": labels}


def choose(kind, logits, targets):
    score, _, _ = parts(kind, logits)
    p = special.expit(score)
    out = []
    for k in range(logits.shape[1]):
        known = ~np.isnan(targets[:, k])
        out.append(threshold(targets[known, k].astype(int), p[known, k]))
    return out


def plain(values):
    return [None if np.isnan(value) else round(float(value), 3) for value in values.ravel()]


def case(kind, validation, test):
    sets = [(logits.round(3).astype(np.float32), targets) for logits, targets in (validation, test)]
    thresholds = choose(kind, *sets[0])
    return {
        "kind": kind,
        "outputs": sets[0][0].shape[1],
        "sets": [{"logits": plain(logits), "targets": plain(targets)} for logits, targets in sets],
        "thresholds": thresholds,
        "validation": evaluate(kind, *sets[0], thresholds),
        "test": evaluate(kind, *sets[1], thresholds),
    }


def findings(rows, outputs, prevalence=0.3, missing=0.0, signal=1.0):
    targets = (rng.random((rows, outputs)) < prevalence).astype(np.float64)
    logits = rng.normal(size=(rows, outputs)) + signal * targets - 1
    targets[rng.random((rows, outputs)) < missing] = np.nan
    return logits, targets


def classes(rows, outputs, signal=1.0):
    truth = rng.integers(outputs, size=rows)
    truth[:outputs] = range(outputs)
    targets = np.eye(outputs)[truth]
    return rng.normal(size=(rows, outputs)) + signal * targets, targets


def changed(scored, change):
    logits, targets = scored
    return change(logits), targets


def with_targets(scored, change):
    logits, targets = scored
    change(targets)
    return logits, targets


def single_class(targets):
    targets[:, 0] = 0
    targets[:, 1] = 1


def all_missing(targets):
    targets[:, 0] = np.nan
    targets[5:9, 1] = np.nan


def missing_rows(targets):
    targets[::7] = np.nan


def rounded(logits):
    return logits.round(0)


def constant(logits):
    return np.full_like(logits, -0.25)


def extreme(logits):
    """Far beyond where sigmoid and softmax round to 0 or 1, and next to nothing."""
    scales = np.resize([1.0, 200.0, 1e5, 1e-3], len(logits))[:, None]
    return np.where(np.abs(logits * scales) > 30, logits * scales * 2, logits * np.minimum(scales, 1))


def repeated(scored):
    logits, targets = scored
    return logits[np.arange(len(logits)) % 9], targets


tiny = np.array([[0.2], [-0.4]]), np.array([[1.0], [0.0]])
tiny_wrong = np.array([[0.2], [-0.4]]), np.array([[0.0], [1.0]])
cases = {
    "random": case("multilabel", findings(150, 4), findings(120, 4)),
    "rare labels": case("multilabel", findings(80, 6, 0.03), findings(90, 6, 0.03)),
    "tied": case("multilabel", changed(findings(150, 3), rounded), changed(findings(120, 3), rounded)),
    "constant": case("multilabel", changed(findings(30, 2), constant), changed(findings(40, 2), constant)),
    "missing": case("multilabel", findings(120, 4, missing=0.4), findings(100, 4, missing=0.4)),
    "single class": case(
        "multilabel", findings(60, 3), with_targets(findings(50, 3), single_class)),
    "single class in validation": case(
        "multilabel", with_targets(findings(60, 3), single_class), findings(50, 3)),
    "all missing": case("multilabel", findings(40, 3), with_targets(findings(50, 3), all_missing)),
    "nothing known": case(
        "binary", findings(10, 1), with_targets(findings(10, 1), lambda targets: targets.fill(np.nan))),
    "extreme logits": case("multilabel", changed(findings(80, 3), extreme), changed(findings(80, 3), extreme)),
    "binary": case("binary", findings(90, 1), findings(70, 1)),
    "worse than chance": case("binary", findings(50, 1, signal=-3.0), findings(50, 1, signal=-3.0)),
    "two rows": case("binary", tiny, tiny_wrong),
    "two rows, wrong order": case("binary", tiny_wrong, tiny),
    "classes": case("multiclass", classes(90, 4), classes(70, 4)),
    "two classes": case("multiclass", classes(50, 2), classes(40, 2)),
    "classes with repeated rows": case("multiclass", repeated(classes(60, 3)), repeated(classes(50, 3))),
    "classes, constant": case("multiclass", changed(classes(20, 3), constant), changed(classes(20, 3), constant)),
    "classes, extreme logits": case("multiclass", changed(classes(60, 3), extreme), changed(classes(60, 3), extreme)),
    "classes with unknown rows": case("multiclass", classes(40, 3), with_targets(classes(40, 3), missing_rows)),
}


def curve(scores, targets):
    fpr, tpr, at = metrics.roc_curve(targets, scores, drop_intermediate=False)
    points = [[None if np.isinf(t) else float(t), float(f), float(r)] for t, f, r in zip(at, fpr, tpr)]
    return {"scores": scores.tolist(), "targets": targets.tolist(), "points": points}


roc_targets = (rng.random(40) < 0.4).astype(int)
samples = [rng.normal(0.7, 0.05, size).round(4) for size in (2, 3, 5, 10, 31)] + [np.array([0.5, 0.5, 0.5])]
summaries = [
    {
        "values": values.tolist(),
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        "median": float(np.median(values)),
        "quantiles": {str(p): float(np.quantile(values, p)) for p in (0, 0.025, 0.25, 0.5, 0.8, 0.975, 1)},
        "interval": [
            float(values.mean() + side * stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)) for side in (-1, 1)
        ],
    }
    for values in samples
]
student = [
    {"p": p, "degrees": degrees, "t": float(stats.t.ppf(p, degrees))}
    for degrees in (1, 2, 3, 4, 5, 9, 10, 29, 100, 101, 1000)
    for p in (0.001, 0.025, 0.4, 0.5, 0.75, 0.975, 0.995, 0.9999)
]
probabilities = [
    {"logits": z, "sigmoid": special.expit(z).tolist(), "softmax": special.softmax(z).tolist()}
    for z in ([0.0, 1.5, -2.25], [800.0, -800.0, 799.0], [-1e4, -1e4, -1e4], [3.0, 3.0])
]
pathlib.Path(__file__).with_name("metrics.json").write_text(
    json.dumps(
        {
            "cases": cases,
            "roc": [
                curve(rng.normal(size=40).round(3) + roc_targets, roc_targets),
                curve((rng.normal(size=40) + roc_targets).round(0), roc_targets),
            ],
            "summaries": summaries,
            "student": student,
            "probabilities": probabilities,
        }
    )
    + "\n"
)
