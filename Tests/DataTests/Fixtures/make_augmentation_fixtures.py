"""Makes augmentations.json: what numpy, scipy and Pillow's formulas give for fixed random choices.

pip install numpy scipy; python make_augmentation_fixtures.py
"""
import json
import os

import numpy as np
from scipy import ndimage

random = np.random.default_rng(7)
height, width = 9, 14
color = random.random((height, width, 3)).astype(np.float32)
gray = random.random((height, width, 1)).astype(np.float32)


def affine(image, rotation, shear, shift_x, shift_y, scale):
    """scipy's affine_transform on coordinates (row, column); forward map: rotate after shear after scale."""
    angle, lean = np.radians(rotation), np.radians(shear)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    forward = rotate @ np.array([[1, -np.tan(lean)], [0, 1]]) * scale  # on (x, y), y down
    inverse = np.linalg.inv(forward)
    swapped = inverse[::-1, ::-1]  # on (y, x)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    offset = middle - swapped @ (middle + np.array([shift_y, shift_x]))
    planes = [
        ndimage.affine_transform(image[..., c].astype(np.float64), swapped, offset, order=1, mode="nearest")
        for c in range(image.shape[2])
    ]
    return np.stack(planes, -1)


def blur(image, sigma):
    planes = [
        ndimage.gaussian_filter(image[..., c].astype(np.float64), sigma, mode="nearest", truncate=4)
        for c in range(image.shape[2])
    ]
    return np.stack(planes, -1)


def contrast(image, factor):
    mean = image.astype(np.float64).mean(axis=(0, 1), keepdims=True)
    return (image - mean) * factor + mean


def jitter(image, saturation, hue):
    x = image.astype(np.float64)
    luma = (x @ np.array([0.299, 0.587, 0.114]))[..., None]
    x = luma + (x - luma) * saturation
    axis = np.ones(3) / np.sqrt(3)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = 2 * np.pi * hue
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)  # Rodrigues
    return x @ turn.T


cases = []
for name, image in (("color", color), ("gray", gray)):
    for arguments in ([7, 0, 0, 0, 1], [0, 11, 0, 0, 1], [0, 0, 1.25, -0.5, 1], [0, 0, 0, 0, 1.2], [-9, 6, -2, 1.5, 0.85]):
        cases.append({"kind": "affine", "image": name, "arguments": arguments, "result": affine(image, *arguments)})
    for sigma in (0.3, 0.8, 2.5):
        cases.append({"kind": "blur", "image": name, "arguments": [sigma], "result": blur(image, sigma)})
    for factor in (0.6, 1.35):
        cases.append({"kind": "contrast", "image": name, "arguments": [factor], "result": contrast(image, factor)})
for arguments in ([1.3, 0], [0.2, 0.1], [1, -0.35]):
    cases.append({"kind": "jitter", "image": "color", "arguments": arguments, "result": jitter(color, *arguments)})

for case in cases:
    case["result"] = [round(float(value), 6) for value in case["result"].ravel()]
fixture = {
    "height": height,
    "width": width,
    "images": {name: [float(v) for v in image.ravel()] for name, image in (("color", color), ("gray", gray))},
    "cases": cases,
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "augmentations.json"), "w") as file:
    json.dump(fixture, file, separators=(",", ":"))
