"""Files of torch.save in all their forms, and what PyTorch computes with the weights in them.

Run with torch installed: python checkpoints.py [folder of cifar10_resnet/*.th]
Writes pth/*.pth (state dicts of tiny networks; tensors of every kind), pth/networks.json (logits), pth/elements.json
(values), and, where the folder is given, pth/cifar.json (logits of the published CIFAR ResNets).
Input pixel i (row-major over the batch) is sin(0.37 i), so that the tests make the same one.
"""

import collections
import json
import pathlib
import re
import sys

import torch
import torch.nn.functional as F
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "pth"


class BasicBlock(nn.Module):
    """`padded`: a shortcut that changes its shape skips pixels and pads channels with zeros (He et al. 2016, option A)."""

    def __init__(self, channels, width, stride, padded):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.pad = (width - channels) // 2
        if not padded and (stride != 1 or channels != width):
            self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        else:
            self.downsample = None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.downsample is not None:
            x = self.downsample(x)
        elif self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(x + y)


class ResNet(nn.Module):
    """Residual network for small images; `head` is the name of the classifier."""

    def __init__(self, channels, width, depths, classes, head="fc", padded=False):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        before = width
        for index, depth in enumerate(depths):
            wide = width * 2**index
            blocks = [BasicBlock(before if b == 0 else wide, wide, 2 if index and b == 0 else 1, padded) for b in range(depth)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            before = wide
        self.layers, self.head = len(depths), head
        self.add_module(head, nn.Linear(before, classes))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for index in range(self.layers):
            x = getattr(self, f"layer{index + 1}")(x)
        return getattr(self, self.head)(x.mean((2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], 1)


class DenseNet(nn.Module):
    """DenseNet-BC for small images."""

    def __init__(self, channels, depth, growth, classes):
        super().__init__()
        layers, wide = (depth - 4) // 6, 2 * growth
        parts = collections.OrderedDict(conv0=nn.Conv2d(channels, wide, 3, padding=1, bias=False))
        for block in (1, 2, 3):
            chain = collections.OrderedDict()
            for layer in range(layers):
                chain[f"denselayer{layer + 1}"] = DenseLayer(wide, growth)
                wide += growth
            parts[f"denseblock{block}"] = nn.Sequential(chain)
            if block < 3:
                transition = collections.OrderedDict(norm=nn.BatchNorm2d(wide), relu=nn.ReLU())
                transition["conv"] = nn.Conv2d(wide, wide // 2, 1, bias=False)
                transition["pool"] = nn.AvgPool2d(2)
                parts[f"transition{block}"] = nn.Sequential(transition)
                wide //= 2
        parts["norm5"] = nn.BatchNorm2d(wide)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(wide, classes)

    def forward(self, x):
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))


def spread_statistics(network):
    """Running statistics and affine parameters away from 0 and 1, so that a mistaken batch norm shows."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)


def logits(network, channels, size):
    count = 2 * channels * size**2
    images = torch.sin(0.37 * torch.arange(count, dtype=torch.float64)).float().view(2, channels, size, size)
    with torch.no_grad():
        values = network.eval()(images)
    return [float(f"{x:.7g}") for x in values.flatten().tolist()]


def prefixed(state, prefix):
    return collections.OrderedDict((prefix + name, value) for name, value in state.items())


def networks():
    """Tiny networks, one way of saving each."""
    torch.manual_seed(11)
    residual = ResNet(3, 4, [1, 1, 1], 5)
    dense = DenseNet(1, 10, 4, 3)
    for network in (residual, dense):
        spread_statistics(network)
    state = residual.state_dict()
    golden = {}

    def save(name, value, architecture, network, channels, size, legacy=False):
        torch.save(value, FOLDER / name, _use_new_zipfile_serialization=not legacy)
        classes = network.fc.out_features if hasattr(network, "fc") else network.classifier.out_features
        golden[name] = {"architecture": architecture, "channels": channels, "size": size, "classes": classes}
        golden[name]["logits"] = logits(network, channels, size)

    small = "resnet(4,[1,1,1])"
    save("plain.pth", state, small, residual, 3, 16)
    optimizer = torch.optim.SGD(residual.parameters(), 0.1, momentum=0.9)
    checkpoint = {"epoch": 3, "arch": "resnet", "state_dict": prefixed(state, "module."), "best_acc1": torch.tensor(71.5)}
    save("training.pth.tar", {**checkpoint, "optimizer": optimizer.state_dict()}, small, residual, 3, 16, legacy=True)
    half = ResNet(3, 4, [1, 1, 1], 5)
    half.load_state_dict({name: value.half() if value.is_floating_point() else value for name, value in state.items()})
    halves = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save("half.pt", {"model": prefixed(halves, "model.encoder.")}, small, half, 3, 16)
    old = {re.sub(r"(norm|conv)([12])\.", r"\1.\2.", name): value for name, value in dense.state_dict().items()}
    old["op_threshs"] = torch.full((3,), 0.5)
    save("old-keys.pth", {"net": prefixed(old, "module.densenet.")}, "densenet-bc(10,4,0.5)", dense, 1, 16)
    (FOLDER / "networks.json").write_text(json.dumps(golden, indent=1) + "\n")


def elements():
    """Tensors of every type and layout, beside the containers and scalars that checkpoints hold."""
    base = torch.arange(24, dtype=torch.float32).view(4, 6)
    numbers = torch.tensor([0.1, -2.5, 65504.0, 3e-5, 0.0])
    tensors = {
        "float32": numbers,
        "float16": numbers.half(),
        "bfloat16": numbers.bfloat16(),
        "float64": numbers.double(),
        "scalar": torch.tensor(-1.5),
        "empty": torch.zeros(0, 3),
        "whole": base,
        "transposed": base.t(),
        "columns": base[:, 1::2],
        "row": base[2],
        "tail": base.view(-1)[20:],
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
        "channels_last": torch.arange(16.0).view(1, 2, 2, 4).contiguous(memory_format=torch.channels_last),
        "half_rows": numbers.half().view(5, 1).expand(5, 2),
        "parameter": nn.Parameter(torch.tensor([4.0, 5.0])),
    }
    integers = {"int64": torch.tensor([1, -2]), "bool": torch.tensor([True]), "uint8": torch.tensor([200], dtype=torch.uint8)}
    others = {"ünïcode ☃": None, "list": [1, -70000, 2**40, True, 0.25, (1, 2), (1, 2, 3, 4)], "set": {1, "two"}, "long": 2**70}
    # As a graphics card would tag its storages.
    torch.serialization.register_package(0, lambda storage: "cuda:1", lambda storage, location: None)
    for name, legacy in (("elements.pth", False), ("elements-legacy.pth", True)):
        value = collections.OrderedDict(**tensors, **integers, **others)
        torch.save(value, FOLDER / name, _use_new_zipfile_serialization=not legacy)
    torch.save(collections.OrderedDict(tensors), FOLDER / "protocol4.pth", pickle_protocol=4)
    values = {
        name: {"shape": list(value.shape), "values": value.detach().double().contiguous().flatten().tolist()}
        for name, value in tensors.items()
    }
    (FOLDER / "elements.json").write_text(json.dumps(values) + "\n")


def cifar(folder):
    """ResNets for CIFAR-10 whose files are published, at their own size and at an odd one."""
    golden = {}
    for path in sorted(folder.glob("*.th")):
        depth = int(re.match(r"resnet(\d+)-", path.name)[1])
        network = ResNet(3, 16, [(depth - 2) // 6] * 3, 10, head="linear", padded=True)
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()}, strict=False)
        given = {name.removeprefix("module.") for name in state}
        assert given == {name for name in network.state_dict() if "num_batches" not in name}
        golden[path.name] = {
            "architecture": f"resnet{depth}",
            "parameters": sum(p.numel() for p in network.parameters()),
            "logits": {str(size): logits(network, 3, size) for size in (32, 45)},
        }
    (FOLDER / "cifar.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    networks()
    if len(sys.argv) > 1:
        cifar(pathlib.Path(sys.argv[1]))
    elements()
