"""Writes obuchowski.json: AUROCs of several raters on several images a patient, with the variances and covariances of
Obuchowski, Biometrics 1997;53:567-578, summed pair by pair as the paper prints them. Run: python obuchowski.py (NumPy).

The mixed term S11 is written apart: thaw corrects it by the root of both corrections of the other terms, the paper by I/(I - 1).
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(19970601)


def components(positives, negatives):
    """Placements of lists of scores by patient, by comparing every pair."""
    x, y = np.concatenate(positives), np.concatenate(negatives)
    above = lambda a, b: 1.0 if a > b else 0.5 if a == b else 0.0
    v10 = [np.array([np.mean([above(a, b) for b in y]) for a in own]) for own in positives]
    v01 = [np.array([np.mean([above(a, b) for a in x]) for b in own]) for own in negatives]
    return v10, v01, float(np.concatenate(v10).mean())


def study(patients, images, carriers, shifts, step):
    rows = []
    for patient in range(patients):
        frail = rng.normal()
        for _ in range(rng.integers(1, images + 1)):
            target = int(rng.random() < carriers[patient % len(carriers)])
            noise = rng.normal()
            rows.append([patient, target] + [
                round((shift * target + frail + noise + rng.normal()) / step) * step for shift in shifts
            ])
    rows = [rows[i] for i in rng.permutation(len(rows))]
    table = np.array(rows)
    of = lambda rater, target: [
        table[(table[:, 0] == patient) & (table[:, 1] == target), 2 + rater] for patient in range(patients)
    ]
    m = np.array([len(own) for own in of(0, 1)])
    n = np.array([len(own) for own in of(0, 0)])
    i10, i01 = int((m > 0).sum()), int((n > 0).sum())
    parts = [components(of(rater, 1), of(rater, 0)) for rater in range(len(shifts))]
    d10 = [np.array([own.sum() for own in v10]) - m * theta for v10, _, theta in parts]
    d01 = [np.array([own.sum() for own in v01]) - n * theta for _, v01, theta in parts]
    out = []
    for r in range(len(shifts)):
        for s in range(len(shifts)):
            s10 = i10 / ((i10 - 1) * m.sum()) * (d10[r] * d10[s]).sum()
            s01 = i01 / ((i01 - 1) * n.sum()) * (d01[r] * d01[s]).sum()
            s11 = patients / (patients - 1) * np.array([(d10[r] * d01[s]).sum(), (d10[s] * d01[r]).sum()])
            out.append({
                "raters": [r, s],
                "apart": s10 / m.sum() + s01 / n.sum(),
                "mixed": s11.sum() / (m.sum() * n.sum()),
            })
    return {
        "patients": table[:, 0].astype(int).tolist(),
        "targets": table[:, 1].astype(int).tolist(),
        "scores": [table[:, 2 + rater].tolist() for rater in range(len(shifts))],
        "aurocs": [theta for _, _, theta in parts],
        "corrections": {"positive": i10 / (i10 - 1), "negative": i01 / (i01 - 1), "mixed": patients / (patients - 1)},
        "covariances": out,
    }


studies = [
    study(30, 5, [0.0, 1.0, 0.4], [1.0, 0.5], 0.25),
    study(20, 4, [0.5], [0.8, 0.8, -0.2], 0.001),
    study(25, 1, [0.4], [1.0, 0.3], 0.01),
]
pathlib.Path(__file__).with_name("obuchowski.json").write_text(json.dumps({"studies": studies}) + "\n")
