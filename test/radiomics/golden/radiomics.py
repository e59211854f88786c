"""Writes radiomics.json: numbers of scikit-image, SciPy, NumPy and PyWavelets that the C++ features are held against.

Run: python radiomics.py SHARED (scikit-image 0.26, SciPy 1.17, PyWavelets 1.8), SHARED being the folder of the shared test
data. Of real images only statistics are written, no pixels. The generated image is made by `generated` here and in
golden.test.ts from the same integers.
"""
import json
import pathlib
import sys

import numpy as np
import pywt
from scipy import ndimage, stats
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.io import imread
from skimage.measure import shannon_entropy

PROPERTIES = ["contrast", "dissimilarity", "homogeneity", "ASM", "energy", "correlation"]
REAL = [
    "data/nih_full_size/images/00000061_012.png",
    "data/nih_full_size/images/00001280_004.png",
    "data/nih_full_size/images/00001317_002.png",
]
WIDTH, HEIGHT = 37, 29


def generated():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.int64)
    return ((x * x * 3 + y * y * 5 + x * y * 7 + (x * 31 + y * 17) % 13 * 9) % 251).astype(np.uint8)


def paper79(image):
    glcm = graycomatrix(image, [1, 2, 4, 6], [0, np.pi / 4, np.pi / 2], levels=256, symmetric=False, normed=True)
    values = np.stack([graycoprops(glcm, name) for name in PROPERTIES], axis=-1)  # [distance, angle, property]
    pixels = image.astype(np.float64).ravel()
    moments = [stats.moment(pixels, order) for order in (2, 3, 4, 5)]
    return [*values.ravel(), pixels.mean(), pixels.std(), *moments, shannon_entropy(image)]


def levels32(image):
    pixels = image.astype(np.float64)
    low, high = pixels.min(), pixels.max()
    return np.minimum(np.floor(32 * (pixels - low) / (high - low)), 31).astype(np.uint8)


def cooccurrence(image):
    """Symmetric, four directions, 32 levels: the mean over directions of what both definitions share."""
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    glcm = graycomatrix(levels32(image), [1], angles, levels=32, symmetric=True, normed=True)
    names = {"contrast": "contrast", "dissimilarity": "dissimilarity", "inv_diff_mom": "homogeneity", "energy": "ASM",
             "corr": "correlation"}
    return {ours: float(graycoprops(glcm, theirs).mean()) for ours, theirs in names.items()}


def first_order(pixels):
    pixels = pixels.astype(np.float64).ravel()
    p10, p25, p50, p75, p90 = np.percentile(pixels, [10, 25, 50, 75, 90])
    robust = pixels[(pixels >= p10) & (pixels <= p90)]
    mean = pixels.mean()
    return {
        "mean": mean, "var": pixels.var(), "skew": stats.skew(pixels), "kurt": stats.kurtosis(pixels), "median": p50,
        "min": pixels.min(), "p10": p10, "p90": p90, "max": pixels.max(), "iqr": p75 - p25, "range": np.ptp(pixels),
        "mad": np.abs(pixels - mean).mean(), "rmad": np.abs(robust - robust.mean()).mean(),
        "medad": np.abs(pixels - p50).mean(), "cov": pixels.std() / mean, "qcod": (p75 - p25) / (p75 + p25),
        "energy": (pixels**2).sum(), "rms": np.sqrt((pixels**2).mean()),
    }


def wavelet(image, name, levels):
    """PyWavelets' [cA, (cH, cV, cD)]; H is high-pass along axis 0 (y), V along axis 1 (x)."""
    multiple = 2**levels
    pad = [(0, -side % multiple) for side in image.shape]
    height, width = image.shape
    subbands = {}
    transform = pywt.swt2(np.pad(image, pad, mode="wrap"), name, levels)  # coarsest first
    for level, (approximation, (horizontal, vertical, diagonal)) in zip(range(levels, 0, -1), transform):
        prefix = "" if levels == 1 else f"{level}-"
        bands = {"LH": horizontal, "HL": vertical, "HH": diagonal}
        if level == levels:
            bands["LL"] = approximation
        for band, values in bands.items():
            subbands[f"wavelet-{name}-{prefix}{band}"] = values[:height, :width]
    return subbands


def gradient(image):
    x = ndimage.correlate1d(image, [-0.5, 0, 0.5], axis=1, mode="nearest")
    y = ndimage.correlate1d(image, [-0.5, 0, 0.5], axis=0, mode="nearest")
    return np.hypot(x, y)


def functions(image):
    most = np.abs(image).max()
    return {
        "square": (image / np.sqrt(most)) ** 2,
        "squareroot": np.sign(image) * np.sqrt(most * np.abs(image)),
        "logarithm": np.sign(image) * np.log(np.abs(image) + 1) * most / np.log(most + 1),
        "exponential": np.exp(image * np.log(most) / most),
    }


def filtered(image):
    pixels = image.astype(np.float64)
    maps = {f"log-sigma-{sigma}-mm": ndimage.gaussian_laplace(pixels, sigma) for sigma in (1, 2.5)}
    for name, levels in [("haar", 1), ("db2", 1), ("db3", 2), ("db8", 1), ("coif1", 2), ("coif3", 1)]:
        maps.update(wavelet(pixels, name, levels))
    for points, radius, method in [(8, 1, "uniform"), (8, 1, "default"), (12, 2.5, "ror"), (16, 2, "uniform")]:
        maps[f"lbp-{points}-{radius}-{method}"] = local_binary_pattern(image, points, radius, method)
    return {**maps, "gradient": gradient(pixels), **functions(pixels)}


def resampled(image, spacing, to):
    counts = [int(np.ceil(side * each / to)) for side, each in zip(image.shape, spacing)]
    axes = [
        (side - 1) / 2 + (np.arange(count) - (count - 1) / 2) * to / each
        for side, each, count in zip(image.shape, spacing, counts)
    ]
    grid = np.meshgrid(*axes, indexing="ij")
    return ndimage.map_coordinates(image.astype(np.float64), grid, order=1, mode="nearest")


def main(shared):
    image = generated()
    # Corners, edges and inner pixels.
    points = [(0, 0), (36, 0), (0, 28), (36, 28), (18, 0), (0, 14), (35, 3), (7, 27), (17, 13), (23, 21)]
    maps = filtered(image)
    golden = {
        "checksum": int(image.astype(np.int64).sum()),
        "points": points,
        "filters": {name: [float(values[y, x]) for x, y in points] for name, values in maps.items()},
        "filtered": {name: [float(values.mean()), float((values**2).sum())] for name, values in maps.items()},
        "resampled": {
            name: {"size": int(values.size), **first_order(values)}
            for name, values in [("finer", resampled(image, (1.5, 2), 1)), ("coarser", resampled(image, (1, 0.7), 2.2))]
        },
        "generated": {"paper79": paper79(image), "first_order": first_order(image), "glcm": cooccurrence(image)},
        "real": {},
    }
    for path in REAL:
        pixels = imread(pathlib.Path(shared) / path)
        golden["real"][path] = {
            "paper79": paper79(pixels), "first_order": first_order(pixels), "glcm": cooccurrence(pixels),
        }
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(json.dumps(golden, default=float) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
