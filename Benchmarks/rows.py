"""What is compared, and the targets."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    unit: str
    #: Whether a larger value is better.
    larger: bool


SPEED = Metric("images_per_second", "images/s", True)
TIME = Metric("median_ms", "ms", False)
MEMORY = Metric("gigabytes_above_data", "GB", False)


@dataclasses.dataclass(frozen=True)
class Other:
    """What our program is measured beside, and the target for ours divided by it; None without one."""

    label: str
    #: A file in `peers`, or None for our own program.
    program: str | None
    target: float | None = None
    #: Threads of our own program.
    threads: int | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    work: str
    model: str
    metric: Metric
    peers: tuple[Other, ...] = ()
    precision: str = "float32"
    #: Threads of our program where the row decides them.
    threads: int | None = None
    #: The target for our value itself.
    target: float | None = None
    batch_size: int = 128


def keras(target=None):
    return Other("Keras", "keras_peer.py", target)


def torch(target=None):
    return Other("PyTorch", "torch_peer.py", target)


def openvino(target=None):
    return Other("OpenVINO", "openvino_peer.py", target)


def onnxruntime(target=None):
    return Other("ONNX Runtime", "onnxruntime_peer.py", target)


ROWS = {
    "train-enhanced-float32": Row("train", "enhanced", SPEED, (keras(3.0), torch())),
    "train-enhanced-bfloat16": Row("train", "enhanced", SPEED, (keras(2.0), torch()), precision="bfloat16"),
    "infer-enhanced": Row("infer", "enhanced", SPEED, (openvino(1.5), onnxruntime(), keras())),
    "latency-enhanced": Row("latency", "enhanced", TIME, (openvino(0.6), onnxruntime()), batch_size=1),
    "train-resnet-float32": Row("train", "resnet", SPEED, (keras(2.5),)),
    "train-crnn-bfloat16": Row("train", "crnn", SPEED, (torch(2.0),), precision="bfloat16", batch_size=64),
    "memory-enhanced": Row("train", "enhanced", MEMORY, target=1.5),
    "second-thread": Row(
        "train", "enhanced", SPEED, (Other("captcha-cli, 1 thread", None, 1.85, threads=1),), threads=2),
}
