"""Counts of the 1,000 ChestX-ray14 images of the shared test data, with pandas.

    python nih1000.py SHARED/data/nih1000 > nih1000.json
"""

import json
import pathlib
import sys

import pandas

root = pathlib.Path(sys.argv[1])
table = pandas.read_csv(root / "Data_Entry_2017_v2020.csv.gz")
there = {path.name for path in (root / "images").iterdir()}
table = table[table["Image Index"].isin(there)]
labels = table["Finding Labels"].str.get_dummies("|")
no_finding = labels.pop("No Finding")
folders = pandas.read_csv(root / "folders.csv")
boxes = pandas.read_csv(root / "BBox_List_2017.csv.gz")
splits = folders.groupby("patient_id")["split"].nunique()
json.dump(
    {
        "images": len(table),
        "patients": table["Patient ID"].nunique(),
        "positives": labels.sum().to_dict(),
        "noFinding": int(no_finding.sum()),
        "meanAge": table["Patient Age"].mean(),
        "female": int((table["Patient Gender"] == "F").sum()),
        "ap": int((table["View Position"] == "AP").sum()),
        "boxes": int(boxes["Image Index"].isin(there).sum()),
        "foldersPatients": len(splits),
        "foldersLeaking": int((splits > 1).sum()),
    },
    sys.stdout,
    indent=2,
)
print()
