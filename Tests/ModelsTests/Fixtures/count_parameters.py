"""Prints how many parameters Keras counts for the models of the zoo; run with keras 3.15.1.

200×60×3 images, 8 positions of 62 characters and the padding class.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras

layers = keras.layers
CLASSES = 63


def enhanced(squeeze_excitation):
    start = x = keras.Input((60, 200, 3))
    for block, filters in enumerate([32, 64, 128, 128, 256], 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
        if block != 4:
            x = layers.MaxPooling2D(2)(x)
        if squeeze_excitation:
            s = layers.GlobalAveragePooling2D(keepdims=True)(x)
            s = layers.Dense(filters // 16, activation="relu")(s)
            s = layers.Dense(filters, activation="sigmoid")(s)
            x = layers.Multiply()([x, s])
    x = layers.Flatten()(x)
    for units in [2048, 1024]:
        x = layers.Dense(units, activation="relu")(x)
        x = layers.BatchNormalization()(x)
    return keras.Model(start, layers.Dense(8 * CLASSES)(x))


def column_trunk():
    """The image and its columns after the convolutions and the first dense layer."""

    def convolution(x, filters, size=3, stride=1):
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    start = keras.Input((60, 200, 3))
    x = layers.MaxPooling2D(2, padding="same")(convolution(start, 32, 5, 2))
    x = convolution(convolution(x, 64), 64)
    x = layers.MaxPooling2D((2, 1), padding="same")(x)
    x = convolution(convolution(x, 96), 96)
    x = layers.MaxPooling2D((2, 1), padding="same")(x)
    x = convolution(convolution(x, 128), 128)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    return start, layers.ReLU()(layers.BatchNormalization(momentum=0.9)(layers.Dense(192)(x)))


def crnn():
    start, x = column_trunk()
    x = layers.Bidirectional(layers.LSTM(128, return_sequences=True))(x)
    return keras.Model(start, layers.Dense(CLASSES)(x))


def attention(head):
    start, x = column_trunk()
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, 48)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(192)(layers.Dense(384, activation="relu")(y))
        x = layers.Add()([x, y])
    x = layers.LayerNormalization()(x)
    if head == "positions":
        return keras.Model(start, layers.Dense(8 * CLASSES)(layers.Flatten()(x)))
    return keras.Model(start, layers.Dense(CLASSES)(x))


def show(name, model):
    trainable = sum(weight.numpy().size for weight in model.trainable_weights)
    print(f"{name}: {model.count_params():,} parameters, {trainable:,} trainable, output {model.output.shape}")


show("enhanced", enhanced(False))
show("enhanced_se", enhanced(True))
show("crnn", crnn())
show("attention", attention("columns"))
show("attention, positions", attention("positions"))
