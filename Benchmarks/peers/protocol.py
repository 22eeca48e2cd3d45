"""What all peers share: options, limits on threads, the loop that answers measurements.

A peer is a worker process. It builds its model, warms up, and writes one line `{"ready": true, ...}`. Then it measures
once for every line `{"seconds": S, "minimum": M}` on standard input and answers with one line. It ends with its input.
This module may be imported before any framework, since it sets the variables that frameworks read when they load.
"""

import argparse
import json
import os
import resource
import sys
import time


def options(description, works=("train", "infer", "latency"), variants=()):
    """Reads the command line and limits the threads; call it before importing the framework."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", choices=works, required=True)
    parser.add_argument("--model", choices=("crnn", "enhanced", "resnet"), default="enhanced")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--variant", choices=variants, help="another setting of the framework than the fastest one")
    chosen = parser.parse_args()
    if chosen.work == "latency":
        chosen.batch_size = 1
    limit_threads(chosen.threads)
    return chosen


def limit_threads(threads):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    # Worker threads of Intel's OpenMP sleep after 1 ms instead of spinning for 200: while this process waits, another
    # one is being measured.
    os.environ["KMP_BLOCKTIME"] = "1"
    # Neither logs nor a search for graphics cards.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


class Results:
    """Keeps standard output for the protocol: whatever a framework prints goes to standard error."""

    def __init__(self):
        self.stream = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def write(self, **values):
        self.stream.write(json.dumps(values) + "\n")
        self.stream.flush()


def percentile(ordered, share):
    """By linear interpolation between the two nearest values."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def timed_steps(step, seconds, minimum):
    """Calls `step` for at least that long and that often; returns the time of every call and the time of all."""
    times = []
    begin = now = time.perf_counter()
    while now - begin < seconds or len(times) < minimum:
        step()
        after = time.perf_counter()
        times.append(after - now)
        now = after
    return times, now - begin


def serve(results, name, version, images_per_step, measure, **details):
    """Says that the peer is ready and answers measurements until the input ends.

    `measure(seconds, minimum)` returns the time of every step, and the time of all of them together.
    """
    results.write(ready=True, name=name, version=version, **details)
    for line in sys.stdin:
        request = json.loads(line)
        times, elapsed = measure(request["seconds"], request["minimum"])
        ordered = sorted(times)
        results.write(
            images_per_second=len(times) * images_per_step / elapsed,
            median_ms=percentile(ordered, 0.5) * 1e3,
            p99_ms=percentile(ordered, 0.99) * 1e3,
            minimum_ms=ordered[0] * 1e3,
            maximum_ms=ordered[-1] * 1e3,
            iterations=len(times),
            # Linux counts it in units of 1024 bytes.
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        )


def warm_up(step, seconds, minimum=3):
    """Runs until graphs are compiled and caches of code and memory are filled."""
    timed_steps(step, seconds, minimum)


def onnx_path(model):
    """The exported model, in the folder of the peers' virtual environment, where `Benchmarks/run` puts it."""
    return os.path.join(sys.prefix, f"{model}.onnx")
