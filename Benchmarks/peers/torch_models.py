"""The two models in PyTorch; used by the PyTorch peer and for the ONNX files of ONNX Runtime and OpenVINO."""

import torch
from torch import nn

import models


def normalization(make, channels):
    # PyTorch counts momentum the other way round.
    return make(channels, eps=models.NORMALIZATION_EPSILON, momentum=1 - models.NORMALIZATION_MOMENTUM)


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


def build(name):
    """The model that gives logits: the loss is faster and more exact with the sigmoid inside."""
    torch.manual_seed(1)
    model = {"enhanced": enhanced, "resnet": resnet}[name]()
    # Keras counts the running averages as parameters too; PyTorch also keeps a step count per normalisation.
    count = sum(value.numel() for key, value in model.state_dict().items() if "num_batches" not in key)
    models.check_parameters(name, count)
    return model
