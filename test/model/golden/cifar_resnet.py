"""Logits of a ResNet-20 for CIFAR-10 (parameter-free shortcuts) with weights of a formula, computed by PyTorch.

Run with torch installed: python cifar_resnet.py
Writes cifar-resnet20.json. Parameter k (in order of names), element i: s(k, i) = sin(0.61 i + k); weights of more than one dimension
are sqrt(2 / fan-in) s, batch norm's weights and variances 1 + s / 2, all others 0.1 s. Input pixel i is sin(0.37 i).
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.added = (width - channels) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.added:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added))
        return F.relu(x + y)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


network = ResNet20().double().eval()
state = {name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}
for k, name in enumerate(sorted(state)):
    tensor = state[name]
    wave = torch.sin(0.61 * torch.arange(tensor.numel(), dtype=torch.float64) + k).reshape(tensor.shape)
    if tensor.dim() > 1:
        values = (2 / tensor[0].numel()) ** 0.5 * wave
    elif name.endswith("running_var") or (name.endswith("weight") and "linear" not in name):
        values = 1 + wave / 2
    else:
        values = 0.1 * wave
    tensor.copy_(values.float())
image = torch.sin(0.37 * torch.arange(2 * 3 * 32 * 32, dtype=torch.float64)).float().double().reshape(2, 3, 32, 32)
with torch.no_grad():
    logits = network(image).flatten().tolist()
path = pathlib.Path(__file__).parent / "cifar-resnet20.json"
path.write_text(json.dumps([float(f"{value:.7g}") for value in logits]) + "\n")
