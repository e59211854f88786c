"""Writes tests.json: distributions, rank tests, adjustments, intervals of proportions and bootstrap intervals by SciPy and
statsmodels. Run: python tests.py (SciPy 1.17, statsmodels 0.15).
"""
import itertools
import json
import pathlib

import numpy as np
import statsmodels.formula.api as smf
import pandas as pd
from scipy import special, stats
from scipy.stats import _resampling
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20060712)

distributions = {
    "normalTail": [[z, stats.norm.sf(z)] for z in (-8.0, -1.3, -1e-9, 0.0, 1e-3, 0.5, 1.0, 1.959963984540054, 3.0, 6.0, 20.0, 37.0)],
    "normalQuantile": [[p, stats.norm.ppf(p)] for p in (1e-300, 1e-20, 1e-6, 0.001, 0.025, 0.3, 0.5, 0.6, 0.975, 1 - 1e-12)],
    "logGamma": [[x, special.gammaln(x)] for x in (1e-3, 0.1, 0.5, 1.0, 1.5, 2.0, 3.7, 10.0, 150.5, 1e6)],
    "upperGamma": [[a, x, special.gammaincc(a, x)] for a in (0.5, 1.0, 2.5, 30.0) for x in (0.0, 0.01, 0.4, 1.0, 2.9, 10.0, 50.0)],
    "incompleteBeta": [
        [x, a, b, special.betainc(a, b, x)]
        for a, b in ((0.5, 0.5), (1.0, 3.0), (2.5, 0.5), (20.0, 30.0), (500.0, 0.5), (7.3, 400.0))
        for x in (0.0, 1e-4, 0.02, 0.3, 0.5, 0.9, 0.999, 1.0)
    ],
    "studentQuantile": [[p, nu, stats.t.ppf(p, nu)] for nu in (1.0, 1.37, 2.5, 9.9, 47.2, 1234.5) for p in (0.005, 0.3, 0.9, 0.975)],
    "twoSidedStudent": [[t, nu, 2 * stats.t.sf(t, nu)] for nu in (1.0, 2.5, 9.0, 300.7) for t in (0.0, 0.3, 2.0, 6.0, 40.0)],
    "rangeTail": [[q, k, float(stats.studentized_range.sf(q, k, np.inf))] for k in (2, 3, 7, 20) for q in (0.5, 2.0, 3.5, 5.0)],
    "rangeQuantile": [[p, k, float(stats.studentized_range.ppf(p, k, np.inf))] for k in (2, 3, 10) for p in (0.8, 0.95)],
}


def signed_rank(d):
    """Exact over all signs by writing them out; SciPy's statistic for a check where it has no ties."""
    d = np.asarray(d, float)
    kept = d[d != 0]
    ranks = stats.rankdata(np.abs(kept))
    total = ranks[kept > 0].sum()
    signs = np.array(list(itertools.product((0, 1), repeat=len(kept))))
    sums = signs @ ranks
    low, high = (sums <= total + 1e-9).mean(), (sums >= total - 1e-9).mean()
    p = min(1.0, 2 * min(low, high))
    if len(set(ranks)) == len(ranks) == len(d):
        assert np.isclose(stats.wilcoxon(d, method="exact").pvalue, p, rtol=0, atol=1e-12)
    return {"differences": d.tolist(), "statistic": float(total), "p": float(p)}


signed_ranks = [signed_rank(d) for d in (
    [0.02], [0.1, -0.1], [1, 2, 3, 4, 5], [0.5, 0.5, -0.5, 1, 0], rng.normal(size=9).round(1),
    rng.normal(0.5, size=12).round(2), rng.normal(size=12).round(0) + 0.0,
)]
large = rng.normal(0.08, 1, size=260).round(1)
approximate = stats.wilcoxon(large, method="asymptotic", correction=False, zero_method="wilcox")
signed_ranks.append({"differences": large.tolist(), "statistic": None, "p": float(approximate.pvalue)})


def friedman(values):
    n, k = values.shape
    chi = stats.friedmanchisquare(*values.T)
    ranks = np.apply_along_axis(stats.rankdata, 1, -values)
    f = (n - 1) * chi.statistic / (n * (k - 1) - chi.statistic)
    mean = ranks.mean(axis=0)
    q = np.abs(mean[:, None] - mean[None]) / np.sqrt(k * (k + 1) / (12 * n))
    return {
        "values": values.tolist(),
        "meanRanks": mean.tolist(),
        "chiSquared": float(chi.statistic),
        "f": float(f),
        "p": float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
        "pairs": [[i, j, float(stats.studentized_range.sf(q[i, j], k, np.inf))] for i in range(k) for j in range(i + 1, k)],
        "criticalDifference": float(stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) * np.sqrt(k * (k + 1) / (6 * n))),
    }


friedmans = [
    friedman(rng.normal(size=(12, 4)) + np.array([0, 0.4, 0.8, 0])),
    friedman((rng.normal(size=(9, 3)) + np.array([0, 1.0, 1.0])).round(0)),
    friedman(rng.normal(size=(30, 6))),
]

adjustments = []
for p in ([0.01], [0.04, 0.03, 0.02, 0.01], rng.random(9).round(3) ** 2, [0.02, 0.02, 0.9, 1.0]):
    p = np.asarray(p)
    adjustments.append({
        "p": p.tolist(),
        "holm": multipletests(p, method="holm")[1].tolist(),
        "benjamini-hochberg": multipletests(p, method="fdr_bh")[1].tolist(),
    })

proportions = [
    {
        "successes": k, "trials": n,
        "wilson": list(map(float, proportion_confint(k, n, method="wilson"))),
        "exact": list(map(float, proportion_confint(k, n, method="beta"))),
    }
    for k, n in ((0, 5), (5, 5), (1, 1), (3, 10), (17, 40), (999, 1000))
]


def bootstrap(sample, statistic, replicates, level):
    """SciPy's percentile and BCa limits from replicates that are written down."""
    drawn = np.array([statistic(rng.choice(sample, size=len(sample))) for _ in range(replicates)])
    value = statistic(sample)
    alpha = (1 - level) / 2
    function = lambda x, axis=-1: np.apply_along_axis(statistic, axis, x)
    limits = _resampling._bca_interval((sample,), function, -1, alpha, drawn, None, np)[:2]
    ends = [float(np.percentile(drawn, 100 * a)) for a in limits]
    left_out = [statistic(np.delete(sample, i)) for i in range(len(sample))]
    return {
        "value": float(value), "replicates": drawn.tolist(), "leftOut": list(map(float, left_out)), "level": level,
        "percentile": [float(np.percentile(drawn, 100 * a)) for a in (alpha, 1 - alpha)],
        "bca": ends,
    }


skewed = rng.lognormal(size=25).round(3)
bootstraps = [
    bootstrap(skewed, np.mean, 200, 0.95),
    bootstrap(skewed, np.var, 200, 0.9),
    bootstrap(skewed.round(0), np.std, 150, 0.95),
]


def crossed(seeds, rows, spread):
    """Two modalities, `seeds` readers, DeLong's covariances pair by pair: the test of Obuchowski & Rockette with Hillis' degrees
    of freedom, from the mean squares and Cov1, Cov2, Cov3 of the textbook; and one modality alone (Hillis 2014)."""
    y = (np.arange(rows) % 3 == 0).astype(int)
    hard = rng.normal(size=rows)
    scores = np.array([
        [(0.8 + 0.3 * m + rng.normal(0, spread)) * y + 0.8 * hard + rng.normal(size=rows) for _ in range(seeds)] for m in (0, 1)
    ]).round(3)
    flat = scores.reshape(2 * seeds, rows)
    pos, neg = flat[:, y == 1], flat[:, y == 0]
    psi = (pos[:, :, None] > neg[:, None, :]) + 0.5 * (pos[:, :, None] == neg[:, None, :])
    cov = np.cov(psi.mean(axis=2)) / pos.shape[1] + np.cov(psi.mean(axis=1)) / neg.shape[1]
    auc = psi.mean(axis=(1, 2)).reshape(2, seeds)
    m, r = np.divmod(np.arange(2 * seeds), seeds)
    same_m, same_r = m[:, None] == m[None], r[:, None] == r[None]
    error = np.diag(cov).mean()
    cov1, cov2, cov3 = (cov[mask].mean() for mask in (~same_m & same_r, same_m & ~same_r, ~same_m & ~same_r))
    residual = auc - auc.mean(axis=0) - auc.mean(axis=1, keepdims=True) + auc.mean()
    ms_tr = (residual ** 2).sum() / (seeds - 1)
    together = ms_tr + max(seeds * (cov2 - cov3), 0)
    se = np.sqrt(2 / seeds * together)
    df = together ** 2 / (ms_tr ** 2 / (seeds - 1))
    difference = auc[0].mean() - auc[1].mean()
    reach = stats.t.ppf(0.975, df) * se
    first = cov[:seeds, :seeds]
    shared = first[~np.eye(seeds, dtype=bool)].mean()
    ms = auc[0].var(ddof=1)
    variance = ms / seeds + max(shared, 0)
    df1 = variance ** 2 / ((ms / seeds) ** 2 / (seeds - 1))
    reach1 = stats.t.ppf(0.975, df1) * np.sqrt(variance)
    return {
        "targets": y.tolist(), "scores": scores.tolist(),
        "difference": {"value": difference, "standardError": se, "degreesOfFreedom": df, "p": 2 * stats.t.sf(abs(difference) / se, df),
                       "low": difference - reach, "high": difference + reach},
        "one": {"value": auc[0].mean(), "standardError": np.sqrt(variance), "degreesOfFreedom": df1,
                "low": auc[0].mean() - reach1, "high": auc[0].mean() + reach1,
                "parts": {"trainings": max(0, ms - np.diag(first).mean() + shared), "patients": max(0, shared),
                          "both": max(0, np.diag(first).mean() - shared)}},
    }


def across(seeds, sizes):
    """A mixed model of paired differences, size fixed (sum to zero) and a random intercept for each seed."""
    own = rng.normal(0.02, 0.02, size=seeds)
    d = (own[:, None] + rng.normal(0, 0.01, size=(seeds, len(sizes)))).round(4)
    table = pd.DataFrame([
        {"seed": s, "size": str(n), "d": d[s, i]} for s in range(seeds) for i, n in enumerate(sizes)
    ])
    fit = smf.mixedlm("d ~ C(size, Sum)", table, groups=table["seed"]).fit(reml=True, method="bfgs", gtol=1e-12)
    return {"sizes": sizes, "differences": d.tolist(), "value": float(fit.params["Intercept"]), "standardError": float(fit.bse["Intercept"])}


plain = lambda value: float(value) if isinstance(value, np.floating) else value
pathlib.Path(__file__).with_name("tests.json").write_text(json.dumps({
    "distributions": distributions,
    "signedRanks": signed_ranks,
    "friedman": friedmans,
    "adjustments": adjustments,
    "proportions": proportions,
    "bootstraps": bootstraps,
    "crossed": [crossed(5, 60, 0.3), crossed(3, 90, 0.0), crossed(10, 45, 0.1)],
    "across": [across(6, [50, 100, 200]), across(5, [50, 5000])],
}, default=plain) + "\n")
