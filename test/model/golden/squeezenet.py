"""PyTorch's SqueezeNet 1.1, with torchvision's layer names, on a fixed input.

Run with torch installed: THAW_SHARED=<folder with weights/> python squeezenet.py
Writes squeezenet.json:
  features[size]: pooled features of the ImageNet weights for the input 120 sin(0.37 i) of [1, 3, size, size];
  logits: 7 classes from one-channel input sin(0.37 i) of [1, 1, 66, 66], where element i of the k-th parameter (sorted by
  name) is sqrt(2 / fan-in) sin(0.61 i + k) for weights and 0.1 sin(0.61 i + k) for biases.
"""

import json
import os
import pathlib
import struct

import torch
from torch import nn


class Fire(nn.Module):
    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


class SqueezeNet(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
        self.features = nn.Sequential(
            nn.Conv2d(channels, 64, 3, 2), nn.ReLU(), pool(),
            Fire(64, 16, 64), Fire(128, 16, 64), pool(),
            Fire(128, 32, 128), Fire(256, 32, 128), pool(),
            Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, classes, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))


def load(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(bytearray(data[slice(*entry["data_offsets"])]), dtype=torch.float32).view(entry["shape"])
        for name, entry in header.items()
    }


def waves(*shape):
    return torch.sin(0.37 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64)).float().view(shape)


@torch.no_grad()
def main():
    golden = {"features": {}}
    network = SqueezeNet(3, 1000).eval()
    weights = pathlib.Path(os.environ["THAW_SHARED"]) / "weights/squeezenet1_1_imagenet/features.safetensors"
    network.load_state_dict(load(weights), strict=False)
    for size in (64, 90):
        features = network.features(120 * waves(1, 3, size, size)).mean((2, 3))
        golden["features"][size] = [float(f"{x:.7g}") for x in features.flatten().tolist()]

    network = SqueezeNet(1, 7).eval()
    for k, (_, parameter) in enumerate(sorted(network.named_parameters())):
        index = torch.arange(parameter.numel(), dtype=torch.float64)
        scale = (2 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.1
        parameter.copy_((scale * torch.sin(0.61 * index + k)).view(parameter.shape))
    logits = network.classifier(network.features(waves(1, 1, 66, 66))).flatten().tolist()
    golden["logits"] = [float(f"{x:.7g}") for x in logits]
    golden["parameters"] = sum(p.numel() for p in network.parameters())
    path = pathlib.Path(__file__).parent / "squeezenet.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
