"""The scikit-learn side of `bench/stats.ts`: macro AUROC of patient-clustered resamples, one by one.

Arguments: path of float32 scores [labels × rows], of targets alike, of int32 patients [rows]; labels, replicates.
Prints seconds a replicate as JSON.
"""

import json
import sys
import time

import numpy as np
from sklearn.metrics import roc_auc_score

labels, replicates = int(sys.argv[4]), int(sys.argv[5])
scores = np.fromfile(sys.argv[1], np.float32).reshape(labels, -1)
targets = np.fromfile(sys.argv[2], np.float32).reshape(labels, -1)
patients = np.fromfile(sys.argv[3], np.int32)
members = [np.flatnonzero(patients == patient) for patient in range(patients.max() + 1)]
rng = np.random.default_rng(1)
start = time.perf_counter()
for _ in range(replicates):
    drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
    np.mean([roc_auc_score(y[drawn], x[drawn]) for x, y in zip(scores, targets)])
print(json.dumps({"seconds": (time.perf_counter() - start) / replicates}))
