"""Writes ops.h: what PyTorch makes, in double precision, of the single ops of native/test/golden_ops_test.cpp.

    python native/test/golden/ops.py && clang-format -i native/test/golden/ops.h

Element i (row-major) of tensor k is ((389 i + 97 k) mod 1009 - 504) / 512: the image is tensor 0, parameters are 1, 2, ... in
the order of their node's fields; scales and variances of a batch norm have 1.5 added. A result y is told by its dot products
with tensors 200, 201 and 202.
"""

from pathlib import Path

import torch
from torch.nn import functional as F


def numbers(k, *shape):
    count = torch.Size(shape).numel()
    return (((389 * torch.arange(count, dtype=torch.float64) + 97 * k) % 1009 - 504) / 512).view(shape)


def sketch(y):
    return [float((y.flatten() * numbers(200 + j, y.numel())).sum()) for j in range(3)]


def image(channels, height, width):
    return numbers(0, 2, channels, height, width)


def pad(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def conv(x, out, kernel, stride=1, padding=(0, 0, 0, 0), dilation=1, groups=1, bias=False):
    weight = numbers(1, out, x.shape[1] // groups, *kernel)
    return F.conv2d(pad(x, padding), weight, numbers(2, out) if bias else None, stride, 0, dilation, groups)


def average(x, kernel, stride, padding, ceil, counts):
    """With any padding: sums over windows of the padded image, by pixels that are padding or not."""
    ones = pad(torch.ones_like(x), padding, 1.0 if counts else 0.0)
    mean = F.avg_pool2d(pad(x, padding), kernel, stride, 0, ceil)
    return mean / F.avg_pool2d(ones, kernel, stride, 0, ceil)


def norm(x, training, momentum, epsilon):
    mean, variance = numbers(3, x.shape[1]), numbers(4, x.shape[1]) + 1.5
    # PyTorch's momentum is the weight of the new value.
    y = F.batch_norm(x, mean, variance, numbers(1, x.shape[1]) + 1.5, numbers(2, x.shape[1]), training, 1 - momentum, epsilon)
    return y, mean, variance


same = (1, 1, 1, 1)
wide = image(4, 7, 6)
results = {
    "convolution": conv(image(3, 6, 5), 5, (3, 3), padding=same, bias=True),
    "convolution with stride 2": conv(image(3, 7, 8), 4, (3, 3), 2, same),
    "convolution with stride 3": conv(image(3, 8, 9), 4, (2, 2), 3, bias=True),
    "1x1 convolution with stride 2": conv(image(5, 5, 6), 4, (1, 1), 2, bias=True),
    "convolution of an oblong window": conv(image(3, 6, 7), 4, (1, 3), (2, 1), (0, 2, 0, 1)),
    "convolution with uneven padding": conv(image(3, 5, 5), 4, (3, 3), 2, (2, 0, 1, 1)),
    "convolution with dilation": conv(image(3, 8, 9), 4, (3, 2), (1, 2), (2, 1, 2, 1), (2, 3)),
    "convolution of groups": conv(image(6, 5, 5), 4, (3, 3), 1, same, groups=2, bias=True),
    "depthwise convolution": conv(image(5, 6, 6), 10, (3, 3), 2, same, groups=5),
    "max pooling": F.max_pool2d(wide, 3, 2, 1),
    "max pooling in ceil mode": F.max_pool2d(wide, 2, 3, 1, ceil_mode=True),
    "max pooling with dilation": F.max_pool2d(pad(wide, (1, 1, 1, 0), -torch.inf), (3, 2), (1, 2), 0, (2, 3)),
    "average pooling": F.avg_pool2d(wide, 3, 2, 1, count_include_pad=False),
    "average pooling that counts padding": F.avg_pool2d(wide, 3, 2, 1, count_include_pad=True),
    "average pooling in ceil mode": F.avg_pool2d(wide, (2, 3), 3, 1, True, False),
    "average pooling in ceil mode that counts padding": F.avg_pool2d(wide, (2, 3), 3, 1, True, True),
    "average pooling with uneven padding": average(wide, (3, 2), (2, 1), (1, 0, 2, 1), False, False),
    "average pooling with uneven padding that counts it": average(wide, (3, 2), (2, 1), (1, 0, 2, 1), False, True),
    "global average pooling": wide.mean((2, 3)),
    "batch norm": norm(wide, False, 0.9, 1e-5)[0],
    "relu": F.relu(wide),
    "clip": wide.clamp(-0.25, 0.5),
    "sigmoid": torch.sigmoid(wide),
    "sum of three": wide + F.relu(wide) + wide,
    "concatenation": torch.cat([torch.sigmoid(wide), wide, F.relu(wide)], 1),
    "linear": F.linear(wide.flatten(1), numbers(1, 5, 168), numbers(2, 5)),
}
for name, part in zip(("result", "running mean", "running variance"), norm(wide, True, 0.7, 0.01)):
    results[f"batch norm of the batch, {name}"] = part

lines = [f'    {{"{name}", {{{", ".join(repr(value) for value in sketch(y))}}}}},' for name, y in results.items()]
Path(__file__).with_suffix(".h").write_text(
    "\n".join(
        [
            "#pragma once",
            "",
            f"// Written by ops.py with PyTorch {torch.__version__}: dot products of results with tensors 200, 201 and 202.",
            "namespace thaw::test::golden {",
            "",
            "struct Sketch {",
            "  const char* name;",
            "  double products[3];",
            "};",
            "",
            "inline constexpr Sketch sketches[] = {",
            *lines,
            "};",
            "",
            "}  // namespace thaw::test::golden",
            "",
        ]
    )
)
