"""Makes float64/NAME.safetensors from trajectories/NAME; run in this folder with keras 3.15.1, tensorflow-cpu 2.21.0,
numpy 2 and safetensors.

The first three steps as Keras computes them in float64, stored as float32: gradients of the first (`grad0`), losses,
largest norms, clipped variables, and the running averages in the end (`final`). The trajectories' own numbers are Keras's
in float32, where TensorFlow adds up the statistics of a batch normalisation with fewer than eight channels one pixel after
the other: the variance of `bn1` in enhanced-mini is off by 0.0009 of itself, and a few ReLUs and poolings then choose
otherwise. After the first update the largest norm is 0.039 there and 0.059 in float64.
"""

import glob
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file, save_file

layers = keras.layers
keras.config.set_floatx("float64")
STEPS = 3


def enhanced(model, x):
    for block, filters in enumerate(model["filters"], 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{block}")(x)
        x = layers.BatchNormalization(name=f"bn{block}")(x)
        if block != 4:
            x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for index, units in enumerate(model["fc"], 1):
        x = layers.Dense(units, activation="relu", name=f"fc{index}")(x)
        x = layers.BatchNormalization(name=f"bn_fc{index}")(x)
    return x


def residual(x, filters, name):
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv1")(x)
    y = layers.ReLU()(layers.BatchNormalization(name=f"{name}_bn1")(y))
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(y)
    y = layers.BatchNormalization(name=f"{name}_bn2")(y)
    if x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, padding="same", name=f"{name}_shortcut")(x)
        x = layers.BatchNormalization(name=f"{name}_bn_shortcut")(x)
    return layers.ReLU()(layers.Add()([x, y]))


def resnet(model, x):
    x = layers.Conv2D(model["stem"], 7, strides=2, padding="same", name="conv_init")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="bn_init")(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, filters in enumerate(model["stages"]):
        if stage > 0:
            x = layers.MaxPooling2D(2)(x)
        x = residual(x, filters, f"res{2 * stage + 1}")
        x = residual(x, filters, f"res{2 * stage + 2}")
    x = layers.GlobalAveragePooling2D()(x)
    for index, units in enumerate(model["fc"], 1):
        x = layers.Dense(units, activation="relu", name=f"fc{index}")(x)
    return x


def name(variable):
    return "/".join(variable.path.split("/")[-2:])


def one_hot(golden, indices):
    charset, length = golden["charset"], golden["max_length"]
    result = np.zeros((len(indices), length, len(charset)))
    for row, index in enumerate(indices):
        for position, character in enumerate(golden["labels"][index].ljust(length)):
            result[row, position, charset.index(character)] = 1
    return result.reshape(len(indices), -1)


def step(model, golden, tensors, indices):
    """The loss and the gradients, by variable."""
    with tf.GradientTape() as tape:
        logits = model(tf.constant(tensors["images"][indices] / 255.0), training=True)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)(one_hot(golden, indices), logits)
    variables = model.trainable_variables
    return float(loss), tape.gradient(loss, [v.value for v in variables])


os.makedirs("float64", exist_ok=True)
for path in sorted(glob.glob("trajectories/*.json")):
    with open(path, encoding="utf-8") as file:
        golden = json.load(file)
    tensors = load_file(path.replace(".json", ".safetensors"))
    start = keras.Input(tensors["images"].shape[1:])
    body = {"enhanced": enhanced, "resnet": resnet}[golden["model"]["kind"]](golden["model"], start)
    outputs = golden["max_length"] * len(golden["charset"])
    model = keras.Model(start, layers.Dense(outputs, name="output")(body))
    for variable in model.variables:
        variable.assign(tensors["init/" + name(variable)])
    options = golden["optimizer"]
    assert options["name"] == "adam"
    optimizer = keras.optimizers.Adam(
        beta_1=options["beta1"],
        beta_2=options["beta2"],
        epsilon=options["epsilon"],
        amsgrad=options["amsgrad"],
        clipnorm=options["clipnorm"],
    )
    result = {}
    losses, norms, clipped = [], [], []
    for index, item in enumerate(golden["steps"][:STEPS]):
        loss, gradients = step(model, golden, tensors, item["indices"])
        assert gradients[0].dtype == tf.float64
        if index == 0:
            for variable, gradient in zip(model.trainable_variables, gradients):
                result["grad0/" + name(variable)] = gradient.numpy()
        lengths = [float(tf.norm(gradient)) for gradient in gradients]
        losses.append(loss)
        norms.append(max(lengths))
        clipped.append(sum(length > options["clipnorm"] for length in lengths))
        optimizer.learning_rate = item["lr"]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    for variable in model.non_trainable_variables:
        result["final/" + name(variable)] = variable.numpy()
    result.update(loss=np.array(losses), max_grad_norm=np.array(norms), clipped_variables=np.array(clipped))
    save_file(
        {key: value.astype(np.float32) for key, value in result.items()},
        f"float64/{golden['name']}.safetensors",
        metadata={"keras": keras.__version__, "tensorflow": tf.__version__},
    )
    os.chmod(f"float64/{golden['name']}.safetensors", 0o644)
    print(golden["name"], losses, norms, clipped)
