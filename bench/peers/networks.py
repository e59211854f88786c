"""DenseNet-121 and ResNet-50 in plain torch, with torchvision's layers and parameter names.

Used by the peers of the benchmarks and by the engine's golden files (native/test/golden/networks.py).
"""

from collections import OrderedDict

import torch
from torch import nn


class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, tensors):
        x = self.conv1(self.relu1(self.norm1(torch.cat(tensors, 1))))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    """The input of every layer is the concatenation of the block's input and all layers before it."""

    def __init__(self, layers, channels, growth):
        super().__init__({f"denselayer{i + 1}": DenseLayer(channels + i * growth, growth) for i in range(layers)})

    def forward(self, x):
        tensors = [x]
        for layer in self.values():
            tensors.append(layer(tensors))
        return torch.cat(tensors, 1)


def transition(channels, kept):
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(channels, kept, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )


class DenseNet(nn.Module):
    """Huang et al. 2017, growth 32, blocks 6-12-24-16; without `classes` it ends at the pooled [N, 1024]."""

    def __init__(self, channels=3, classes=None, blocks=(6, 12, 24, 16), growth=32):
        super().__init__()
        width = 2 * growth
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(channels, width, 7, 2, 3, bias=False),
                norm0=nn.BatchNorm2d(width),
                relu0=nn.ReLU(inplace=True),
                pool0=nn.MaxPool2d(3, 2, 1),
            )
        )
        for index, layers in enumerate(blocks, 1):
            self.features.add_module(f"denseblock{index}", DenseBlock(layers, width, growth))
            width += layers * growth
            if index < len(blocks):
                self.features.add_module(f"transition{index}", transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.width = width
        self.classifier = nn.Identity() if classes is None else nn.Linear(width, classes)

    def forward(self, x):
        x = nn.functional.adaptive_avg_pool2d(torch.relu_(self.features(x)), 1)
        return self.classifier(torch.flatten(x, 1))

    def after(self, name):
        """The network behind the child `name` of its features, without what lies before."""
        return nn.Sequential(
            behind(self.features, name), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), self.classifier
        )


class Bottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """He et al. 2016 with the stride in the 3x3 convolution, blocks 3-4-6-3; without `classes` it ends at the pooled
    [N, 2048]."""

    def __init__(self, channels=3, classes=None, blocks=(3, 4, 6, 3), width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        outputs = width
        for index, depth in enumerate(blocks):
            layer = nn.Sequential()
            for block in range(depth):
                stride = 2 if index > 0 and block == 0 else 1
                layer.append(Bottleneck(outputs, width * 2**index, stride))
                outputs = 4 * width * 2**index
            self.add_module(f"layer{index + 1}", layer)
        self.width = outputs
        self.fc = nn.Identity() if classes is None else nn.Linear(outputs, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))

    def after(self, name):
        """The network behind its child `name`, without what lies before."""
        layers = nn.Sequential(OrderedDict((f"layer{i}", getattr(self, f"layer{i}")) for i in range(1, 5)))
        return nn.Sequential(behind(layers, name), nn.AdaptiveAvgPool2d(1), nn.Flatten(), self.fc)


def behind(modules, name):
    """The children of a sequence that come after `name`."""
    names = [child for child, _ in modules.named_children()]
    return modules[names.index(name) + 1 :]


NETWORKS = {"densenet121": DenseNet, "resnet50": ResNet}


def randomise(net):
    """Random weights whose activations neither vanish nor explode: He initialisation, batch norm of unit scale."""
    torch.manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.4, 0.6)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
    return net
