"""The PyTorch side of `bench/extract.ts`.

Networks are written in plain torch (random weights, evaluation mode, up to the pooled features). Commands are JSON
lines on stdin, answers are JSON lines on stdout:

  {"do": "export", "net": "densenet121", "path": "x.onnx", "batch": 16, "size": 224}  ->  {"shape": [1024]}
  {"do": "forward", "net": "densenet121", "images": 160, "batch": 16, "size": 224, "threads": 2}  ->  {"seconds": 8.1}
"""

import json
import sys
import time
import warnings

import torch
from torch import nn


class DenseLayer(nn.Module):
    def __init__(self, channels, growth, bottleneck):
        super().__init__()
        self.reduce = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.Conv2d(channels, bottleneck * growth, 1, bias=False)
        )
        self.produce = nn.Sequential(
            nn.BatchNorm2d(bottleneck * growth),
            nn.ReLU(inplace=True),
            nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x):
        return torch.cat([x, self.produce(self.reduce(x))], 1)


def densenet121():
    """Huang et al. 2017, growth 32, blocks 6-12-24-16; ends at the pooled [N, 1024]."""
    channels = 64
    layers = [
        nn.Conv2d(3, channels, 7, 2, 3, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    blocks = (6, 12, 24, 16)
    for index, depth in enumerate(blocks):
        for _ in range(depth):
            layers.append(DenseLayer(channels, 32, 4))
            channels += 32
        if index < len(blocks) - 1:
            layers += [
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels // 2, 1, bias=False),
                nn.AvgPool2d(2),
            ]
            channels //= 2
    layers += [nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers), channels


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x):
        return torch.relu(self.body(x) + self.skip(x))


def resnet50():
    """He et al. 2016 with the stride in the 3x3 convolution; ends at the pooled [N, 2048]."""
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(depth):
            layers.append(Bottleneck(channels, width, stride if index == 0 else 1))
            channels = 4 * width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers), channels


def randomise(net):
    """Random weights whose activations neither vanish nor explode: He initialisation, batch norm of unit scale."""
    torch.manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.4, 0.6)
            nn.init.uniform_(module.running_var, 0.8, 1.2)
    return net.eval()


def build(name, built={}):
    if name not in built:
        net, features = {"densenet121": densenet121, "resnet50": resnet50}[name]()
        built[name] = (randomise(net), features)
    return built[name]


def export(net, path, batch, size):
    model, features = build(net)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, torch.zeros(batch, 3, size, size), path, dynamo=False, input_names=["image"], output_names=["pooled"]
        )
    return {"shape": [features]}


def forward(net, images, batch, size, threads):
    torch.set_num_threads(threads)
    model = build(net)[0].to(memory_format=torch.channels_last)
    batches = [
        torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last) for _ in range(images // batch)
    ]
    with torch.inference_mode():
        model(batches[0])
        start = time.perf_counter()
        for pixels in batches:
            model(pixels)
        return {"seconds": time.perf_counter() - start}


for line in sys.stdin:
    command = json.loads(line)
    work = {"export": export, "forward": forward}[command.pop("do")]
    print(json.dumps(work(**command)), flush=True)
