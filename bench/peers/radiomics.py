"""The scikit-image side of `bench/radiomics.ts`: the paper's 79 features.

Argument: a raw uint8 image of 1024 × 1024. A line with a number of rounds on stdin is answered with a JSON line of the
milliseconds that each took.
"""
import json
import sys
import time

import numpy as np
from scipy import stats
from skimage.feature import graycomatrix, graycoprops
from skimage.measure import shannon_entropy

PROPERTIES = ["contrast", "dissimilarity", "homogeneity", "ASM", "energy", "correlation"]


def paper79(image):
    glcm = graycomatrix(image, [1, 2, 4, 6], [0, np.pi / 4, np.pi / 2], levels=256, symmetric=False, normed=True)
    texture = np.stack([graycoprops(glcm, name) for name in PROPERTIES], axis=-1).ravel()
    pixels = image.astype(np.float64).ravel()
    moments = [stats.moment(pixels, order) for order in (2, 3, 4, 5)]
    return [*texture, pixels.mean(), pixels.std(), *moments, shannon_entropy(image)]


image = np.fromfile(sys.argv[1], np.uint8).reshape(1024, 1024)
assert len(paper79(image)) == 79
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter()
        paper79(image)
        times.append((time.perf_counter() - start) * 1000)
    print(json.dumps(times), flush=True)
