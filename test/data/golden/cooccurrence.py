"""Counts and tetrachoric correlations of the labels of ChestX-ray14: cooccurrence.json, and the table of
src/data/sources/phantom/chest/findings.ts on standard output.

    python cooccurrence.py Data_Entry_2017_v2020.csv[.gz]

The tetrachoric correlation of two labels is that of the two standard normal variables whose upper tails have the labels'
frequencies and meet as often as the labels do. Needs numpy and scipy.
"""

import csv
import gzip
import json
import os
import sys

import numpy as np
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

LABELS = (
    "Atelectasis Cardiomegaly Effusion Infiltration Mass Nodule Pneumonia Pneumothorax "
    "Consolidation Edema Emphysema Fibrosis Pleural_Thickening Hernia"
).split()

table = sys.argv[1]
with (gzip.open if table.endswith(".gz") else open)(table, "rt") as file:
    found = [set(row["Finding Labels"].split("|")) for row in csv.DictReader(file)]
present = np.array([[label in names for label in LABELS] for names in found], dtype=np.int64)
counts = present.T @ present
images = len(present)

thresholds = norm.isf(np.diag(counts) / images)


def tetrachoric(i, j):
    def excess(rho):
        both = multivariate_normal.cdf([-thresholds[i], -thresholds[j]], cov=[[1, rho], [rho, 1]])
        return both - counts[i, j] / images

    return brentq(excess, -0.99, 0.99)


for i in range(len(LABELS)):
    print("  [" + ", ".join(f"{round(tetrachoric(i, j), 2) + 0:g}" for j in range(i)) + "],")

output = os.path.join(os.path.dirname(__file__), "cooccurrence.json")
with open(output, "w") as file:
    rows = ",\n    ".join(json.dumps(row) for row in counts.tolist())
    file.write(f'{{\n  "images": {images},\n  "labels": {json.dumps(LABELS)},\n  "counts": [\n    {rows}\n  ]\n}}\n')
