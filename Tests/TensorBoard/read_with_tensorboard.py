"""Reads event files with TensorBoard itself and compares what it finds with the other files of the run.

First with TensorBoard's EventAccumulator, then over HTTP with the `tensorboard` server, with each of its two loaders.
Prints what was compared, and ends with 1 at the first difference. Called by scripts/tensorboard-check.
"""

import csv
import io
import json
import math
import pathlib
import sys

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tensorboard_server import Server

TRAINING_TAGS = ["training/learning_rate", "training/images_per_second", "training/seconds"]


def require(condition, message):
    if not condition:
        sys.exit(f"error: {message}")


def say(text):
    print(text, flush=True)


def tag_of(metric):
    """The tag under which a column of metrics.csv is found."""
    if metric == "learning_rate":
        return "training/learning_rate"
    return metric.removeprefix("val_") + "/" + metric


def expected_scalars(run):
    """By tag and step, the values of metrics.csv; no tags where there is no such file."""
    file = run / "metrics.csv"
    scalars = {}
    if file.exists():
        for row in csv.DictReader(file.open(newline="")):
            step = int(row.pop("epoch")) + 1
            for metric, cell in row.items():
                if cell != "NA":
                    scalars.setdefault(tag_of(metric), {})[step] = float(cell)
    return scalars


def is_same(value, expected):
    """Whether two numbers are the same in float32; TensorBoard has no other."""
    value, expected = float(value), float(expected)
    if math.isnan(value) or math.isnan(expected):
        return math.isnan(value) and math.isnan(expected)
    with np.errstate(over="ignore"):
        return np.float32(value) == np.float32(expected)


def compare(where, found, expected):
    require(sorted(found) == sorted(expected), f"{where}: steps {sorted(found)}, not {sorted(expected)}")
    for step, value in expected.items():
        require(is_same(found[step], value), f"{where}: step {step} has {found[step]}, not {value}")


def saved_weights(run, last):
    """The weights after epoch `last`, from what the run saved to be resumed; none where it saved another moment's."""
    file = run / "checkpoints" / "resume.safetensors"
    if not file.exists():
        return {}
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    position = json.loads(header.pop("__metadata__")["captcha.resume"])["position"]
    if (position["epoch"], position["batch"]) != (last, 0):
        return {}
    return {
        name.removeprefix("model/"): np.frombuffer(
            content[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]], np.float32)
        for name, entry in header.items() if name.startswith("model/")}


class EventFiles:
    """What EventAccumulator finds in a folder."""

    def __init__(self, folder):
        kinds = ["scalars", "histograms", "images", "tensors"]
        self.folder = folder
        self.events = EventAccumulator(str(folder), size_guidance={kind: 0 for kind in kinds})
        self.events.Reload()
        tags = self.events.Tags()
        self.scalars = {tag: self.events.Scalars(tag) for tag in tags["scalars"]}
        self.histograms = {tag: self.events.Histograms(tag) for tag in tags["histograms"]}
        self.images = {tag: self.events.Images(tag) for tag in tags["images"]}
        self.texts = {tag: self.events.Tensors(tag) for tag in tags["tensors"]}
        for tag, points in [*self.scalars.items(), *self.histograms.items(), *self.images.items()]:
            steps = [point.step for point in points]
            require(steps == sorted(set(steps)), f"{folder}: {tag} has the steps {steps}")

    def values(self, tag):
        return {point.step: point.value for point in self.scalars[tag]}

    def text(self, tag, step):
        texts = [point for point in self.texts[tag] if point.step == step]
        require(len(texts) == 1, f"{self.folder}: {tag} is there {len(texts)} times at step {step}")
        return texts[0].tensor_proto.string_val[0].decode()


def check_scalars(files, run):
    expected = expected_scalars(run)
    for tag in [*expected, *TRAINING_TAGS, "loss/loss", "loss/val_loss"]:
        require(tag in files.scalars, f"{files.folder}: no scalars {tag}")
    for tag, values in expected.items():
        compare(f"{files.folder}: {tag}", files.values(tag), values)
    epochs = sorted(files.values("loss/loss"))
    count = sum(map(len, expected.values()))
    source = f"{count} values as in metrics.csv" if expected else "no metrics.csv to compare with"
    say(f"  scalars     {len(files.scalars)} tags, epochs {epochs[0]} to {epochs[-1]}, {source}")
    return epochs


def check_histograms(files, run, epochs):
    require(files.histograms, f"{files.folder}: no histograms")
    for tag, points in files.histograms.items():
        require(tag.startswith("weights/"), f"{files.folder}: histogram {tag}")
        for point in points:
            histogram = point.histogram_value
            where = f"{files.folder}: {tag} at step {point.step}"
            require(point.step in epochs, f"{where}: no such epoch")
            require(sum(histogram.bucket) == histogram.num, f"{where}: {histogram}")
            require(len(histogram.bucket) == len(histogram.bucket_limit), f"{where}: {histogram}")
    weights = saved_weights(run, epochs[-1])
    for name, values in weights.items():
        histogram = files.histograms["weights/" + name][-1].histogram_value
        where = f"{files.folder}: weights/{name} after the last epoch"
        # The smallest and the largest are exact, sums depend on the order.
        values = values[np.isfinite(values)].astype(np.float64)
        require(histogram.num == len(values), f"{where}: {histogram.num} values, not {len(values)}")
        if len(values) == 0:
            continue
        require((histogram.min, histogram.max) == (values.min(), values.max()), f"{where}: {histogram}")
        require(np.isclose(histogram.sum, values.sum(), rtol=1e-9, atol=1e-9 * np.abs(values).sum()), f"{where}: sum")
        require(np.isclose(histogram.sum_squares, (values**2).sum(), rtol=1e-9), f"{where}: sum_squares")
        counts = np.histogram(values, bins=30)[0] if values.min() < values.max() else [len(values)]
        require(list(counts) == histogram.bucket, f"{where}: {histogram.bucket}, not {list(counts)}")
    last = [point.step for point in next(iter(files.histograms.values()))]
    source = "no weights to compare with"
    if weights:
        source = f"the last of all {len(weights)} as numpy counts the saved weights"
    say(f"  histograms  {len(files.histograms)} tags, steps {last}, {source}")


def check_misread(files):
    """Every image is a PNG file of its size, and has its row in the table of its step."""
    rows = 0
    for point in files.texts["misread/readings"]:
        lines = files.text("misread/readings", point.step).splitlines()
        for line in lines[2:]:
            number = line.split("|")[1].strip()
            images = {image.step: image for image in files.images.get(f"misread/{number}", [])}
            where = f"{files.folder}: misread/{number} at step {point.step}"
            require(point.step in images, f"{where}: no image")
            image = images[point.step]
            picture = Image.open(io.BytesIO(image.encoded_image_string))
            picture.load()
            require(picture.format == "PNG" and picture.size == (image.width, image.height), f"{where}: {picture}")
            rows += 1
    require(rows == sum(map(len, files.images.values())), f"{files.folder}: images without a row in misread/readings")
    steps = [point.step for point in files.texts["misread/readings"]]
    say(f"  images      {rows} PNG files in {len(files.images)} tags, each with its row; texts at steps {steps}")


def check_batches(folder):
    files = EventFiles(folder)
    require(set(files.scalars) == {"batch/loss", "batch/learning_rate"}, f"{folder}: {list(files.scalars)}")
    steps = sorted(files.values("batch/loss"))
    require(steps == sorted(files.values("batch/learning_rate")), f"{folder}: loss and learning rate have other steps")
    say(f"{folder}\n  scalars     2 tags, {len(steps)} points, batches {steps[0]} to {steps[-1]}")
    return files


def is_loaded(server, files):
    """Whether the server knows the last value of each kind."""
    weights = next(iter(files["."].histograms))
    last = [
        ("scalars", ".", "loss/loss", files["."].scalars), ("histograms", ".", weights, files["."].histograms),
        ("text", ".", "misread/readings", files["."].texts),
        ("scalars", "batches", "batch/loss", files["batches"].scalars)]
    for plugin, run, tag, points in last:
        if tag not in server.json(f"{plugin}/tags").get(run, []):
            return False
        shown = server.json(f"{plugin}/{plugin}", run=run, tag=tag)
        steps = [point["step"] if plugin == "text" else point[1] for point in shown]
        if points[tag][-1].step not in steps:
            return False
    return True


def check_server(folder, files, loader):
    """The server shows the same as EventAccumulator found: all scalars, and one of everything else."""
    with Server(folder, loader) as server:
        server.wait_for(lambda: is_loaded(server, files))
        points = 0
        for run, expected in files.items():
            tags = server.json("scalars/tags")[run]
            require(set(tags) == set(expected.scalars), f"{server}: scalars of {run}: {sorted(tags)}")
            for tag in tags:
                found = {step: value for _, step, value in server.json("scalars/scalars", run=run, tag=tag)}
                compare(f"{server}: {tag}", found, expected.values(tag))
                points += len(found)

        expected = files["."]
        tags = server.json("histograms/tags")["."]
        require(set(tags) == set(expected.histograms), f"{server}: histograms {sorted(tags)}")
        tag = sorted(tags)[-1]
        for (_, step, buckets), point in zip(
                server.json("histograms/histograms", run=".", tag=tag), expected.histograms[tag], strict=True):
            where = f"{server}: {tag} at step {step}"
            require(step == point.step, f"{where}, not {point.step}")
            # The server leaves empty buckets out at both ends, or merges buckets.
            require(sum(bucket[2] for bucket in buckets) == point.histogram_value.num, f"{where}: {buckets}")
            if buckets:
                require(is_same(buckets[0][0], point.histogram_value.min), f"{where}: {buckets[0]}")
                require(is_same(buckets[-1][1], point.histogram_value.max), f"{where}: {buckets[-1]}")

        images = server.json("images/tags").get(".", {})
        require(set(images) == set(expected.images), f"{server}: images {sorted(images)}")
        for image in images:
            shown = server.json("images/images", run=".", tag=image, sample=0)
            for entry, point in zip(shown, expected.images[image], strict=True):
                where = f"{server}: {image} at step {entry['step']}"
                require(entry["step"] == point.step, f"{where}, not {point.step}")
                content = server.get("images/individualImage?" + entry["query"])
                require(content == point.encoded_image_string, f"{where}: other bytes")

        texts = server.json("text/tags")["."]
        require(set(texts) == set(expected.texts), f"{server}: texts {texts}")
        table = server.json("text/text", run=".", tag="misread/readings")[-1]["text"]
        rows = expected.text("misread/readings", expected.texts["misread/readings"][-1].step).splitlines()[2:]
        require(table.count("<tr>") == (len(rows) + 1 if rows else 0), f"{server}: misread/readings: {table}")
    say(f"{server}: runs {', '.join(files)}; {points} scalar points, {len(tags)} histograms ({tag} compared), "
        f"{len(images)} images, texts {', '.join(sorted(texts))}")


def main():
    given = pathlib.Path(sys.argv[1])
    require(given.is_dir(), f"{given}: no such folder")
    # Of a run, or of event files.
    folder = given / "tensorboard" if (given / "tensorboard").is_dir() else given
    require(list(folder.glob("*tfevents*")), f"{folder}: no event files")
    run = folder.parent if folder.name == "tensorboard" else folder
    say(f"{folder}")
    files = EventFiles(folder)
    epochs = check_scalars(files, run)
    check_histograms(files, run, epochs)
    check_misread(files)
    runs = {".": files, "batches": check_batches(folder / "batches")}
    for loader in ("true", "false"):
        check_server(folder, runs, loader)
    say("TensorBoard shows what was measured")


main()
