"""Writes heads.json and half.json: linear heads trained by PyTorch in double precision, and halves by numpy.

    python test/engine/golden/heads.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

ROWS, FEATURES, TRAINING, BATCH, EPOCHS = 80, 24, 60, 16, 13
STEPS = EPOCHS * -(-TRAINING // BATCH)
HERE = Path(__file__).parent


def numbers(values):
    """Doubles that are exactly the float32 values."""
    return [float(v) if np.isfinite(v) else None for v in np.asarray(values, dtype=np.float32).ravel()]


def order():
    return [(i * 7 + epoch * 11) % TRAINING for epoch in range(EPOCHS) for i in range(TRAINING)]


def criterion(case, z, y):
    weight = None if "labelWeights" not in case else torch.tensor(case["labelWeights"], dtype=torch.float64)
    if case["loss"] == "softmax":
        return nn.CrossEntropyLoss(weight=weight)(z, y)
    positive = None if "positiveWeights" not in case else torch.tensor(case["positiveWeights"], dtype=torch.float64)
    terms = nn.BCEWithLogitsLoss(weight=weight, pos_weight=positive, reduction="none")(z, torch.nan_to_num(y))
    return terms[~torch.isnan(y)].mean()


def macro_auroc(case, z, y):
    scores = torch.softmax(z, 1) if case["loss"] == "softmax" else z
    values = []
    for c in range(y.shape[1]):
        known = ~torch.isnan(y[:, c])
        labels = y[known, c] >= 0.5
        if labels.any() and not labels.all():
            values.append(roc_auc_score(labels.numpy(), scores[known, c].numpy()))
    return float(np.mean(values))


def optimizer_of(case, layer):
    groups = [{"params": [layer.weight], "weight_decay": case["weightDecay"]}, {"params": [layer.bias], "weight_decay": 0.0}]
    o = case["optimizer"]
    if o["kind"] == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=o["momentum"], nesterov=o["nesterov"])
    kind = torch.optim.Adam if o["kind"] == "adam" else torch.optim.AdamW
    return kind(groups, lr=1.0, betas=(o["momentum"], o["beta2"]), eps=o["epsilon"])


def train(case, x, y, start):
    layer = nn.Linear(FEATURES, y.shape[1]).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(start["weight"], dtype=torch.float64).view_as(layer.weight))
        layer.bias.copy_(torch.tensor(start["bias"], dtype=torch.float64))
    optimizer = optimizer_of(case, layer)
    result = {"trainLoss": [], "validationLoss": [], "validationAuroc": []}
    step = 0
    rows = torch.tensor(order()).view(EPOCHS, TRAINING)
    for epoch in range(EPOCHS):
        losses = []
        for batch in rows[epoch].split(BATCH):
            for group in optimizer.param_groups:
                group["lr"] = case["learningRates"][step]
                if "momenta" in case:
                    if case["optimizer"]["kind"] == "sgd":
                        group["momentum"] = case["momenta"][step]
                    else:
                        group["betas"] = (case["momenta"][step], case["optimizer"]["beta2"])
            optimizer.zero_grad()
            loss = criterion(case, layer(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
        result["trainLoss"].append(float(np.mean(losses)))
        with torch.no_grad():
            z = layer(x[TRAINING:])
            result["validationLoss"].append(criterion(case, z, y[TRAINING:]).item())
            result["validationAuroc"].append(macro_auroc(case, z, y[TRAINING:]))
    result["weight"] = layer.weight.detach().ravel().tolist()
    result["bias"] = layer.bias.detach().tolist()
    return result


def cases():
    constant = numbers(np.full(STEPS, 0.01))
    falling = numbers(0.02 * (1 - np.arange(STEPS) / STEPS) + 0.001)
    cycle = numbers(0.95 - 0.1 * np.sin(np.pi * np.arange(STEPS) / STEPS))
    sgd = {"kind": "sgd", "momentum": 0.9, "nesterov": False, "beta2": 0.999, "epsilon": 1e-8}
    adam = {"kind": "adam", "momentum": 0.9, "nesterov": False, "beta2": 0.999, "epsilon": 1e-8}
    adamw = {**adam, "kind": "adamw"}
    weights = {"labelWeights": [1.0, 0.5, 3.0]}
    yield {"name": "SGD without momentum", "loss": "bce", "optimizer": {**sgd, "momentum": 0.0}, "weightDecay": 0.0, "learningRates": constant}
    yield {"name": "SGD with momentum and decay", "loss": "bce", "optimizer": sgd, "weightDecay": 0.03125, "learningRates": constant}
    yield {"name": "Nesterov, rate and momentum vary", "loss": "bce", "optimizer": {**sgd, "nesterov": True}, "weightDecay": 0.03125, "learningRates": falling, "momenta": cycle}
    yield {"name": "Adam with decay", "loss": "bce", "optimizer": adam, "weightDecay": 0.03125, "learningRates": constant}
    yield {"name": "Adam, rate and beta1 vary", "loss": "bce", "optimizer": adam, "weightDecay": 0.0, "learningRates": falling, "momenta": cycle}
    yield {"name": "AdamW, rate and beta1 vary", "loss": "bce", "optimizer": adamw, "weightDecay": 0.25, "learningRates": falling, "momenta": cycle}
    yield {"name": "unknown labels and weights", "loss": "bce", "optimizer": adam, "weightDecay": 0.0, "learningRates": constant, "unknown": True, **weights, "positiveWeights": [2.0, 0.75, 1.0]}
    yield {"name": "softmax with class weights", "loss": "softmax", "optimizer": adam, "weightDecay": 0.0, "learningRates": constant, **weights}
    yield {"name": "softmax, AdamW", "loss": "softmax", "optimizer": adamw, "weightDecay": 0.25, "learningRates": falling}


def main():
    random = np.random.default_rng(5)
    x = np.float32(random.normal(size=(ROWS, FEATURES)))
    noisy = x[:, :3] + random.normal(size=(ROWS, 3))
    binary = np.float32(noisy > 0.3)
    unknown = np.where(random.random((ROWS, 3)) < 0.25, np.nan, binary)
    classes = np.exp(noisy * 2)
    classes = np.float32(classes / classes.sum(1, keepdims=True))
    start = {"weight": numbers(random.uniform(-0.2, 0.2, 3 * FEATURES)), "bias": numbers(random.uniform(-0.2, 0.2, 3))}
    targets = {"binary": numbers(binary), "unknown": numbers(unknown), "classes": numbers(classes)}
    arrays = {"binary": binary, "unknown": unknown, "classes": classes}
    results = []
    for case in cases():
        kind = "classes" if case["loss"] == "softmax" else "unknown" if case.pop("unknown", False) else "binary"
        y = torch.tensor(np.float32(arrays[kind])).double()
        results.append({**case, "targets": kind, "expected": train(case, torch.tensor(x).double(), y, start)})
    data = {"rows": ROWS, "features": FEATURES, "training": TRAINING, "batch": BATCH, "epochs": EPOCHS, "order": order(), "x": numbers(x), "targets": targets, "start": start, "cases": results}
    (HERE / "heads.json").write_text(json.dumps(data) + "\n")

    values = [0.0, 1.0, -2.0, 1 / 3, 65504.0, 65519.0, 65520.0, 1e6, -1e6, 6.1e-5, 6e-5, 5.96e-8, 2.98e-8, 3e-8, 1e-9, 2049.0, 2051.0, 0.1, -0.1, 3.14159]
    values += list(random.normal(size=40) * 10.0 ** random.integers(-8, 5, 40))
    with np.errstate(over="ignore"):
        halves = np.float16(np.float32(values)).view(np.uint16).tolist()
    (HERE / "half.json").write_text(json.dumps({"values": numbers(values), "halves": halves}) + "\n")


main()
