"""Keras on TensorFlow for processors."""

import os

import protocol

chosen = protocol.options(__doc__, variants=("train_on_batch", "jit", "two_pools"))
os.environ["KERAS_BACKEND"] = "tensorflow"
results = protocol.Results()

import keras  # noqa: E402 - frameworks read their limits when they load
import tensorflow  # noqa: E402

import models  # noqa: E402

layers = keras.layers


def normalization():
    return layers.BatchNormalization(momentum=models.NORMALIZATION_MOMENTUM, epsilon=models.NORMALIZATION_EPSILON)


def enhanced():
    x = inputs = keras.Input((models.IMAGE_HEIGHT, models.IMAGE_WIDTH, models.IMAGE_CHANNELS))
    for block, filters in enumerate(models.ENHANCED_FILTERS, 1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = normalization()(x)
        if block != models.ENHANCED_BLOCK_WITHOUT_POOL:
            x = layers.MaxPooling2D(2)(x)
        if block >= models.ENHANCED_FIRST_BLOCK_WITH_DROPOUT:
            x = layers.Dropout(models.ENHANCED_CONVOLUTION_DROPOUT)(x)
    x = layers.Flatten()(x)
    for units in models.ENHANCED_DENSE:
        x = layers.Dense(units, activation="relu")(x)
        x = normalization()(x)
        x = layers.Dropout(models.DENSE_DROPOUT)(x)
    return keras.Model(inputs, output(x))


def residual(x, filters):
    shortcut = x
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = layers.ReLU()(normalization()(x))
    x = layers.Conv2D(filters, 3, padding="same")(x)
    x = normalization()(x)
    if shortcut.shape[-1] != filters:
        shortcut = normalization()(layers.Conv2D(filters, 1, padding="same")(shortcut))
    return layers.ReLU()(layers.Add()([x, shortcut]))


def resnet():
    x = inputs = keras.Input((models.IMAGE_HEIGHT, models.IMAGE_WIDTH, models.IMAGE_CHANNELS))
    x = layers.Conv2D(models.RESNET_STEM, 7, strides=2, padding="same")(x)
    x = layers.ReLU()(normalization()(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, filters in enumerate(models.RESNET_STAGES):
        if stage > 0:
            x = layers.MaxPooling2D(2)(x)
        for _ in range(models.RESNET_BLOCKS_PER_STAGE):
            x = residual(x, filters)
    x = layers.GlobalAveragePooling2D()(x)
    for units in models.RESNET_DENSE:
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(models.DENSE_DROPOUT)(x)
    return keras.Model(inputs, output(x))


def output(x):
    # The last activation in float32, as Keras advises for mixed precision.
    return layers.Activation("sigmoid", dtype="float32")(layers.Dense(models.OUTPUTS)(x))


def training_step(model):
    """A compiled function with a gradient tape.

    On a processor of the kind with AVX-512 it was as fast as train_on_batch within the noise, and three times as fast as
    with XLA, so XLA stays off; `--variant` measures the others.
    """
    optimizer = keras.optimizers.Adam(models.LEARNING_RATE, amsgrad=True, clipnorm=models.CLIP_NORM)
    x = tensorflow.constant(models.images(chosen.batch_size))
    y = tensorflow.constant(models.labels(chosen.batch_size))
    jit = chosen.variant == "jit"
    if chosen.variant == "train_on_batch":
        model.compile(optimizer, "binary_crossentropy", jit_compile=jit)
        return lambda: model.train_on_batch(x, y)
    optimizer.build(model.trainable_variables)

    @tensorflow.function(jit_compile=jit, reduce_retracing=True)
    def step(x, y):
        with tensorflow.GradientTape() as tape:
            loss = keras.ops.mean(keras.losses.binary_crossentropy(y, model(x, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return lambda: step(x, y).numpy()


def inference_step(model):
    x = tensorflow.constant(models.images(chosen.batch_size))
    predict = tensorflow.function(lambda x: model(x, training=False), jit_compile=chosen.variant == "jit")
    return lambda: predict(x).numpy()


tensorflow.config.threading.set_intra_op_parallelism_threads(chosen.threads)
tensorflow.config.threading.set_inter_op_parallelism_threads(2 if chosen.variant == "two_pools" else 1)
if chosen.precision == "bfloat16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
keras.utils.set_random_seed(1)
model = {"enhanced": enhanced, "resnet": resnet}[chosen.model]()
models.check_parameters(chosen.model, model.count_params())
step = training_step(model) if chosen.work == "train" else inference_step(model)
protocol.warm_up(step, seconds=4)
protocol.serve(
    results, "Keras", f"keras {keras.__version__}, tensorflow-cpu {tensorflow.__version__}", chosen.batch_size,
    lambda seconds, minimum: protocol.timed_steps(step, seconds, minimum), variant=chosen.variant)
