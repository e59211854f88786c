"""The scikit-learn side of `bench/logreg.ts`: LogisticRegressionCV as in the paper, several problems side by side.

Commands are JSON lines on stdin, answers are JSON lines on stdout:

  {"do": "open", "path": "…", "rows": 20000, "columns": 79, "threads": 2}  ->  {"version": "1.9.1"}
  {"do": "fit", "solver": "lbfgs", "problems": [{"rows": [...], "folds": [...], "targets": [...]}]}
      ->  {"seconds": 1.2, "aucs": [0.71, …]}     wall time of all problems; each one's best mean AUC
"""

import json
import os
import sys
import time
import warnings

# Of each of the processes; without the warnings that a solver has not converged.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

import numpy as np
import sklearn
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegressionCV
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")


def fit(x, solver, targets, folds):
    """The defaults of LogisticRegressionCV but for scoring, and folds as given."""
    x = StandardScaler().fit_transform(x)
    y, folds = np.asarray(targets), np.asarray(folds)
    splits = [(np.flatnonzero(folds != f), np.flatnonzero(folds == f)) for f in range(folds.max() + 1)]
    model = LogisticRegressionCV(
        Cs=10, cv=splits, scoring="roc_auc", solver=solver, l1_ratios=(0,), use_legacy_attributes=False
    ).fit(x, y)
    return float(model.scores_.mean(axis=0).max())


features = pool = None
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "open":
        shape = (command["rows"], command["columns"])
        features = np.fromfile(command["path"], dtype=np.float64).reshape(shape)
        pool = Parallel(n_jobs=command["threads"], max_nbytes=None)
        answer = {"version": sklearn.__version__}
    else:
        start = time.perf_counter()
        aucs = pool(
            delayed(fit)(features[one["rows"]], command["solver"], one["targets"], one["folds"])
            for one in command["problems"]
        )
        answer = {"seconds": time.perf_counter() - start, "aucs": aucs}
    print(json.dumps(answer), flush=True)
