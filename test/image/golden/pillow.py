"""Golden values of real images: python pillow.py SHARED_FOLDER > pillow.json

`exact` holds the SHA-256 of an image's pixels at its own size as Pillow reads them; `resized` holds mean, standard deviation
and an 8 × 8 grid of block means of the image shrunk to 224 × 224 (knees: 128 × 128) by Pillow's anti-aliased bilinear
filter (16-bit images: as floating point numbers, value / 257). Rows are sorted by path.
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

shared = Path(sys.argv[1])


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels, dtype=np.uint8).tobytes()).hexdigest()


def resized(image, size):
    pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float64)
    blocks = pixels.reshape(8, size // 8, 8, size // 8).mean(axis=(1, 3))
    return {"size": size, "mean": pixels.mean(), "std": pixels.std(), "blocks": blocks.round(3).ravel().tolist()}


def rows(folder, pattern, measure):
    paths = sorted((shared / folder).glob(pattern))
    values = [(path.relative_to(shared).as_posix(), measure(path)) for path in paths]
    return [{"path": path} | value for path, value in values if value is not None]


def full_size(path):
    image = Image.open(path)
    assert image.mode == "L" and image.size == (1024, 1024), path
    return {"sha256": digest(np.asarray(image))} | resized(image, 224)


def small(path):
    image = Image.open(path)
    if image.mode == "RGBA":
        assert np.asarray(image)[..., 3].min() == 255, path
    return {"mode": image.mode, "sha256": digest(np.asarray(image)[..., :3])}


def knee(path):
    image = Image.open(path)
    if image.mode != "I;16":
        return None
    return resized(Image.fromarray(np.asarray(image).astype(np.float32) / 257), 128)


nih1000 = rows("data/nih1000/images", "*.png", small)
chosen = [row for row in nih1000 if row["mode"] == "RGBA"] + [row for row in nih1000 if row["mode"] == "RGB"][::25]
json.dump(
    {
        "full_size": rows("data/nih_full_size/images", "*.png", full_size),
        "nih1000": sorted(chosen, key=lambda row: row["path"]),
        "knee16": rows("data/knee", "*/*.png", knee),
    },
    sys.stdout,
    indent=1,
)
