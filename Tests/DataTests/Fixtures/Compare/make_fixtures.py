"""Makes the fixtures of the tests of comparisons; run in this folder with numpy 2.4.6, Pillow 13.0.0 and scipy 1.17.1.

statistics.json   What numpy measures in images of the other fixtures, after the definitions of `ImageStatistics`.
colors.json       Per channel, the total variation distance of mean histograms of two groups of images, and what chance gives.
samples.json      Means, standard errors and the Kolmogorov-Smirnov test of scipy for pairs of samples.
"""

import glob
import json
import os

import numpy as np
from PIL import Image
from scipy import ndimage, special, stats

FIXTURES = ".."
NAMES = sorted(
    os.path.relpath(name, FIXTURES) for name in glob.glob(FIXTURES + "/classic/*.png")
) + [
    "resize/noise-rgb.png", "resize/noise-l.png", "resize/wide-l.png", "resize/wide-rgb.png",
    "resize/black-white-rgb.png", "resize/pixel-l.png", "resize/noise-rgb-11x23.png",
]


def measures(name):
    image = Image.open(os.path.join(FIXTURES, name))
    rgb = np.asarray(image.convert("RGB")).astype(np.int64)
    luma = np.asarray(image.convert("L")).astype(np.int64)
    median = np.percentile(luma, 50, method="lower")
    dark = luma < 110
    rows, columns = np.nonzero(dark.any(axis=1))[0], np.nonzero(dark.any(axis=0))[0]
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    filtered = ndimage.convolve(luma, kernel)[1:-1, 1:-1]
    found = {
        "ink": (luma < median - 32).mean(),
        "dark_ink": dark.mean(),
        "horizontal_edges": np.abs(np.diff(luma, axis=1)).mean() if luma.shape[1] > 1 else None,
        "vertical_edges": np.abs(np.diff(luma, axis=0)).mean() if luma.shape[0] > 1 else None,
        "noise": np.sqrt(np.pi / 2) / 6 * np.abs(filtered).mean() if filtered.size else None,
        "distinct_colors": len(np.unique(rgb.reshape(-1, 3), axis=0)),
        "red": rgb[..., 0].mean(),
        "green": rgb[..., 1].mean(),
        "blue": rgb[..., 2].mean(),
        "box_left": columns[0] if len(columns) else None,
        "box_top": rows[0] if len(rows) else None,
        "box_width": columns[-1] - columns[0] + 1 if len(columns) else None,
        "box_height": rows[-1] - rows[0] + 1 if len(rows) else None,
        "image_width": luma.shape[1],
        "image_height": luma.shape[0],
    }
    return {key: None if value is None else float(value) for key, value in found.items()}


def colors(first, second):
    def shares(name):
        rgb = np.asarray(Image.open(os.path.join(FIXTURES, name)).convert("RGB"))
        return np.stack([np.histogram(rgb[..., c], 16, (0, 256))[0] / rgb[..., c].size for c in range(3)])

    one, other = (np.stack([shares(name) for name in names]) for names in (first, second))
    distance = np.abs(one.mean(0) - other.mean(0)).sum(1) / 2
    error = np.sqrt(stats.sem(one, axis=0) ** 2 + stats.sem(other, axis=0) ** 2)
    return {
        "first": first, "second": second, "distance": distance.tolist(),
        "expected": (np.sqrt(2 / np.pi) * error).sum(1).__truediv__(2).tolist(),
    }


def samples(one, other):
    test = stats.ks_2samp(one, other, method="asymp")
    scale = np.sqrt(len(one) * len(other) / (len(one) + len(other)))
    joint = np.sqrt(stats.sem(one) ** 2 + stats.sem(other) ** 2)
    return {
        "first": one.tolist(), "second": other.tolist(), "means": [one.mean(), other.mean()],
        "errors": [stats.sem(one), stats.sem(other)], "difference": (other.mean() - one.mean()) / joint,
        "distance": test.statistic, "probability": special.kolmogorov(test.statistic * scale),
    }


random = np.random.default_rng(3)
PAIRS = [
    (random.normal(size=40), random.normal(0.5, size=60)),
    (random.integers(0, 6, 50).astype(float), random.integers(0, 6, 35).astype(float)),
    (random.integers(0, 4, 100).astype(float), random.integers(2, 7, 80).astype(float)),
    (np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.5])),
    (random.normal(size=200), random.normal(size=200)),
]


def write(name, value):
    with open(name, "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


write("statistics.json", {name: measures(name) for name in NAMES})
write("colors.json", [colors(NAMES[:4], NAMES[4:8]), colors(NAMES[:3], NAMES[8:12])])
write("samples.json", [samples(*pair) for pair in PAIRS])
