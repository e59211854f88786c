"""The PyTorch side of `bench/heads.ts`: linear heads trained one after another.

Commands are JSON lines on stdin, answers are JSON lines on stdout:

  {"do": "prepare", "outputs": 14, "features": 1024, "rows": 2000, "batch": 32, "optimizer": "adam", "dropout": 0.5,
   "half": false, "threads": 2}  ->  {"variant": "fused"}       data, and which optimizer loop is the fastest
  {"do": "train", "steps": 300}  ->  {"seconds": 0.21, "steps": 300}      heads of one epoch each until `steps` are done
  {"do": "equal", …}  ->  {"weight": [...], "bias": [...]}     see `equal`
"""

import json
import sys
import time

import torch
from torch import nn


class Heads:
    def __init__(self, outputs, features, rows, batch, optimizer, dropout, half, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.x = torch.rand(rows, features) * 2 - 1
        if half:
            self.x = self.x.half()
        self.y = (torch.rand(rows, outputs) < 0.2).float()
        self.outputs, self.features, self.batch, self.dropout, self.kind = outputs, features, batch, dropout, optimizer
        self.variant = {}

    def optimizer(self, parameters, variant):
        if self.kind == "sgd":
            return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, **variant)
        return torch.optim.Adam(parameters, lr=1e-3, **variant)

    def train(self, steps, variant=None):
        variant = self.variant if variant is None else variant
        done = 0
        start = time.perf_counter()
        while done < steps:
            model = nn.Sequential(nn.Dropout(self.dropout), nn.Linear(self.features, self.outputs))
            criterion = nn.BCEWithLogitsLoss()
            optimizer = self.optimizer(model.parameters(), variant)
            for rows in torch.randperm(len(self.x)).split(self.batch):
                x = self.x[rows]
                if x.dtype != torch.float32:
                    x = x.float()
                optimizer.zero_grad(set_to_none=True)
                criterion(model(x), self.y[rows]).backward()
                optimizer.step()
                done += 1
                if done == steps:
                    break
        return {"seconds": time.perf_counter() - start, "steps": done}

    def choose_variant(self):
        """The fastest of PyTorch's implementations of the optimizer on this machine."""
        variants = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
        seconds = {}
        for name, variant in variants.items():
            try:
                self.train(20, variant)
                seconds[name] = min(self.train(100, variant)["seconds"] for _ in range(3))
            except RuntimeError:
                continue
        name = min(seconds, key=seconds.get)
        self.variant = variants[name]
        return {"variant": name, "microseconds": {key: value * 1e4 for key, value in seconds.items()}}


def equal(path, rows, features, outputs, targets, order, batch, weight, bias, rate, threads):
    """Adam without dropout from given weights; `path` holds the features, float32 [rows, features]."""
    torch.set_num_threads(threads)
    x = torch.from_file(path, size=rows * features, dtype=torch.float32).view(rows, features)
    y = torch.tensor(targets, dtype=torch.float32).view(rows, outputs)
    layer = nn.Linear(features, outputs)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight).view_as(layer.weight))
        layer.bias.copy_(torch.tensor(bias))
    optimizer = torch.optim.Adam(layer.parameters(), lr=rate)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in torch.tensor(order).view(-1, rows):
        for chosen in epoch.split(batch):
            optimizer.zero_grad()
            criterion(layer(x[chosen]), y[chosen]).backward()
            optimizer.step()
    return {"weight": layer.weight.detach().ravel().tolist(), "bias": layer.bias.detach().tolist()}


heads = None
for line in sys.stdin:
    command = json.loads(line)
    work = command.pop("do")
    if work == "prepare":
        heads = Heads(**command)
        answer = heads.choose_variant()
    elif work == "train":
        answer = heads.train(**command)
    else:
        answer = equal(**command)
    print(json.dumps(answer), flush=True)
