"""Writes dense_dropout.json: a small DenseNet with dropout behind its dense layers, trained by PyTorch in double precision.

    python test/model/golden/dense_dropout.py

Dropout is where torchvision's `drop_rate` has it, on what a layer adds to its block; the masks are the engine's
(native/engine/dropout.h). Parameters and images are sines, so that the file holds results alone.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED, RATE, HEAD_RATE, STREAM = 11, 0.2, 0.5, 5
BATCH, ROWS, SIDE, OUTPUTS, STEPS = 10, 20, 8, 3, 4
STEM, GROWTH, BLOCKS = 8, 4, (2, 2)
HERE = Path(__file__).parent


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % (1 << 32), (k[1] + 0xBB67AE85) % (1 << 32)]
    return c


def mask(shape, rate, step, layer):
    """What elements [images, features …] are multiplied by."""
    images, features = shape[0], int(np.prod(shape[1:]))
    threshold = round(65536 * rate)
    uniforms = np.zeros((images, features), dtype=np.int64)
    for group in range(-(-images // 8)):
        for panel in range(-(-features // 16)):
            for bit in range(16):
                words = philox((panel, group, step, 16 * layer + bit), (SEED, STREAM))
                for image in range(8 * group, min(8 * group + 8, images)):
                    for feature in range(16 * panel, min(16 * panel + 16, features)):
                        place = 16 * (image % 2) + feature % 16
                        uniforms[image, feature] |= (words[image % 8 // 2] >> place & 1) << bit
    return torch.tensor((uniforms >= threshold) * (65536 / (65536 - threshold))).view(shape)


def names():
    """The nodes of the network in training, in the engine's order."""
    layer = ["norm1", "relu1", "conv1", "norm2", "relu2", "conv2", "conv2.dropout"]
    nodes = ["features.conv0"]
    for block, layers in enumerate(BLOCKS, 1):
        for index in range(1, layers + 1):
            prefix = f"features.denseblock{block}.denselayer{index}"
            nodes += ([f"{prefix}.concat"] if index > 1 else []) + [f"{prefix}.{part}" for part in layer]
        nodes.append(f"features.denseblock{block}")
        if block < len(BLOCKS):
            nodes += [f"features.transition{block}.{part}" for part in ("norm", "relu", "pool", "conv")]
    return nodes + ["features.norm5", "relu", "average", "flatten", "flatten/classifier.dropout", "flatten/classifier"]


NODES = names()


def layer_of(name):
    """Nodes between this one and the last."""
    return len(NODES) - 2 - NODES.index(name)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict()
        self.add("features.conv0", nn.Conv2d(1, STEM, 3, padding=1, bias=False))
        channels = STEM
        for block, layers in enumerate(BLOCKS, 1):
            for index in range(layers):
                prefix, inputs = f"features.denseblock{block}.denselayer{index + 1}", channels + index * GROWTH
                self.add(f"{prefix}.norm1", nn.BatchNorm2d(inputs))
                self.add(f"{prefix}.conv1", nn.Conv2d(inputs, 4 * GROWTH, 1, bias=False))
                self.add(f"{prefix}.norm2", nn.BatchNorm2d(4 * GROWTH))
                self.add(f"{prefix}.conv2", nn.Conv2d(4 * GROWTH, GROWTH, 3, padding=1, bias=False))
            channels += layers * GROWTH
            if block < len(BLOCKS):
                self.add(f"features.transition{block}.norm", nn.BatchNorm2d(channels))
                self.add(f"features.transition{block}.conv", nn.Conv2d(channels, channels // 2, 1, bias=False))
                channels //= 2
        self.add("features.norm5", nn.BatchNorm2d(channels))
        self.add("flatten/classifier", nn.Linear(channels, OUTPUTS))

    def add(self, name, module):
        self.parts[name.replace(".", "|")] = module

    def part(self, name):
        return self.parts[name.replace(".", "|")]

    def forward(self, x, step):
        def active(name, x):
            return torch.relu(self.part(name)(x))

        x = self.part("features.conv0")(x)
        for block, layers in enumerate(BLOCKS, 1):
            for index in range(1, layers + 1):
                prefix = f"features.denseblock{block}.denselayer{index}"
                new = self.part(f"{prefix}.conv1")(active(f"{prefix}.norm1", x))
                new = self.part(f"{prefix}.conv2")(active(f"{prefix}.norm2", new))
                x = torch.cat([x, new * mask(new.shape, RATE, step, layer_of(f"{prefix}.conv2.dropout"))], 1)
            if block < len(BLOCKS):
                prefix = f"features.transition{block}"
                x = F.avg_pool2d(self.part(f"{prefix}.conv")(active(f"{prefix}.norm", x)), 2)
        x = active("features.norm5", x).mean((2, 3))
        return self.part("flatten/classifier")(x * mask(x.shape, HEAD_RATE, step, 0))


def sines(count, frequency, phase):
    return np.sin(frequency * np.arange(count) + phase)


def fill(net):
    tensors = {name.replace("parts.", "").replace("|", "."): tensor for name, tensor in net.state_dict().items()}
    tensors = {name: tensor for name, tensor in tensors.items() if "tracked" not in name}
    with torch.no_grad():
        for k, name in enumerate(sorted(tensors)):
            tensor = tensors[name]
            values = sines(tensor.numel(), 0.61, k)
            if tensor.dim() > 1:
                values = values * np.sqrt(2 / (tensor.numel() // tensor.shape[0]))
            elif "norm" in name and not name.endswith((".bias", "_mean")):
                values = 1 + 0.3 * values
            else:
                values = 0.1 * values
            tensor.copy_(torch.tensor(values.astype(np.float32)).double().view_as(tensor))
    return tensors


def main():
    net = Net().double()
    tensors = fill(net)
    x = torch.tensor(sines(ROWS * SIDE * SIDE, 0.37, 0).astype(np.float32)).double().view(ROWS, 1, SIDE, SIDE)
    y = torch.tensor([float(i * 7 % 3 == 0) for i in range(ROWS * OUTPUTS)], dtype=torch.float64).view(ROWS, OUTPUTS)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for step in range(STEPS):
        rows = [(step * BATCH + i) % ROWS for i in range(BATCH)]
        optimizer.zero_grad()
        loss = nn.BCEWithLogitsLoss()(net(x[rows], step), y[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    sketches = {}
    for name in sorted(tensors):
        values = tensors[name].numpy().ravel()
        sketches[name] = [float(np.linalg.norm(values)), float(values @ sines(values.size, 0.9, 1))]
    golden = {
        "seed": SEED,
        "rate": RATE,
        "headRate": HEAD_RATE,
        "batch": BATCH,
        "rows": ROWS,
        "side": SIDE,
        "outputs": OUTPUTS,
        "layout": {"stem": "cifar", "stemChannels": STEM, "growth": GROWTH, "blocks": BLOCKS, "compression": 0.5},
        "nodes": NODES,
        "losses": losses,
        "sketches": sketches,
    }
    (HERE / "dense_dropout.json").write_text(json.dumps(golden) + "\n")


main()
