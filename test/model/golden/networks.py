"""Small networks of the usual families, exported to ONNX, with PyTorch's activations at every stage.

Run with torch and onnx installed: python networks.py
Writes networks/<name>.onnx and networks/<name>.json: {size, batch, channels, activations: {name: {shape, values}}}.
Input pixel i (row-major over the batch) is sin(0.37 i), so that the test makes the same one.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "networks"


class Bottleneck(nn.Module):
    def __init__(self, channels, width, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Deep residual network with a strided stem, as for ImageNet (He et al. 2016)."""

    stages = ["stem", "block1", "block2", "block3", "block4"]
    size = 64

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.pool = nn.MaxPool2d(3, 2, 1)
        widths = [(6, 8, 1), (8, 8, 2), (8, 12, 2), (12, 16, 2)]
        self.layers = nn.ModuleList(
            nn.Sequential(Bottleneck(i, 4, o, s), Bottleneck(o, 4, o, 1)) for i, o, s in widths
        )
        self.fc = nn.Linear(16, 5)

    def activations(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        found = [x]
        for layer in self.layers:
            x = layer(x)
            found.append(x)
        pooled = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return [*found, pooled, self.fc(pooled)]


class CifarBlock(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False) if channels != out else nn.Identity()

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class CifarResNet(nn.Module):
    """Residual network whose stem does not reduce; average pooling with an explicit window, reshape by view."""

    stages = ["stem", "block1", "block2", "block3"]
    size = 16

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        widths = [(4, 4, 1), (4, 8, 2), (8, 12, 2)]
        self.layers = nn.ModuleList(nn.Sequential(CifarBlock(i, o, s), CifarBlock(o, o, 1)) for i, o, s in widths)
        self.linear = nn.Linear(12, 5)

    def activations(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        found = [x]
        for layer in self.layers:
            x = layer(x)
            found.append(x)
        x = F.avg_pool2d(x, 4)
        pooled = x.view(x.size(0), -1)
        return [*found, pooled, self.linear(pooled)]


class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 2 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * growth)
        self.conv2 = nn.Conv2d(2 * growth, growth, 3, 1, 1, bias=False)

    def forward(self, features):
        x = self.conv1(F.relu(self.norm1(torch.cat(features, 1))))
        return self.conv2(F.relu(self.norm2(x)))


class DenseNet(nn.Module):
    """Densely connected network (Huang et al. 2017); every layer concatenates all earlier ones anew."""

    stages = ["stem", "block1", "block2", "block3", "block4"]
    size = 64

    def __init__(self):
        super().__init__()
        growth, channels = 3, 6
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels, 7, 2, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.blocks, self.transitions = nn.ModuleList(), nn.ModuleList()
        for index, depth in enumerate([2, 3, 3, 2]):
            self.blocks.append(nn.ModuleList(DenseLayer(channels + i * growth, growth) for i in range(depth)))
            channels += depth * growth
            if index < 3:
                self.transitions.append(
                    nn.Sequential(
                        nn.BatchNorm2d(channels),
                        nn.ReLU(),
                        nn.Conv2d(channels, channels // 2, 1, bias=False),
                        nn.AvgPool2d(2, 2),
                    )
                )
                channels //= 2
        self.norm5 = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, 5)

    def activations(self, x):
        x = self.stem(x)
        found = [x]
        for index, block in enumerate(self.blocks):
            features = [x]
            for layer in block:
                features.append(layer(features))
            x = torch.cat(features, 1)
            if index < 3:
                found.append(x)
                x = self.transitions[index](x)
        x = F.relu(self.norm5(x))
        pooled = torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1)
        return [*found, x, pooled, self.classifier(pooled)]


class Vgg(nn.Module):
    """Plain network that flattens its last map (Simonyan and Zisserman 2014)."""

    stages = ["stem", "block1", "block2"]
    size = 32

    def __init__(self):
        super().__init__()
        widths = [(3, 4), (4, 6), (6, 8)]
        self.groups = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(i, o, 3, padding=1),
                nn.BatchNorm2d(o),
                nn.ReLU(),
                nn.Conv2d(o, o, 3, padding=1),
                nn.ReLU(),
                nn.MaxPool2d(2, 2),
            )
            for i, o in widths
        )
        self.classifier = nn.Sequential(
            nn.Linear(8 * 16, 10), nn.ReLU(), nn.Dropout(), nn.Linear(10, 10), nn.ReLU(), nn.Linear(10, 5)
        )

    def activations(self, x):
        found = []
        for group in self.groups:
            x = group(x)
            found.append(x)
        pooled = x.mean((2, 3))
        return [*found, pooled, self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (4, 4)), 1))]


class Fire(nn.Module):
    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    """Fire modules, pooling in ceil mode, classification by convolution before the pooling."""

    stages = ["stem", "block1", "block2", "block3"]
    size = 56

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, 2)
        self.groups = nn.ModuleList(
            [
                nn.Sequential(Fire(6, 3, 4), Fire(8, 3, 4)),
                nn.Sequential(Fire(8, 4, 6), Fire(12, 4, 6)),
                nn.Sequential(Fire(12, 4, 8), Fire(16, 5, 8)),
            ]
        )
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(16, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def activations(self, x):
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        x = pool(F.relu(self.conv(x)))
        found = [x]
        for index, group in enumerate(self.groups):
            x = group(x)
            if index < 2:
                x = pool(x)
            found.append(x)
        return [*found, x.mean((2, 3)), torch.flatten(self.classifier(x), 1)]


class Whole(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network.activations(x)[-1]


def spread_statistics(network):
    """Running statistics and affine parameters away from 0 and 1, so that a mistaken batch norm shows."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)


def save(name, kind, opset, dynamic, keep_norm):
    torch.manual_seed(7)
    network = kind()
    spread_statistics(network)
    network.eval()
    channels = next(network.parameters()).shape[1]
    shape = [2, channels, network.size, network.size]
    image = torch.sin(0.37 * torch.arange(2 * channels * network.size**2, dtype=torch.float64)).float().view(shape)
    with torch.no_grad():
        values = network.activations(image)
    names = [*network.stages, "pooled", "logits"]
    activations = {
        key: {"shape": list(value.shape), "values": [float(f"{x:.6g}") for x in value.flatten().tolist()]}
        for key, value in zip(names, values, strict=True)
    }
    torch.onnx.export(
        Whole(network),
        image,
        FOLDER / f"{name}.onnx",
        dynamo=False,
        opset_version=opset,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}} if dynamic else None,
        training=torch.onnx.TrainingMode.PRESERVE if keep_norm else torch.onnx.TrainingMode.EVAL,
        do_constant_folding=not keep_norm,
    )
    parameters = sum(p.numel() for p in network.parameters())
    golden = {"channels": channels, "size": network.size, "parameters": parameters, "activations": activations}
    (FOLDER / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    save("resnet", ResNet, 17, dynamic=True, keep_norm=True)
    save("cifar-resnet", CifarResNet, 13, dynamic=True, keep_norm=False)
    save("densenet", DenseNet, 11, dynamic=True, keep_norm=False)
    save("vgg", Vgg, 9, dynamic=False, keep_norm=False)
    save("squeezenet", SqueezeNet, 20, dynamic=True, keep_norm=False)
