"""The two sides of a comparison: our program, started for each measurement, and a peer that waits for its turns."""

import json
import os
import pathlib
import re
import select
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The fewest steps that make a measurement.
MINIMUM_STEPS = 3
# Seconds: compiling a graph takes long on a slow machine, and a side that hangs must not stop the rest.
START_LIMIT = 900
MEASUREMENT_LIMIT = 300
TICKS = os.sysconf("SC_CLK_TCK")

RESULT_KEYS = (
    "images_per_second", "median_ms", "p99_ms", "minimum_ms", "maximum_ms", "iterations", "peak_rss_bytes")


class Failure(Exception):
    """Why a side could not be measured, in a line or a few."""


def machine_load():
    """The load averages of the last 1, 5 and 15 minutes."""
    return list(os.getloadavg())


def busy_seconds():
    """Processor time spent on this machine by everybody since it started."""
    with open("/proc/stat") as file:
        ticks = [int(value) for value in file.readline().split()[1:9]]
    idle, waiting = ticks[3], ticks[4]
    return (sum(ticks) - idle - waiting) / TICKS


def process_seconds(process_id):
    with open(f"/proc/{process_id}/stat") as file:
        # The name in parentheses may hold anything; user and system time are the 12th and 13th value after it.
        values = file.read().rsplit(")", 1)[1].split()
    return (int(values[11]) + int(values[12])) / TICKS


def with_load(measure, own_seconds):
    """Calls `measure` and adds to its result how many processors others kept busy meanwhile.

    `own_seconds` says how much processor time the measured process has used so far.
    """
    began, busy, own = time.monotonic(), busy_seconds(), own_seconds()
    result = measure()
    others = busy_seconds() - busy - (own_seconds() - own)
    result["processors_used_by_others"] = round(max(0.0, others / (time.monotonic() - began)), 3)
    return result


def checked(text, who, keys=RESULT_KEYS):
    try:
        result = json.loads(text)
    except ValueError:
        raise Failure(f"{who} wrote no JSON: {text[:200]!r}") from None
    missing = [key for key in keys if key not in result]
    if missing:
        raise Failure(f"{who} left out {', '.join(missing)}")
    return result


def end_of(text):
    """The last lines with words in them; without this machine's paths, since messages go into the results."""
    lines = [line.strip()[:200] for line in text.replace(f"{ROOT}/", "").splitlines() if re.search(r"\w", line)]
    return " | ".join(lines[-3:]) or "no message"


class OurProgram:
    """captcha-cli bench, which warms up by itself; a process of its own for each measurement."""

    def __init__(self, program, row, threads, label="captcha-cli"):
        self.label, self.threads, self.about = label, threads, None
        self.command = [program, "bench", row.work, "--model", row.model]
        if row.work != "latency":
            self.command += ["--batch-size", str(row.batch_size)]
        self.command += ["--threads", str(threads), "--precision", row.precision, "--json"]

    def start(self):
        pass

    def measure(self, seconds):
        result = with_load(lambda: self.run(seconds), self.finished_seconds)
        self.about = {key: result[key] for key in ("cpu", "precision", "simd") if key in result}
        # From the mean step, as the others count: the program itself reports the median one.
        result["images_per_second"] = result["batch_size"] * 1000 / result["mean_ms"]
        result["gigabytes_above_data"] = (result["peak_rss_bytes"] - result["data_bytes"]) / 1e9
        return result

    def run(self, seconds):
        try:
            done = subprocess.run(
                [*self.command, "--seconds", str(seconds)], capture_output=True, text=True, timeout=MEASUREMENT_LIMIT)
        except OSError as error:
            raise Failure(f"the program does not start: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise Failure(f"no result within {MEASUREMENT_LIMIT} s") from None
        if done.returncode != 0:
            raise Failure(f"exit code {done.returncode}: {end_of(done.stderr)}")
        return checked(done.stdout, "the program", (*RESULT_KEYS, "data_bytes", "batch_size", "mean_ms"))

    @staticmethod
    def finished_seconds():
        times = os.times()
        return times.children_user + times.children_system

    def stop(self):
        pass


class Peer:
    """A worker process: see peers/protocol.py."""

    def __init__(self, environment, program, row, label, threads):
        self.label, self.threads, self.about, self.process = label, threads, None, None
        self.command = [
            environment / "bin" / "python", "-B", program, "--work", row.work, "--model", row.model,
            "--batch-size", str(row.batch_size), "--threads", str(threads), "--precision", row.precision]

    def start(self):
        self.errors = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        except OSError as error:
            raise Failure(f"does not start ({error.strerror}); run Benchmarks/peers/setup") from None
        self.about = checked(self.answer(START_LIMIT), "the peer", ("ready", "name", "version"))
        self.about.pop("ready")
        self.ended = process_seconds(self.process.pid)

    def measure(self, seconds):
        # What it used since its last turn, when it should have slept.
        idle = process_seconds(self.process.pid) - self.ended
        result = with_load(lambda: self.ask(seconds), lambda: process_seconds(self.process.pid))
        result["processor_seconds_while_waiting"] = round(idle, 2)
        self.ended = process_seconds(self.process.pid)
        return result

    def ask(self, seconds):
        try:
            self.process.stdin.write(json.dumps({"seconds": seconds, "minimum": MINIMUM_STEPS}) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Failure(self.why()) from None
        return checked(self.answer(MEASUREMENT_LIMIT), "the peer")

    def answer(self, limit):
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
        if not ready:
            raise Failure(f"no answer within {limit} s")
        line = self.process.stdout.readline()
        if not line:
            raise Failure(self.why())
        return line

    def why(self):
        code = self.process.wait()
        self.errors.seek(0)
        return f"exit code {code}: {end_of(self.errors.read())}"

    def stop(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.communicate()
        self.errors.close()
        self.process = None
