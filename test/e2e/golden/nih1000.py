"""Are the bank's heads on a par with scikit-learn on the same features and splits?

For several patient splits of test/e2e/nih1000.yaml: test AUROC of `No Finding` of scikit-learn's logistic regression
(standardised features, C = 1) against the bank's heads, at N = 50 (the same five subsets) and N = all.

    python test/e2e/golden/nih1000.py SHARED_DATA_FOLDER WORK_FOLDER [splits]

Needs numpy, pandas, scikit-learn and a built checkout; prints a line for each split and the means, and writes
scikit-learn's numbers to nih1000.json for test/e2e/nih1000.test.ts.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

here = pathlib.Path(__file__).resolve().parents[1]
data, work = map(pathlib.Path, sys.argv[1:3])
splits = int(sys.argv[3]) if len(sys.argv) > 3 else 10
table = pd.read_csv(data / "nih1000" / "Data_Entry_2017_v2020.csv.gz").set_index("Image Index")
cache = work / "cache"


def sweep(seed):
    run = work / f"run{seed}"
    command = ["node", here / "../../dist/main.cjs", "sweep", here / "nih1000.yaml", "--out", run, "--cache", cache]
    command += ["--set", f"data.nih.split.seed={seed}", "--filter", "task=no-finding n=50,all"]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    return run


def features():
    (folder,) = (cache / "features").glob("*/index.json")
    index = json.loads(folder.read_text())
    return np.fromfile(folder.parent / "data.bin", dtype=index["dtype"]).reshape(index["rows"], -1)


SUBSETS = """
import { buildTask, loadDataset, readConfig, splitDataset, trainingSubsets } from '%s';
const config = await readConfig('%s', { set: ['data.nih.split.seed=%d'] });
const { source, split: rule } = config.data.nih;
const dataset = await loadDataset('nih', source);
const task = buildTask(dataset, 'no-finding', config.tasks['no-finding'].rule);
const split = splitDataset(dataset, rule, { allowLeakage: false });
const draw = (seed) => [...trainingSubsets(task, split, dataset, { sizes: [50], seed, unit: 'images', stratify: true }).get(50).rows];
console.log(JSON.stringify([0, 1, 2, 3, 4].map(draw)));
"""


def subsets(seed):
    """The five training subsets of 50 images that the sweep trains on."""
    script = SUBSETS % (here.parents[1] / "dist" / "index.js", here / "nih1000.yaml", seed)
    command = ["node", "--input-type=module", "--eval", script]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def regression(x, y, train, test):
    scaler = StandardScaler().fit(x[train])
    model = LogisticRegression(max_iter=5000).fit(scaler.transform(x[train]), y[train])
    return roc_auc_score(y[test], model.decision_function(scaler.transform(x[test])))


def selected(trials):
    """Test AUROC (mean over seeds) of the configuration with the best mean validation AUROC."""
    means = trials.groupby(["policy", "lr", "dropout"])[["auroc_val", "auroc_test"]].mean()
    return means.loc[means.auroc_val.idxmax(), "auroc_test"], means.auroc_test.max()


rows = []
for seed in range(splits):
    run = sweep(seed)
    split = pd.read_csv(run / "splits" / "nih.csv")
    y = (table.loc[[pathlib.Path(path).name for path in split.path], "Finding Labels"] == "No Finding").to_numpy()
    x = features()
    train, test = (np.flatnonzero(split.split == part) for part in ("train", "test"))
    trials = pd.read_csv(run / "trials.csv")
    small = [regression(x, y, np.array(draw), test) for draw in subsets(seed)]
    chosen50, best50 = selected(trials[trials.n_requested.astype(str) == "50"])
    chosen, best = selected(trials[trials.n_requested.astype(str) == "all"])
    rows.append(dict(split=seed, sklearn50=np.mean(small), chosen50=chosen50, best50=best50,
                     sklearn=regression(x, y, train, test), chosen=chosen, best=best))
    print({key: round(float(value), 3) for key, value in rows[-1].items()}, flush=True)
print("mean", pd.DataFrame(rows).drop(columns="split").mean().round(3).to_dict())
golden = [{key: round(float(row[key]), 6) for key in ("sklearn50", "sklearn")} for row in rows]
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")
