"""Makes the fixtures of the layer tests; run in this folder with keras 3.15.1, tensorflow-cpu 2.21.0 and numpy 2.

layers.json   Per case: a layer, its weights, an input, and what Keras computes: the output for the given mode, the
              gradients of sum(output * upstream) by the input and by each trainable weight, and the weights that the
              call changed (batch normalisation's averages; `calls` inputs in a row).
losses.json   Logits, labels, the loss and its gradient by the logits.
sequences.json  As layers.json, for layers over sequences.
metrics.json  Batches of probabilities and labels, and the metrics after each batch.
Numbers are float32 in their shortest form that reads back as the same float.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf

random = np.random.default_rng(20240607)


def numbers(array):
    return [float(str(value)) for value in np.asarray(array, np.float32).ravel()]


def tensor(array):
    array = np.asarray(array, np.float32)
    return {"shape": list(array.shape), "values": numbers(array)}


def normal(*shape, scale=1.0):
    """Three decimals are enough for an input and keep the file small."""
    return np.round(random.normal(size=shape) * scale, 3).astype(np.float32)


def set_weights(model):
    """Draws all weights; gamma and the variance stay positive. A bias of 0 would hide a bias that is forgotten."""
    for variable in model.variables:
        if "seed_generator" in variable.path:
            continue
        value = normal(*variable.shape, scale=0.5)
        if variable.name in ("gamma", "moving_variance"):
            value = np.abs(value) + np.float32(0.5)
        variable.assign(value)


def case(name, layer, inputs, options, training=True, train_layer=True):
    """`inputs` is one array or, for several calls in a row, a list; output and gradients are those of the last."""
    inputs = inputs if isinstance(inputs, list) else [inputs]
    model = keras.Sequential([keras.Input(inputs[0].shape[1:]), *layer]) if isinstance(layer, list) else layer
    if not isinstance(layer, list):
        model.build((None, *inputs[0].shape[1:]))
    set_weights(model)
    if not train_layer:
        model.trainable = False
    # What layers keep for their dropout is no weight.
    kept = [v for v in model.variables if "seed_generator" not in v.path]
    names = {id(v): path(v, model) for v in kept}
    weights = {names[id(v)]: tensor(v) for v in kept}
    for x in inputs[:-1]:
        model(x, training=training)
    x = tf.constant(inputs[-1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = model(x, training=training)
        upstream = normal(*y.shape)
        total = tf.reduce_sum(y * upstream)
    variables = model.trainable_variables
    gradients = tape.gradient(total, [x, *[v.value for v in variables]])
    changed = {}
    for variable in kept:
        if numbers(variable) != weights[names[id(variable)]]["values"]:
            changed[names[id(variable)]] = tensor(variable)
    return {
        "name": name,
        "layer": options,
        "training": training,
        "frozen": not train_layer,
        "weights": weights,
        "inputs": [tensor(value) for value in inputs],
        "upstream": tensor(upstream),
        "output": tensor(y),
        "inputGradient": tensor(gradients[0]),
        "gradients": {names[id(v)]: tensor(g) for v, g in zip(variables, gradients[1:])},
        "changed": changed,
    }


def path(variable, model):
    """`kernel` for a single layer, `LAYER/kernel` inside a model, `forward/kernel` or `backward/kernel` for two."""
    if isinstance(model, keras.layers.Bidirectional):
        return ("forward/" if "/forward_" in variable.path else "backward/") + variable.name
    return variable.name if not isinstance(model, keras.Model) else "/".join(variable.path.split("/")[-2:])


def convolution(name, shape, filters, size, stride=1, padding="same", bias=True, activation="linear"):
    layer = keras.layers.Conv2D(
        filters, size, strides=stride, padding=padding, use_bias=bias, activation=activation
    )
    options = {
        "type": "conv",
        "units": [shape[-1], filters],
        "size": size,
        "stride": stride,
        "padding": padding,
        "bias": bias,
        "activation": activation,
    }
    return case(name, layer, normal(*shape), options)


def dense(name, shape, units, activation):
    layer = keras.layers.Dense(units, activation=activation)
    return case(name, layer, normal(*shape), {"type": "dense", "units": [shape[-1], units], "activation": activation})


def pool(name, x, size, stride, padding):
    layer = keras.layers.MaxPooling2D(size, strides=stride, padding=padding)
    return case(name, layer, x, {"type": "pool", "size": size, "stride": stride, "padding": padding})


def norm(name, inputs, training=True, train_layer=True, **arguments):
    first = inputs[0] if isinstance(inputs, list) else inputs
    options = {"type": "norm", "units": [first.shape[-1]], **arguments}
    return case(
        name, keras.layers.BatchNormalization(**arguments), inputs, options, training=training, train_layer=train_layer
    )


def simple(name, layer, kind, x):
    return case(name, layer, x, {"type": kind})


def residual(name, x, filters, stride=1):
    """conv-BN-ReLU-conv-BN plus the input or its 1×1 convolution and BN, then ReLU."""
    layers = keras.layers
    start = keras.Input(x.shape[1:])
    y = layers.Conv2D(filters, 3, padding="same", name="conv1")(start)
    y = layers.BatchNormalization(name="bn1")(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(filters, 3, padding="same", name="conv2")(y)
    y = layers.BatchNormalization(name="bn2")(y)
    short = start
    if filters != x.shape[-1]:
        short = layers.Conv2D(filters, 1, padding="same", name="shortcut")(start)
        short = layers.BatchNormalization(name="bn_shortcut")(short)
    model = keras.Model(start, layers.ReLU()(layers.Add()([y, short])))
    return case(name, model, x, {"type": "residual", "units": [x.shape[-1], filters]})


def sequence(name, x):
    layers = keras.layers
    stack = [
        layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1"),
        layers.BatchNormalization(name="bn1"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(5, name="output"),
    ]
    return case(name, stack, x, {"type": "sequence"})


def layer_cases():
    quarters = (random.integers(0, 3, size=(2, 5, 7, 2)) / 4).astype(np.float32)
    three = [normal(6, 3), normal(4, 3, scale=3.0), normal(5, 3)]
    return [
        convolution("conv 3×3 same, ReLU", (2, 5, 7, 3), 4, 3, activation="relu"),
        convolution("conv 3×3 valid", (2, 5, 7, 3), 4, 3, padding="valid"),
        convolution("conv 3×3 valid stride 2", (2, 6, 7, 2), 3, 3, stride=2, padding="valid"),
        convolution("conv 3×3 same stride 2, even size: padding at the bottom and right", (2, 6, 8, 2), 3, 3, stride=2),
        convolution("conv 3×3 same stride 2, odd size", (1, 5, 7, 2), 3, 3, stride=2, activation="relu"),
        convolution("conv 7×7 same stride 2", (1, 9, 12, 3), 2, 7, stride=2),
        convolution("conv 5×5 same stride 2 without bias", (1, 8, 9, 3), 5, 5, stride=2, bias=False),
        convolution("conv 1×1", (2, 3, 4, 3), 5, 1),
        convolution("conv 2×2 same: even kernel", (1, 4, 5, 2), 3, 2),
        convolution("conv 3×3 same, 33 filters, ReLU", (1, 4, 5, 5), 33, 3, activation="relu"),
        convolution("conv 3×3 same, grayscale, sigmoid", (2, 4, 5, 1), 3, 3, activation="sigmoid"),
        dense("dense", (4, 7), 5, "linear"),
        dense("dense, ReLU", (4, 7), 5, "relu"),
        dense("dense, sigmoid", (1, 9), 33, "sigmoid"),
        norm("norm of images, training", normal(2, 3, 4, 5)),
        norm("norm of vectors, training", normal(7, 3)),
        norm("norm of one vector, training", normal(1, 3)),
        norm("norm, three calls move the averages", three),
        norm("norm of a constant channel", np.concatenate([normal(6, 2), np.full((6, 1), 0.25, np.float32)], axis=1)),
        norm("norm far from zero", normal(8, 3) + np.float32(100)),
        norm("norm of images, inference", normal(2, 3, 4, 5), training=False),
        norm("norm of vectors, inference", normal(7, 3), training=False),
        norm("norm, frozen in training", normal(2, 3, 4, 3), train_layer=False),
        norm("norm, other momentum and epsilon", normal(2, 3, 4, 3), momentum=0.9, epsilon=1e-5),
        pool("pool 2, odd size", normal(2, 5, 7, 3), 2, 2, "valid"),
        pool("pool 2 same, odd size", normal(2, 5, 7, 3), 2, 2, "same"),
        pool("pool 3 stride 2 same", normal(2, 6, 9, 3), 3, 2, "same"),
        pool("pool 3 stride 2 valid: windows overlap", normal(2, 7, 8, 3), 3, 2, "valid"),
        pool("pool 3 stride 2 same of negative values", -1 - np.abs(normal(1, 5, 6, 2)), 3, 2, "same"),
        pool("pool 2 with equal values", quarters, 2, 2, "valid"),
        pool("pool 3 stride 2 same with equal values", quarters, 3, 2, "same"),
        simple("global average pool", keras.layers.GlobalAveragePooling2D(), "average", normal(3, 4, 5, 6)),
        simple("flatten", keras.layers.Flatten(), "flatten", normal(2, 2, 3, 2)),
        simple("ReLU", keras.layers.ReLU(), "relu", normal(3, 7)),
        simple("sigmoid", keras.layers.Activation("sigmoid"), "sigmoid", normal(3, 7, scale=4.0)),
        residual("residual, shortcut is the input", normal(2, 4, 5, 3), 3),
        residual("residual, shortcut changes the width", normal(2, 4, 5, 3), 5),
        sequence("conv, norm, pool, flatten, dense", normal(3, 4, 6, 2)),
    ]


class ReversedLSTM(keras.layers.LSTM):
    """Reads from the last step to the first and leaves results at the steps that they belong to."""

    def __init__(self, units):
        super().__init__(units, return_sequences=True, go_backwards=True)

    def call(self, sequences, *arguments, **options):
        return keras.ops.flip(super().call(sequences, *arguments, **options), axis=1)


def lstm(name, shape, units):
    layer = keras.layers.LSTM(units, return_sequences=True)
    return case(name, layer, normal(*shape), {"type": "lstm", "units": [shape[-1], units]})


def reversed_lstm(name, shape, units):
    return case(name, ReversedLSTM(units), normal(*shape), {"type": "reversed lstm", "units": [shape[-1], units]})


def bidirectional(name, shape, units):
    layer = keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True))
    return case(name, layer, normal(*shape), {"type": "bidirectional", "units": [shape[-1], units]})


def convolution_1d(name, shape, filters, size, stride=1, padding="same", bias=True, activation="linear"):
    layer = keras.layers.Conv1D(
        filters, size, strides=stride, padding=padding, use_bias=bias, activation=activation
    )
    options = {
        "type": "conv1d",
        "units": [shape[-1], filters],
        "size": size,
        "stride": stride,
        "padding": padding,
        "bias": bias,
        "activation": activation,
    }
    return case(name, layer, normal(*shape), options)


def sequence_cases():
    return [
        lstm("LSTM", (3, 7, 5), 4),
        lstm("LSTM of one step", (2, 1, 3), 5),
        lstm("LSTM of one sequence, odd sizes", (1, 9, 7), 19),
        lstm("LSTM of many sequences", (18, 3, 2), 3),
        reversed_lstm("LSTM, reversed", (3, 7, 5), 4),
        reversed_lstm("LSTM, reversed, one sequence", (1, 6, 4), 17),
        bidirectional("LSTM in both directions", (3, 6, 5), 4),
        bidirectional("LSTM in both directions, one sequence", (1, 8, 3), 9),
        convolution_1d("conv1d 3 same, ReLU", (2, 9, 3), 4, 3, activation="relu"),
        convolution_1d("conv1d 3 valid", (2, 9, 3), 4, 3, padding="valid"),
        convolution_1d("conv1d 5 same stride 2 without bias", (2, 10, 3), 5, 5, stride=2, bias=False),
        convolution_1d("conv1d 4 same: even kernel, sigmoid", (1, 7, 2), 33, 4, activation="sigmoid"),
        convolution_1d("conv1d 1", (2, 5, 3), 6, 1),
        dense("dense of sequences", (3, 4, 5), 6, "linear"),
        dense("dense of images, ReLU", (2, 3, 4, 5), 6, "relu"),
    ]


def loss_case(name, options, loss, logits, labels, per_position):
    n, positions, classes = logits.shape
    targets = np.eye(classes, dtype=np.float32)[labels]
    z = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(z)
        shape = (n, positions, classes) if per_position else (n, positions * classes)
        value = loss(tf.reshape(targets, shape), tf.reshape(z, shape))
    return {
        "name": name,
        "loss": options,
        "logits": tensor(logits.reshape(n, positions * classes)),
        "labels": labels.tolist(),
        "value": numbers(value)[0],
        "gradient": tensor(np.reshape(tape.gradient(value, z), (n, positions * classes))),
    }


def loss_cases():
    losses = keras.losses
    logits, labels = normal(3, 4, 5, scale=2.0), random.integers(0, 5, size=(3, 4))
    extreme = np.array([[[50, -50, 0], [-50, 100, 3]]], np.float32)
    result = [
        loss_case("bce", {"name": "bce"}, losses.BinaryCrossentropy(from_logits=True), logits, labels, False),
        loss_case(
            "bce of large logits", {"name": "bce"}, losses.BinaryCrossentropy(from_logits=True), extreme,
            np.array([[1, 0]]), False,
        ),
    ]
    for arguments in [
        {},
        {"gamma": 0.0},
        {"gamma": 1.0},
        {"gamma": 3.5},
        {"alpha": 0.25, "apply_class_balancing": True},
        {"alpha": 0.8, "gamma": 1.5, "apply_class_balancing": True},
    ]:
        options = {"name": "focal", **{k: v for k, v in arguments.items() if k != "apply_class_balancing"}}
        loss = losses.BinaryFocalCrossentropy(from_logits=True, **arguments)
        result.append(loss_case(f"focal {arguments}", options, loss, logits, labels, False))
    for smoothing in [0.0, 0.1, 0.5]:
        loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        options = {"name": "softmax", "labelSmoothing": smoothing}
        result.append(loss_case(f"softmax, smoothing {smoothing}", options, loss, logits, labels, True))
    loss = losses.CategoricalCrossentropy(from_logits=True)
    result.append(loss_case("softmax of large logits", {"name": "softmax"}, loss, extreme, np.array([[1, 1]]), True))
    return result


def metric_batches():
    metrics = {
        "binary_accuracy": keras.metrics.BinaryAccuracy(),
        "precision": keras.metrics.Precision(),
        "recall": keras.metrics.Recall(),
    }
    batches = []
    for index, count in enumerate([2, 7, 1, 4]):
        labels = random.integers(0, 4, size=(count, 3))
        targets = np.eye(4, dtype=np.float32)[labels]
        # Multiples of 1/8 pushed towards the target: exactly 0.5 is common, and must count as no.
        values = np.clip(np.round((random.random(targets.shape) * 0.75 + targets * 0.25) * 8) / 8, 0, 1)
        if index == 0:
            values = np.minimum(values, 0.5)  # nothing is positive: precision is 0/0
        values = values.astype(np.float32)
        for metric in metrics.values():
            metric.update_state(targets.reshape(count, -1), values.reshape(count, -1))
        batches.append(
            {
                "probabilities": tensor(values),
                "labels": labels.tolist(),
                "expected": {name: float(metric.result()) for name, metric in metrics.items()},
            }
        )
    return batches


def write(name, value):
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    with open(name, "w", encoding="utf-8") as file:
        json.dump({"versions": versions, "cases": value}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


write("layers.json", layer_cases())
write("losses.json", loss_cases())
write("metrics.json", metric_batches())
write("sequences.json", sequence_cases())
