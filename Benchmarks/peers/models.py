"""The numbers that define the models, so that every framework builds the same ones.

They repeat `Sources/Models/Zoo/Enhanced.swift`, `ResNet.swift`, `ColumnTrunk.swift` and `CRNN.swift`. This file imports no framework:
each peer process loads only its own.
"""

IMAGE_HEIGHT = 60
IMAGE_WIDTH = 200
IMAGE_CHANNELS = 3
OUTPUTS = 504

# Batch normalisation as Keras has it: average = momentum * average + (1 - momentum) * batch.
NORMALIZATION_MOMENTUM = 0.99
NORMALIZATION_EPSILON = 1e-3

# Five blocks of convolution, ReLU, normalisation; pooling after all but the fourth, dropout from the third on.
ENHANCED_FILTERS = (32, 64, 128, 128, 256)
ENHANCED_BLOCK_WITHOUT_POOL = 4
ENHANCED_FIRST_BLOCK_WITH_DROPOUT = 3
ENHANCED_CONVOLUTION_DROPOUT = 0.2
ENHANCED_DENSE = (2048, 1024)
# What is left of an image after the blocks: 3 rows of 12 places with 256 channels.
ENHANCED_FLAT = 3 * 12 * 256
ENHANCED_PARAMETERS = 22_041_912

# A 7x7 stem with stride 2, then stages of two residual blocks with pooling between the stages.
RESNET_STEM = 64
RESNET_STAGES = (64, 128, 256)
RESNET_BLOCKS_PER_STAGE = 2
RESNET_DENSE = (1024, 512)

DENSE_DROPOUT = 0.4

# A 5x5 stem with stride 2 and pooling, stages of two convolutions with pooling of rows between them; then every column's
# pixels to a dense layer, a recurrent layer in both directions, and an output per column.
CRNN_STEM = 32
CRNN_STAGES = (64, 96, 128)
CRNN_ROWS_LEFT = 4
CRNN_DENSE = 192
CRNN_RECURRENT = 128
CRNN_DROPOUT = 0.1
CRNN_NORMALIZATION_MOMENTUM = 0.9
CRNN_COLUMNS = 50
CRNN_CLASSES = 63
CRNN_PARAMETERS = 900_575

LEARNING_RATE = 1e-3
# The gradient of each variable by itself is scaled down to this length where it is longer.
CLIP_NORM = 1.0

# Share of ones among the labels: 8 of 504 outputs, one per character of a text of eight.
LABEL_SHARE = 8 / OUTPUTS


def check_parameters(model, count):
    """Refuses to measure a model of another size than the one that the comparison is about."""
    if model == "enhanced" and count != ENHANCED_PARAMETERS:
        raise ValueError(f"enhanced has {count} parameters here; it must have {ENHANCED_PARAMETERS}")
    if model == "crnn" and count != CRNN_PARAMETERS:
        raise ValueError(f"crnn has {count} parameters here; it must have {CRNN_PARAMETERS}")


def images(batch_size, channels_first=False):
    """A batch of random images with values from 0 to 1, in the layout that the framework prefers."""
    import numpy

    size = (IMAGE_HEIGHT, IMAGE_WIDTH)
    shape = (IMAGE_CHANNELS, *size) if channels_first else (*size, IMAGE_CHANNELS)
    return numpy.random.default_rng(1).random((batch_size, *shape), dtype=numpy.float32)


def labels(batch_size):
    import numpy

    generator = numpy.random.default_rng(2)
    return (generator.random((batch_size, OUTPUTS)) < LABEL_SHARE).astype(numpy.float32)


def texts(batch_size):
    """Texts of 4 to 8 characters as classes, one after the other, and their lengths; the last class is the blank."""
    import numpy

    generator = numpy.random.default_rng(3)
    lengths = generator.integers(4, 9, batch_size)
    return generator.integers(0, CRNN_CLASSES - 1, int(lengths.sum())), lengths
