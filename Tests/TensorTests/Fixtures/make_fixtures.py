"""Makes the golden values of TensorTests with Keras on TensorFlow, and a file by the `safetensors` package.

Run in this folder: pip install keras tensorflow-cpu numpy safetensors && python make_fixtures.py
Made with Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, safetensors 0.8.0. Every array is {"shape", "values"}.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

generator = np.random.default_rng(7)


def grid(*shape, spread=2.0):
    """Random numbers that a short decimal fraction gives exactly."""
    return (np.round(generator.uniform(-spread, spread, shape) * 64) / 64).astype(np.float32)


def array(values):
    values = np.asarray(values)
    return {"shape": list(values.shape), "values": [float(f"{v:.9g}") for v in values.ravel().tolist()]}


def differentiated(function, *inputs):
    """The result, a random upstream gradient, and the gradients of sum(result * upstream) for every input."""
    variables = [tf.Variable(x) for x in inputs]
    with tf.GradientTape() as tape:
        y = function(*variables)
        dy = grid(*y.shape)
        total = tf.reduce_sum(y * dy)
    gradients = tape.gradient(total, variables)
    return array(y.numpy()), array(dy), [array(tf.convert_to_tensor(g).numpy()) for g in gradients]


def convolutions():
    cases = []
    for height, width, inputs, outputs, kernel, stride, padding, relu in [
        (5, 6, 3, 5, 3, 2, "same", False),
        (6, 5, 3, 5, 3, 2, "same", True),
        (7, 4, 1, 3, 5, 2, "same", False),
        (8, 7, 2, 4, 5, 3, "same", True),
        (5, 7, 2, 3, 3, 1, "same", True),
        (6, 7, 2, 3, 3, 2, "valid", False),
        (4, 5, 2, 3, 1, 2, "same", False),
        (2, 2, 2, 2, 7, 1, "same", False),
    ]:
        x, w, b = grid(2, height, width, inputs), grid(kernel, kernel, inputs, outputs, spread=1), grid(outputs)

        def function(x, w, b):
            y = keras.ops.conv(x, w, strides=stride, padding=padding) + b
            return keras.ops.relu(y) if relu else y

        y, dy, (dx, dw, db) = differentiated(function, x, w, b)
        cases.append(
            dict(x=array(x), kernel=array(w), bias=array(b), stride=stride, padding=padding, relu=relu, y=y, dy=dy,
                 dx=dx, dkernel=dw, dbias=db))
    return cases


def poolings():
    cases = []
    for height, width, window, stride, padding in [
        (7, 8, 3, 2, "same"), (8, 7, 3, 2, "same"), (7, 5, 2, 2, "same"), (7, 5, 2, 2, "valid"), (6, 7, 3, 1, "same"),
        (7, 7, 3, 3, "valid"), (5, 5, 2, 3, "same"),
    ]:
        # A permutation: no two equal values, whose gradient frameworks give to different places.
        x = generator.permutation(2 * height * width * 3).reshape(2, height, width, 3).astype(np.float32) / 8 - 20
        y, dy, (dx,) = differentiated(
            lambda x: keras.ops.max_pool(x, window, strides=stride, padding=padding), x)
        cases.append(dict(x=array(x), window=window, stride=stride, padding=padding, y=y, dy=dy, dx=dx))
    return cases


def normalizations():
    cases = []
    for shape, training in [((3, 4, 5, 3), True), ((7, 5), True), ((2, 3, 2, 4), False)]:
        channels = shape[-1]
        x = grid(*shape) + np.arange(channels, dtype=np.float32) * 4
        gamma, beta = grid(channels), grid(channels)
        layer = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.0)
        layer.build(shape)
        mean, variance = grid(channels), np.abs(grid(channels)) + 0.25
        layer.set_weights([gamma, beta, mean, variance])

        def function(x, gamma, beta):
            if training:
                mean, variance = tf.nn.moments(x, axes=list(range(x.shape.rank - 1)))
            else:
                mean, variance = layer.moving_mean.value, layer.moving_variance.value
            return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)

        y, dy, (dx, dgamma, dbeta) = differentiated(function, x, gamma, beta)
        # The layer itself gives the value, and with momentum 0 the batch's statistics as its moving ones.
        value = layer(x, training=training).numpy()
        assert np.allclose(value.ravel(), y["values"], atol=1e-4)
        cases.append(
            dict(x=array(x), gamma=array(gamma), beta=array(beta), training=training, y=array(value), dy=dy, dx=dx,
                 dgamma=dgamma, dbeta=dbeta, mean=array(layer.moving_mean.numpy()),
                 variance=array(layer.moving_variance.numpy())))
    return cases


def loss_case(logits, function, **fields):
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = function(variable)
    gradient = tape.gradient(loss, variable)
    return dict(logits=array(logits), loss=float(loss), gradient=array(gradient.numpy()), **fields)


def losses():
    logits = np.concatenate([grid(3, 6, spread=6), np.array([[50, -50, 30, -30, 0, 12]], np.float32)])
    targets = np.array([[1, 0, 1, 0, 1, 0], [0, 0, 1, 1, 0, 1], [0.25, 0.5, 1, 0, 0.75, 1], [0, 1, 0, 1, 0, 1]],
                       np.float32)
    binary = [
        loss_case(logits, lambda z: tf.reduce_mean(keras.ops.binary_crossentropy(targets, z, from_logits=True)),
                  targets=array(targets)),
        loss_case(np.array([[50]], np.float32),
                  lambda z: tf.reduce_mean(keras.ops.binary_crossentropy(np.zeros((1, 1), np.float32), z, from_logits=True)),
                  targets=array([[0]])),
    ]
    # Keras clips the probability, so its focal loss is compared where nothing is clipped.
    moderate, labels = grid(4, 5, spread=5), generator.integers(0, 2, (4, 5)).astype(np.float32)
    focal = [
        loss_case(moderate, keras_focal(labels, gamma, alpha), targets=array(labels), gamma=gamma, alpha=alpha)
        for gamma, alpha in [(2.0, None), (2.0, 0.25), (0.5, None), (3.0, 0.75), (0.0, None)]
    ]
    z, classes = grid(4, 3, 7, spread=8), generator.integers(0, 7, (4, 3))
    softmax = []
    for smoothing in [0.0, 0.1]:
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        softmax.append(
            loss_case(z, lambda z: loss(np.eye(7, dtype=np.float32)[classes], z), smoothing=smoothing,
                      targets=classes.ravel().tolist()))
    return dict(binary=binary, focal=focal, softmax=softmax)


def keras_focal(labels, gamma, alpha):
    loss = keras.losses.BinaryFocalCrossentropy(
        apply_class_balancing=alpha is not None, alpha=alpha or 0.25, gamma=gamma, from_logits=True)
    return lambda z: loss(labels, z)


def activations():
    x = np.array([-100, -30, -8, -1.5, -0.25, 0, 0.25, 1.5, 8, 30, 100], np.float32)
    y, dy, (dx,) = differentiated(keras.ops.sigmoid, x)
    z = grid(3, 5, spread=9)
    return dict(sigmoid=dict(x=array(x), y=y, dy=dy, dx=dx),
                softmax=dict(x=array(z), y=array(keras.ops.softmax(z, axis=-1).numpy())))


with open("keras.json", "w") as file:
    json.dump(
        dict(convolutions=convolutions(), poolings=poolings(), normalizations=normalizations(), losses=losses(),
             activations=activations()), file, separators=(",", ":"))
    file.write("\n")

save_file(
    {
        "block.0.kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 4 - 3,
        "special": np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4028235e38], np.float32),
        "scalar": np.array(2.5, np.float32),
        "empty": np.zeros((3, 0, 2), np.float32),
        "pixels": np.arange(256, dtype=np.uint8),
        "classes": np.array([[-(2**31), -1], [0, 2**31 - 1]], np.int32),
        "名前 \"quoted\"": np.array([7], np.uint8),
    },
    "python.safetensors",
    metadata={"format": "pt", "charset": "0-9 Ä 漢 \\ \" /"},
)

# What Tensor's Safetensors wrote, read by the package itself.
with safe_open("written.safetensors", "numpy") as file:
    assert file.metadata() == {"format": "captcha", "charset": '0-9 Ä 漢 " \\ / \n'}
written = load_file("written.safetensors")
for name, expected in {
    "dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3) / 2,
    "scalar": np.array(-1.5, np.float32),
    "empty": np.zeros((0, 4), np.float32),
    "pixels": np.array([0, 127, 255], np.uint8),
    "classes": np.array([[-(2**31), 0, 2**31 - 1]], np.int32),
}.items():
    actual = written.pop(name)
    assert actual.dtype == expected.dtype and actual.shape == expected.shape and (actual == expected).all(), name
assert not written
