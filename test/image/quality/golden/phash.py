"""Writes phash.json: thumbnails and perceptual hashes by NumPy and SciPy's DCT. Run: python phash.py (NumPy 2.4, SciPy 1.17).

`pixels` is uint8 [size, size] in base64; `thumbnail` its area averages [32, 32]: every pixel is repeated 32 times in both
directions, so each thumbnail pixel is the plain mean of size x size of them. `bits` are the 256 bits, vertical frequency after
vertical frequency: DCT-II coefficient above the median of the 16 x 16 lowest frequencies. `correlation` is Spearman's between the
first image and each, over the pixels that are not at most 2 in both rounded thumbnails.
"""
import base64
import json
import pathlib

import numpy as np
from scipy import fft, ndimage, stats

rng = np.random.default_rng(20201211)


def thumbnail(pixels):
    size = len(pixels)
    repeated = np.repeat(np.repeat(pixels.astype(np.float64), 32, 0), 32, 1)
    return repeated.reshape(32, size, 32, size).mean((1, 3))


def bits(image):
    low = fft.dctn(image, type=2)[:16, :16].ravel()
    return (low > np.median(low)).astype(int)


def smooth(size, blur):
    noise = ndimage.gaussian_filter(rng.standard_normal((size, size)), blur, mode="wrap")
    return noise / noise.std()


def grey(image):
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


base = smooth(48, 5)
images = [
    ("plain", grey(128 + 45 * base)),
    ("noisy copy", grey(110 + 35 * base + 3 * rng.standard_normal((48, 48)))),
    ("clipped", grey(60 + 80 * base)),
    ("other", grey(128 + 45 * smooth(48, 4))),
    ("28 pixels", grey(128 + 50 * smooth(28, 3))),
    ("64 pixels", grey(100 + 50 * smooth(64, 7))),
    ("20 pixels", grey(100 + 50 * smooth(20, 2))),
]


def correlation(a, b):
    a, b = (np.floor(thumbnail(image) + 0.5).ravel() for image in (a, b))
    counted = ~((a <= 2) & (b <= 2))
    return stats.spearmanr(a[counted], b[counted]).statistic


records = [
    {
        "name": name,
        "size": len(pixels),
        "pixels": base64.b64encode(pixels.tobytes()).decode(),
        "thumbnail": [round(float(value), 9) for value in thumbnail(pixels).ravel()[::37]],
        "bits": "".join(map(str, bits(thumbnail(pixels)))),
        "mirrored": "".join(map(str, bits(thumbnail(pixels)[:, ::-1]))),
        "inverted": "".join(map(str, bits(255 - thumbnail(pixels)))),
        "correlation": correlation(images[0][1], pixels),
    }
    for name, pixels in images
]
path = pathlib.Path(__file__).with_name("phash.json")
path.write_text(json.dumps(records, indent=1) + "\n")
