"""Makes attention_layers.json; run in this folder with keras 3.15.1, tensorflow-cpu 2.21.0 and numpy 2.

Per case: a layer, its weights, an input, and what Keras computes: the output, and the gradients of
sum(output * upstream) by the input and by each weight. The kernels of MultiHeadAttention, which Keras keeps as
[C, heads, keyDimension] and [heads, keyDimension, C], are matrices here. Squeeze-and-excitation and the encoder, which
Keras has no layers of, are composed of Keras's layers; the sine pattern is numpy's.
Numbers are float32 in their shortest form that reads back as the same float.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf

layers = keras.layers
random = np.random.default_rng(20241124)


def numbers(array):
    return [float(str(value)) for value in np.asarray(array, np.float32).ravel()]


def tensor(array):
    array = np.asarray(array, np.float32)
    return {"shape": list(array.shape), "values": numbers(array)}


def normal(*shape, scale=1.0):
    """Three decimals are enough for an input and keep the file small."""
    return np.round(random.normal(size=shape) * scale, 3).astype(np.float32)


def matrix(variable, value):
    """A weight as our layers keep it: heads and key dimension are one axis."""
    shape = variable.shape
    if "attention_output/kernel" in variable.path:
        return np.reshape(value, (shape[0] * shape[1], shape[2]))
    if variable.path.split("/")[-2] in ("query", "key", "value"):
        return np.reshape(value, (*shape[:-2], shape[-2] * shape[-1]))
    return value


def case(name, x, options, build):
    """`build` makes the result from the input; a single layer is called "layer", which is left out of the paths."""
    start = keras.Input(x.shape[1:])
    model = keras.Model(start, build(start))
    for variable in model.variables:
        value = normal(*variable.shape, scale=0.5)
        variable.assign(np.abs(value) + np.float32(0.5) if variable.name == "gamma" else value)
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x, training=True)
        upstream = normal(*y.shape)
        total = tf.reduce_sum(y * upstream)
    variables = model.trainable_variables
    gradients = tape.gradient(total, [x, *[v.value for v in variables]])
    paths = [v.path.removeprefix("layer/") for v in variables]
    return {
        "name": name,
        "layer": options,
        "weights": {path: tensor(matrix(v, v.numpy())) for path, v in zip(paths, variables)},
        "input": tensor(x),
        "upstream": tensor(upstream),
        "output": tensor(y),
        "inputGradient": tensor(gradients[0]),
        "gradients": {path: tensor(matrix(v, g)) for path, v, g in zip(paths, variables, gradients[1:])},
    }


def normalization(name, x, **arguments):
    options = {"type": "normalization", "channels": x.shape[-1], **arguments}
    return case(name, x, options, lambda y: layers.LayerNormalization(name="layer", **arguments)(y))


def attention(name, shape, heads, key_dimension=None, scale=1.0):
    def build(x):
        layer = layers.MultiHeadAttention(heads, key_dimension or shape[-1] // heads, name="layer")
        return layer(x, x)

    options = {"type": "attention", "channels": shape[-1], "heads": heads}
    if key_dimension:
        options["keyDimension"] = key_dimension
    return case(name, normal(*shape, scale=scale), options, build)


def squeeze_excitation(name, shape, reduction):
    def build(x):
        s = layers.GlobalAveragePooling2D()(x)
        s = layers.Dense(max(1, shape[-1] // reduction), activation="relu", name="squeeze")(s)
        s = layers.Dense(shape[-1], activation="sigmoid", name="excitation")(s)
        return layers.Multiply()([x, layers.Reshape((1, 1, shape[-1]))(s)])

    options = {"type": "squeezeExcitation", "channels": shape[-1], "reduction": reduction}
    return case(name, normal(*shape), options, build)


def encoder(name, shape, heads, units):
    def build(x):
        y = layers.LayerNormalization(name="self_attention_norm")(x)
        y = layers.MultiHeadAttention(heads, shape[-1] // heads, name="self_attention")(y, y)
        x = layers.Add()([x, y])
        y = layers.LayerNormalization(name="feedforward_norm")(x)
        y = layers.Dense(units, activation="relu", name="feedforward_intermediate")(y)
        y = layers.Dense(shape[-1], name="feedforward_output")(y)
        return layers.Add()([x, y])

    options = {"type": "encoder", "channels": shape[-1], "heads": heads, "units": units}
    return case(name, normal(*shape), options, build)


def sine_positions(name, shape, wavelength):
    channels = shape[-1]
    angles = np.arange(shape[1])[:, None] / wavelength ** (2 * (np.arange(channels) // 2) / channels)
    pattern = np.where(np.arange(channels) % 2 == 0, np.sin(angles), np.cos(angles)).astype(np.float32)
    options = {"type": "sinePositions", "channels": channels, "wavelength": wavelength}
    return case(name, normal(*shape), options, lambda x: x + pattern)


cases = [
    normalization("normalisation of vectors", normal(5, 7)),
    normalization("normalisation of sequences", normal(2, 3, 20)),
    normalization("normalisation of images far from zero", normal(1, 2, 3, 9) + np.float32(50), epsilon=1e-5),
    normalization("normalisation of a constant row", np.full((2, 4), 0.25, np.float32)),
    normalization("normalisation of one channel", normal(3, 1)),
    attention("attention, 1 head", (2, 5, 6), 1),
    attention("attention, 3 heads", (2, 7, 6), 3),
    attention("attention, heads narrower than their share", (1, 4, 9), 2, 3),
    attention("attention, heads wider than their share", (1, 19, 4), 2, 5),
    attention("attention of one position", (3, 1, 4), 2),
    attention("attention that is sure", (1, 6, 4), 2, scale=8.0),
    squeeze_excitation("squeeze and excitation", (2, 3, 5, 8), 4),
    squeeze_excitation("squeeze and excitation, the usual reduction", (2, 2, 3, 33), 16),
    squeeze_excitation("squeeze and excitation, fewer channels than the reduction", (1, 4, 1, 3), 16),
    encoder("encoder", (2, 5, 8), 2, 12),
    encoder("encoder, 4 heads", (1, 17, 8), 4, 5),
    sine_positions("sine positions", (2, 9, 6), 10_000),
    sine_positions("sine positions, odd channels and short waves", (1, 4, 5), 100),
]

with open("attention_layers.json", "w") as file:
    file.write('{"cases":[\n' + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n")
