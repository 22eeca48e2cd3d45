"""The models in PyTorch; used by the PyTorch peer and for the ONNX files of ONNX Runtime and OpenVINO."""

import torch
from torch import nn

import models


def normalization(make, channels, momentum=models.NORMALIZATION_MOMENTUM):
    # PyTorch counts momentum the other way round.
    return make(channels, eps=models.NORMALIZATION_EPSILON, momentum=1 - momentum)


def enhanced():
    layers = []
    channels = models.IMAGE_CHANNELS
    for block, filters in enumerate(models.ENHANCED_FILTERS, 1):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), normalization(nn.BatchNorm2d, filters)]
        if block != models.ENHANCED_BLOCK_WITHOUT_POOL:
            layers.append(nn.MaxPool2d(2))
        if block >= models.ENHANCED_FIRST_BLOCK_WITH_DROPOUT:
            layers.append(nn.Dropout(models.ENHANCED_CONVOLUTION_DROPOUT))
        channels = filters
    layers.append(nn.Flatten())
    channels = models.ENHANCED_FLAT
    for units in models.ENHANCED_DENSE:
        layers += [nn.Linear(channels, units), nn.ReLU(), normalization(nn.BatchNorm1d, units),
                   nn.Dropout(models.DENSE_DROPOUT)]
        channels = units
    return nn.Sequential(*layers, nn.Linear(channels, models.OUTPUTS))


class Residual(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, filters, 3, padding=1), normalization(nn.BatchNorm2d, filters), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1), normalization(nn.BatchNorm2d, filters))
        self.shortcut = nn.Identity()
        if channels != filters:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1), normalization(nn.BatchNorm2d, filters))

    def forward(self, x):
        return nn.functional.relu(self.body(x) + self.shortcut(x))


def resnet():
    # With an even side, "same" puts the odd row and column at the end. PyTorch has no such padding with a stride; a
    # border of three pixels all round gives the same size and the same work. The pooling that rounds up is exactly
    # "same".
    channels = models.RESNET_STEM
    layers = [nn.Conv2d(models.IMAGE_CHANNELS, channels, 7, stride=2, padding=3),
              normalization(nn.BatchNorm2d, channels), nn.ReLU(), nn.MaxPool2d(3, stride=2, ceil_mode=True)]
    for stage, filters in enumerate(models.RESNET_STAGES):
        if stage > 0:
            layers.append(nn.MaxPool2d(2))
        for _ in range(models.RESNET_BLOCKS_PER_STAGE):
            layers.append(Residual(channels, filters))
            channels = filters
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    for units in models.RESNET_DENSE:
        layers += [nn.Linear(channels, units), nn.ReLU(), nn.Dropout(models.DENSE_DROPOUT)]
        channels = units
    return nn.Sequential(*layers, nn.Linear(channels, models.OUTPUTS))


class ColumnReader(nn.Module):
    def __init__(self):
        super().__init__()
        channels = models.IMAGE_CHANNELS
        layers = []

        def convolution(filters, size, stride=1):
            nonlocal channels
            layers.extend([
                nn.Conv2d(channels, filters, size, stride=stride, padding=size // 2, bias=False),
                normalization(nn.BatchNorm2d, filters, models.CRNN_NORMALIZATION_MOMENTUM), nn.ReLU()])
            channels = filters

        convolution(models.CRNN_STEM, 5, stride=2)
        layers.append(nn.MaxPool2d(2))
        for stage, filters in enumerate(models.CRNN_STAGES):
            if stage > 0:
                layers.append(nn.MaxPool2d((2, 1), ceil_mode=True))
            for _ in range(2):
                convolution(filters, 3)
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Linear(models.CRNN_ROWS_LEFT * channels, models.CRNN_DENSE)
        self.normalization = normalization(nn.BatchNorm1d, models.CRNN_DENSE, models.CRNN_NORMALIZATION_MOMENTUM)
        self.recurrent = nn.LSTM(models.CRNN_DENSE, models.CRNN_RECURRENT, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(models.CRNN_DROPOUT)
        self.output = nn.Linear(2 * models.CRNN_RECURRENT, models.CRNN_CLASSES)

    def forward(self, x):
        # White paper is 0, as the padding is.
        y = self.convolutions(2 - 2 * x)
        y = y.permute(0, 3, 2, 1).flatten(2)
        batch, columns, _ = y.shape
        y = self.normalization(self.dense(y).flatten(0, 1)).relu().view(batch, columns, -1)
        return self.output(self.dropout(self.recurrent(y)[0]))


def parameter_count(model):
    """As Keras counts: running averages too, and one bias per gate, where PyTorch has two."""
    counted = {key: value for key, value in model.state_dict().items() if "num_batches" not in key}
    return sum(value.numel() for key, value in counted.items() if "bias_hh" not in key)


def build(name):
    """The model that gives logits: the loss is faster and more exact with the sigmoid inside."""
    torch.manual_seed(1)
    model = {"crnn": ColumnReader, "enhanced": enhanced, "resnet": resnet}[name]()
    models.check_parameters(name, parameter_count(model))
    return model
