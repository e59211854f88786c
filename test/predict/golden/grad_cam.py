"""Grad-CAM of small networks by PyTorch's automatic differentiation.

Run with torch and onnx installed: python grad_cam.py
Writes <name>.onnx and grad-cam.json: for each network the logits, for each output the map ReLU(sum_k alpha_k A_k), with
alpha_k = mean_ij dy/dA_kij of the last map A before pooling (Selvaraju et al. 2017), and that of the first output bilinearly
enlarged to 19 x 23 pixels. Input pixel i is sin(0.37 i).
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

FOLDER = pathlib.Path(__file__).parent
SIZE = 16


class Pooled(nn.Module):
    """A residual block, global average pooling and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(6, 6, 3, 1, 1, bias=False), nn.BatchNorm2d(6))
        self.head = nn.Linear(6, 3)

    def features(self, x):
        x = self.stem(x)
        return F.relu(x + self.body(x))

    def classify(self, x):
        return self.head(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Flattened(nn.Module):
    """As VGG: the last map is flattened, two linear layers follow."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 5, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(4))
        self.head = nn.Sequential(nn.Linear(80, 7), nn.ReLU(), nn.Dropout(), nn.Linear(7, 2))

    def features(self, x):
        return self.body(x)

    def classify(self, x):
        return self.head(torch.flatten(x, 1))


class Convolved(nn.Module):
    """As SqueezeNet: a 1x1 convolution and a ReLU before the pooling classify."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 8, 3, 1, 1), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(), nn.Conv2d(8, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def features(self, x):
        return self.body(x)

    def classify(self, x):
        return torch.flatten(self.head(x), 1)


def whole(network):
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            return self.network.classify(self.network.features(x))

    return Whole().eval()


golden = {}
for seed, (name, make) in enumerate({"pooled": Pooled, "flattened": Flattened, "convolved": Convolved}.items()):
    torch.manual_seed(seed)
    network = make()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.weight.data, module.bias.data):
                nn.init.normal_(values, 0.2, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
    if name == "convolved":
        # No output is dead in the ReLU behind it.
        nn.init.constant_(network.head[1].bias, 0.4)
    network.eval()
    image = torch.sin(0.37 * torch.arange(SIZE * SIZE, dtype=torch.float64)).reshape(1, 1, SIZE, SIZE)
    torch.onnx.export(
        whole(network), image.float(), FOLDER / f"{name}.onnx", opset_version=17, dynamo=False,
        input_names=["images"], output_names=["logits"],
    )
    network.double()
    features = network.features(image).detach().requires_grad_()
    logits = network.classify(features)
    maps = []
    for output in range(logits.shape[1]):
        (gradient,) = torch.autograd.grad(logits[0, output], features, retain_graph=True)
        alpha = gradient.mean((2, 3), keepdim=True)
        maps.append(F.relu((alpha * features).sum(1, keepdim=True)).detach())
    enlarged = F.interpolate(maps[0], (19, 23), mode="bilinear", align_corners=False)
    golden[name] = {
        "channels": features.shape[1],
        "logits": logits[0].tolist(),
        "maps": [{"height": m.shape[2], "width": m.shape[3], "values": m.flatten().tolist()} for m in maps],
        "enlarged": enlarged.flatten().tolist(),
    }
(FOLDER / "grad-cam.json").write_text(json.dumps(golden) + "\n")
