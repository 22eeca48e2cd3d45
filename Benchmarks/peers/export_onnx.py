"""Writes a model with its sigmoid as an ONNX file for ONNX Runtime and OpenVINO, once per model.

The weights are random; the speed doesn't depend on them. The running averages of the normalisations are drawn too, so
that no engine may leave one out because it changes nothing.
"""

import argparse
import logging
import os

import torch

import models
import torch_models


def randomize_averages(model):
    for module in model.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)


def export(name, path):
    model = torch.nn.Sequential(torch_models.build(name), torch.nn.Sigmoid())
    randomize_averages(model)
    model.eval()
    example = torch.from_numpy(models.images(2, channels_first=True))
    # Otherwise it says that libraries are missing which this model doesn't need.
    logging.disable(logging.WARNING)
    # Written beside and then renamed: a file that is there is a complete one.
    unfinished = path + ".unfinished"
    torch.onnx.export(
        model, (example,), unfinished, input_names=["images"], output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False, dynamo=True, opset_version=18,
        verbose=False)
    os.replace(unfinished, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("enhanced", "resnet"), default="enhanced")
    parser.add_argument("--output", required=True)
    chosen = parser.parse_args()
    if not os.path.exists(chosen.output):
        export(chosen.model, chosen.output)
