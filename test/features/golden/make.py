"""Golden files of the feature tests: networks, images and the features that PyTorch and NumPy give for them.

    python make.py        (torch, onnx, numpy)

images.bin               uint8 [10, 16, 16, 3], RGB
small.onnx               batch 4, input BGR 3 x 16 x 16 -> [6, 3, 3]
small-{identity,hflip}.bin   float32 [10, 6, 3, 3] of PyTorch
exact.onnx               batch 4 -> [4, 14, 14]; its arithmetic is exact in float32 (products are multiples of 2^-14 and
                         sums stay below 2^5), so that any implementation gives the same bits
exact-float32.bin, exact-float16.bin   of PyTorch, the latter rounded by NumPy
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

FOLDER = Path(__file__).parent
ROWS, SIZE, BATCH = 10, 16, 4


def network_input(images, order, scale, mean, std):
    """uint8 [N, H, W, 3] in RGB -> float32 [N, 3, H, W]."""
    channels = images if order == "RGB" else images[..., ::-1]
    values = (channels.astype(np.float32) * np.float32(scale) - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))


def export(net, name):
    path = FOLDER / f"{name}.onnx"
    shape = torch.zeros(BATCH, 3, SIZE, SIZE)
    torch.onnx.export(net, shape, str(path), dynamo=False, input_names=["image"], output_names=["features"])


def small():
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 6, 3, stride=2),
        nn.ReLU(),
    )
    nn.init.normal_(net[1].running_mean, 0, 0.1)
    nn.init.uniform_(net[1].running_var, 0.5, 2)
    return net.eval()


def exact():
    conv = nn.Conv2d(3, 4, 3, bias=False)
    conv.weight.data = torch.randint(-64, 65, conv.weight.shape).float() / 64
    return nn.Sequential(conv, nn.ReLU()).eval()


torch.manual_seed(7)
images = np.random.default_rng(7).integers(0, 256, (ROWS, SIZE, SIZE, 3), dtype=np.uint8)
images.tofile(FOLDER / "images.bin")
with torch.no_grad():
    net = small()
    export(net, "small")
    for view, seen in (("identity", images), ("hflip", images[:, :, ::-1])):
        pixels = network_input(seen, "BGR", 1 / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        net(pixels).numpy().tofile(FOLDER / f"small-{view}.bin")
    net = exact()
    export(net, "exact")
    features = net(network_input(images, "RGB", 1 / 256, [0.5] * 3, [1] * 3)).numpy()
    features.tofile(FOLDER / "exact-float32.bin")
    features.astype(np.float16).tofile(FOLDER / "exact-float16.bin")
