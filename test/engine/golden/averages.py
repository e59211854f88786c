"""Writes averages.json: averages of weights during training, by PyTorch in double precision.

    python test/engine/golden/averages.py

torch.optim.swa_utils.AveragedModel with use_buffers, whose decay warms up as TensorFlow's ExponentialMovingAverage:
min(d, (1 + t) / (10 + t)). Its first update copies the model, so it is made before the first step; t is then the number
of steps.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

ROWS, SIDE, OUTPUTS, BATCH, STEPS = 24, 6, 3, 8, 12
PIXELS = SIDE * SIDE
HERE = Path(__file__).parent


def numbers(values):
    """Doubles that are exactly the float32 values."""
    return [float(v) for v in np.asarray(values, dtype=np.float32).ravel()]


def optimizer_of(kind, parameters):
    if kind == "sgd":
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True)
    return torch.optim.Adam(parameters, lr=0.01, betas=(0.9, 0.999), eps=1e-8)


def averaged(model, decay):
    average = AveragedModel(
        model,
        avg_fn=lambda old, new, t: old + (1 - min(decay, (1 + float(t)) / (10 + float(t)))) * (new - old),
        use_buffers=True,
    )
    average.update_parameters(model)
    return average


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 5, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(5)
        self.linear = nn.Linear(5, OUTPUTS)

    def forward(self, x):
        return self.linear(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


def rounded(model):
    """Parameters that float32 holds exactly."""
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(tensor.float().double())
    return model


def state(model):
    return {name: tensor.double().ravel().tolist() for name, tensor in model.state_dict().items() if "tracked" not in name}


def train_network(case, x, y):
    torch.manual_seed(3)
    model = rounded(Network().double())
    start = {name: numbers(values) for name, values in state(model).items()}
    average = averaged(model, case["decay"])
    optimizer = optimizer_of(case["optimizer"], model.parameters())
    logits = []
    for step in range(STEPS):
        # The body joins at `unfrozen`; until then it is in inference form and its parameters have no gradient.
        frozen = step < case["unfrozen"]
        model.train()
        if frozen:
            model.norm.eval()
        for module in (model.conv, model.norm):
            for parameter in module.parameters():
                parameter.requires_grad_(not frozen)
                parameter.grad = None
        rows = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        optimizer.zero_grad()
        nn.BCEWithLogitsLoss()(model(x[rows].view(-1, 1, SIDE, SIDE)), y[rows]).backward()
        optimizer.step()
        average.update_parameters(model)
        average.eval()
        if step % 4 == 3:
            logits.append(average(x.view(-1, 1, SIDE, SIDE)).ravel().tolist())
    return {**case, "start": start, "weights": state(model), "average": state(average.module), "logits": logits}


def train_head(case, x, y):
    torch.manual_seed(4)
    layer = rounded(nn.Linear(PIXELS, OUTPUTS).double())
    start = {name: numbers(values) for name, values in state(layer).items()}
    average = averaged(layer, case["decay"])
    optimizer = optimizer_of(case["optimizer"], layer.parameters())
    losses = []
    for step in range(STEPS):
        rows = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        optimizer.zero_grad()
        nn.BCEWithLogitsLoss()(layer(x[rows]), y[rows]).backward()
        optimizer.step()
        average.update_parameters(layer)
        if (step + 1) * BATCH % ROWS == 0:
            losses.append(float(nn.BCEWithLogitsLoss()(average(x), y)))
    return {**case, "start": start, "weights": state(layer), "average": state(average.module), "validationLoss": losses}


def main():
    random = np.random.default_rng(7)
    x = random.normal(size=(ROWS, PIXELS)).astype(np.float32)
    y = (random.random((ROWS, OUTPUTS)) < 0.4).astype(np.float32)
    images, targets = torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    # 0.3 is below the warm-up's decay from the fourth step on.
    decays = [0.3, 0.999]
    golden = {
        "rows": ROWS,
        "side": SIDE,
        "outputs": OUTPUTS,
        "batch": BATCH,
        "steps": STEPS,
        "x": numbers(x),
        "targets": numbers(y),
        "networks": [
            train_network({"optimizer": kind, "decay": decay, "unfrozen": unfrozen}, images, targets)
            for kind in ("sgd", "adam")
            for decay in decays
            for unfrozen in (0, 5)
        ],
        "heads": [
            train_head({"optimizer": kind, "decay": decay}, images, targets)
            for kind in ("sgd", "adam")
            for decay in decays
        ],
    }
    (HERE / "averages.json").write_text(json.dumps(golden) + "\n")


main()
