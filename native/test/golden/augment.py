"""Writes augment.h: a colour image of 9 x 9 pixels, resized, rotated, cropped and flipped by PyTorch in double precision.

    python native/test/golden/augment.py && clang-format -i native/test/golden/augment.h

Every step is an image of its own here; the code under test composes them. The one exception is an enlarging resize followed
by a rotation, which is sampled once: grid_sample of the source with repeated borders, times grid_sample of ones.
"""

from pathlib import Path

import torch
from torch.nn import functional as F

SIDE = 9
MARGIN = 32  # of zeros, added before the rotation, for crops that reach outside
LUMA = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(3, 1, 1)


def adjust(image, contrast, brightness):
    mean = (image * LUMA).sum(0).mean()
    return ((mean + (image - mean) * contrast).clamp(0, 255) * brightness).clamp(0, 255)


def grid_of(degrees, side):
    """Grid that turns an image of side x side counter-clockwise: where each output pixel looks."""
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    c, s = torch.cos(angle), torch.sin(angle)
    zero = torch.zeros((), dtype=torch.float64)
    theta = torch.stack([torch.stack([c, -s, zero]), torch.stack([s, c, zero])])[None]
    return F.affine_grid(theta, (1, 1, side, side), align_corners=False)


def sample(image, grid, padding):
    return F.grid_sample(image[None], grid, mode="bilinear", padding_mode=padding, align_corners=False)[0]


def resize(image, side):
    return F.interpolate(image[None], (side, side), mode="bilinear", align_corners=False, antialias=side < SIDE)[0]


def expected(image, case):
    image = adjust(image, case["contrast"], case["brightness"])
    side = case["resize"] or SIDE
    canvas = side + 2 * MARGIN
    grid = grid_of(case["rotation"], canvas)
    if side > SIDE and case["rotation"] != 0:
        cover = sample(F.pad(torch.ones(1, side, side, dtype=torch.float64), [MARGIN] * 4), grid, "zeros")
        image = sample(image, grid * (canvas / side), "border") * cover
    else:
        image = F.pad(resize(image, side) if side != SIDE else image, [MARGIN] * 4)
        image = sample(image, grid, "zeros") if case["rotation"] != 0 else image
    top, left, size = MARGIN + case["top"], MARGIN + case["left"], case["size"]
    image = image[:, top : top + size, left : left + size]
    flipped = [axis for axis, wanted in ((2, case["flip"]), (1, case["verticalFlip"])) if wanted]
    return torch.flip(image, flipped)


def case(name, size, resize=0, left=0, top=0, flip=False, verticalFlip=False, rotation=0.0, brightness=1.0, contrast=1.0):
    return locals()


CASES = [
    case("rotation", 9, rotation=10.0),
    case("rotation, crop and flips", 7, left=1, top=-1, flip=True, verticalFlip=True, rotation=-33.25),
    case("rotation and one flip", 6, left=2, top=3, flip=True, rotation=140.0),
    case("enlarged", 13, resize=13),
    case("enlarged, crop and flip", 8, resize=14, left=-2, top=5, flip=True),
    case("enlarged, rotated, crop", 10, resize=14, left=-1, top=5, verticalFlip=True, rotation=20.0),
    case("smaller", 5, resize=5),
    case("smaller, padding and flips", 6, resize=4, left=-1, top=-2, flip=True, verticalFlip=True),
    case("smaller, rotated", 7, resize=7, flip=True, rotation=25.0),
    case("contrast, brightness and rotation", 9, rotation=5.0, brightness=1.2, contrast=1.4),
    case("contrast, brightness and resize", 6, resize=6, brightness=0.9, contrast=0.5),
]


def main():
    torch.manual_seed(1)
    image = torch.randint(0, 256, (3, SIDE, SIDE))
    turned = torch.rot90(image.double(), 1, (1, 2))
    assert torch.allclose(sample(image.double(), grid_of(90.0, SIDE), "zeros"), turned), "counter-clockwise"
    pixels = ", ".join(str(v) for v in image.permute(1, 2, 0).ravel().tolist())
    rows = []
    for c in CASES:
        values = ", ".join(f"{v:.7g}" for v in expected(image.double(), c).ravel().tolist())
        flags = f"{str(c['flip']).lower()}, {str(c['verticalFlip']).lower()}"
        transform = f"{{{c['left']}, {c['top']}, {flags}, {c['rotation']}, {c['brightness']}, {c['contrast']}}}"
        rows.append(f'{{"{c["name"]}", {c["resize"]}, {c["size"]}, {transform}, {{{values}}}}}')
    Path(__file__).with_suffix(".h").write_text(
        f"""#pragma once

#include <cstdint>
#include <vector>

#include "image/augment.h"

// Written by augment.py with PyTorch {torch.__version__.split("+")[0]}; not to be edited.
namespace thaw::golden {{

struct AugmentCase {{
  const char* name;
  std::size_t resize;
  std::size_t size;
  SampleTransform transform;
  std::vector<double> expected;  ///< [3, size, size] in 0 ... 255
}};

/** [9, 9, 3] */
inline const std::vector<std::uint8_t> augmentImage = {{{pixels}}};

inline const std::vector<AugmentCase> augmentCases = {{
{",".join(rows)}}};

}}  // namespace thaw::golden
"""
    )


main()
