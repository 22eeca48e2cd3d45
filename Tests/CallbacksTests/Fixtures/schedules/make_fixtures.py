"""Makes schedules.json; run in this folder with keras 3.15.1, tensorflow-cpu 2.21.0 and torch 2.15.0 (all on the CPU).

schedules   Per case a callback of a configuration with its arguments, and for each step from 0:
            `keras`   what Keras's schedule of the same arguments returns, calculated in float32;
            `exact`   the rate by the formula of the documentation, calculated below in float64 from exact fractions.
            `moved`   lists the steps at which Keras's rounding puts a restart one step too early or too late.
fits        What Keras's optimizer has before each batch of a `model.fit` with such a schedule.
schedulers  Keras's callback LearningRateScheduler in a `model.fit`: per epoch the rate that the closure was given, the
            rate of the optimizer during the epoch and the one in the logs.
one_cycle   PyTorch's OneCycleLR, calculated in float64: the rate of each step.
"""

import json
import math
import os
from fractions import Fraction

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf
import torch


def float32(value):
    """A float32 in its shortest form that reads back as the same float."""
    return float(str(np.float32(value)))


# MARK: The formulas, without rounding except in cos, pow and the last product


def exact(number):
    """The number that the decimal form says."""
    return Fraction(str(number))


def cosine(share):
    """Half a cosine, from 1 at 0 to 0 at 1."""
    return math.cos(math.pi * float(share) / 2) ** 2


def cosine_decay(step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0):
    if warmup_target is not None and step < warmup_steps:
        first, last = exact(initial_learning_rate), exact(warmup_target)
        return float(first + (last - first) * Fraction(step, warmup_steps))
    top = initial_learning_rate if warmup_target is None else warmup_target
    begin = 0 if warmup_target is None else warmup_steps
    share = min(Fraction(1), Fraction(step - begin, decay_steps))
    return top * ((1 - alpha) * (0.0 if share == 1 else cosine(share)) + alpha)


def restart(step, first_decay_steps, t_mul):
    """The number of restarts so far, and the share of the present decay that is done."""
    begin, length, restarts = Fraction(0), Fraction(first_decay_steps), 0
    while step >= begin + length:
        begin, length, restarts = begin + length, length * exact(t_mul), restarts + 1
    return restarts, (step - begin) / length


def cosine_decay_restarts(step, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
    restarts, share = restart(step, first_decay_steps, t_mul)
    return initial_learning_rate * ((1 - alpha) * float(exact(m_mul) ** restarts) * cosine(share) + alpha)


def exponential_decay(step, initial_learning_rate, decay_steps, decay_rate, staircase=False):
    power = Fraction(step, decay_steps)
    return initial_learning_rate * math.exp(math.log(decay_rate) * float(power // 1 if staircase else power))


FORMULAS = {
    "cosine_decay": (keras.optimizers.schedules.CosineDecay, cosine_decay),
    "cosine_decay_restarts": (keras.optimizers.schedules.CosineDecayRestarts, cosine_decay_restarts),
    "exponential_decay": (keras.optimizers.schedules.ExponentialDecay, exponential_decay),
}


# MARK: Keras's schedules


def schedule(name, steps, **arguments):
    make, formula = FORMULAS[name]
    made = make(**arguments)
    expected = [formula(step, **arguments) for step in range(steps)]
    got = [float(made(tf.constant(step, tf.int64))) for step in range(steps)]
    moved = []
    if name == "cosine_decay_restarts":
        # Where a restart is due at a whole step, Keras's float32 may still see the end of the decay before it.
        first, t_mul = arguments["first_decay_steps"], arguments.get("t_mul", 2.0)
        for step in range(steps):
            restarts, share = restart(step, first, t_mul)
            if restarts > 0 and share == 0 and abs(got[step] - expected[step]) > 0.01 * arguments["initial_learning_rate"]:
                moved.append(step)
    return {
        "name": name, "arguments": arguments, "keras": [float32(value) for value in got], "exact": expected,
        "moved": moved,
    }


schedules = [
    schedule("cosine_decay", 30, initial_learning_rate=0.1, decay_steps=20),
    schedule("cosine_decay", 30, initial_learning_rate=0.003, decay_steps=20, alpha=0.1),
    schedule("cosine_decay", 8, initial_learning_rate=0.5, decay_steps=1),
    schedule("cosine_decay", 8, initial_learning_rate=0.5, decay_steps=1, alpha=1.0),
    schedule("cosine_decay", 40, initial_learning_rate=0.0007, decay_steps=1000, alpha=0.01),
    schedule("cosine_decay", 40, initial_learning_rate=0.0, decay_steps=23, warmup_target=0.001, warmup_steps=7),
    schedule(
        "cosine_decay", 40, initial_learning_rate=0.0001, decay_steps=17, alpha=0.1, warmup_target=0.01, warmup_steps=13),
    schedule("cosine_decay", 12, initial_learning_rate=0.02, decay_steps=5, alpha=0.5, warmup_target=0.3, warmup_steps=1),
    schedule("cosine_decay", 20, initial_learning_rate=0.2, decay_steps=9, warmup_target=0.05, warmup_steps=4),
    schedule("cosine_decay", 20, initial_learning_rate=0.001, decay_steps=9, warmup_target=0.05, warmup_steps=50),
    schedule("cosine_decay_restarts", 64, initial_learning_rate=0.1, first_decay_steps=4),
    schedule("cosine_decay_restarts", 64, initial_learning_rate=0.1, first_decay_steps=10, t_mul=1.0),
    schedule("cosine_decay_restarts", 40, initial_learning_rate=0.01, first_decay_steps=7, t_mul=1.0, m_mul=0.8, alpha=0.1),
    schedule("cosine_decay_restarts", 90, initial_learning_rate=0.003, first_decay_steps=10, t_mul=1.5, m_mul=0.8),
    schedule("cosine_decay_restarts", 70, initial_learning_rate=0.003, first_decay_steps=10, t_mul=1.1, alpha=0.1),
    schedule("cosine_decay_restarts", 64, initial_learning_rate=0.3, first_decay_steps=1, t_mul=2.0, m_mul=0.8, alpha=0.1),
    schedule("cosine_decay_restarts", 20, initial_learning_rate=0.3, first_decay_steps=1, t_mul=1.0, m_mul=0.8),
    schedule("cosine_decay_restarts", 20, initial_learning_rate=0.3, first_decay_steps=3, t_mul=1.0, m_mul=1.25),
    schedule("cosine_decay_restarts", 50, initial_learning_rate=0.3, first_decay_steps=5, t_mul=3.0, m_mul=0.5),
    schedule("cosine_decay_restarts", 20, initial_learning_rate=0.3, first_decay_steps=100),
    schedule("exponential_decay", 30, initial_learning_rate=0.1, decay_steps=10, decay_rate=0.96),
    schedule("exponential_decay", 30, initial_learning_rate=0.1, decay_steps=10, decay_rate=0.96, staircase=True),
    schedule("exponential_decay", 30, initial_learning_rate=0.003, decay_steps=7, decay_rate=0.1),
    schedule("exponential_decay", 30, initial_learning_rate=0.003, decay_steps=7, decay_rate=0.1, staircase=True),
    schedule("exponential_decay", 12, initial_learning_rate=0.5, decay_steps=1, decay_rate=0.5, staircase=True),
    schedule("exponential_decay", 12, initial_learning_rate=0.5, decay_steps=1000, decay_rate=0.5),
    schedule("exponential_decay", 12, initial_learning_rate=0.5, decay_steps=3, decay_rate=1.0),
]


# MARK: Trainings


def model(learning_rate):
    """The smallest model that `fit` takes."""
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(learning_rate), loss="mse")
    return made


class RateOfEachBatch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float32(self.model.optimizer.learning_rate))


def train(learning_rate, epochs, batches, callbacks):
    zeros = np.zeros((batches, 1), np.float32)
    trained = model(learning_rate)
    return trained.fit(zeros, zeros, batch_size=1, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks)


def fit(name, epochs, batches, **arguments):
    rates = RateOfEachBatch()
    train(FORMULAS[name][0](**arguments), epochs, batches, [rates])
    return {"name": name, "arguments": arguments, "epochs": epochs, "batches": batches, "keras": rates.rates}


fits = [
    fit("cosine_decay", 3, 5, initial_learning_rate=0.001, decay_steps=8, alpha=0.1, warmup_target=0.01, warmup_steps=4),
    fit("cosine_decay_restarts", 3, 5, initial_learning_rate=0.01, first_decay_steps=3, t_mul=2.0, m_mul=0.8),
    fit("exponential_decay", 3, 5, initial_learning_rate=0.01, decay_steps=4, decay_rate=0.5, staircase=True),
]

# The closures; the Swift test has the same ones under the same names.
CLOSURES = {
    "decay_after_3": lambda epoch, rate: rate if epoch < 3 else rate * math.exp(-0.1),
    "steps": lambda epoch, rate: 0.3 if epoch < 2 else 0.03 if epoch < 4 else 0.003,
    "halve_every_second": lambda epoch, rate: rate * 0.5 if epoch % 2 == 1 else rate,
}


def scheduler(closure, learning_rate, epochs):
    given = []

    def rate(epoch, present):
        given.append(float32(present))
        return CLOSURES[closure](epoch, present)

    batches = RateOfEachBatch()
    history = train(learning_rate, epochs, 1, [keras.callbacks.LearningRateScheduler(rate), batches])
    return {
        "closure": closure, "learning_rate": learning_rate, "given": given, "during": batches.rates,
        "logged": [float32(value) for value in history.history["learning_rate"]],
    }


schedulers = [
    scheduler("decay_after_3", 0.01, 8),
    scheduler("steps", 0.5, 6),
    scheduler("halve_every_second", 0.0007, 9),
]


# MARK: PyTorch


def one_cycle(steps, **arguments):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, total_steps=steps, cycle_momentum=False, **arguments)
    rates = []
    for step in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if step + 1 < steps:
            cycle.step()
    return {"arguments": arguments, "torch": rates}


one_cycles = [
    one_cycle(40, max_lr=0.003),
    one_cycle(40, max_lr=0.1, pct_start=0.25, div_factor=10.0, final_div_factor=100.0),
    one_cycle(37, max_lr=0.05, pct_start=0.5, div_factor=4.0, final_div_factor=1.0),
    one_cycle(20, max_lr=1.0, pct_start=0.9, div_factor=1.0, final_div_factor=10.0),
]

with open("schedules.json", "w") as file:
    def lines(cases):
        return "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]"

    file.write(
        f'{{"keras": "{keras.__version__}", "tensorflow": "{tf.__version__}", "torch": "{torch.__version__}",\n'
        f'"schedules": {lines(schedules)},\n"fits": {lines(fits)},\n"schedulers": {lines(schedulers)},\n'
        f'"one_cycle": {lines(one_cycles)}}}\n')

for case in schedules:
    largest = max(case["exact"])
    ulp = np.spacing(np.float32(largest))
    rest = [abs(k - e) for i, (k, e) in enumerate(zip(case["keras"], case["exact"])) if i not in case["moved"]]
    print(case["name"], case["arguments"], f"largest difference {max(rest) / ulp:.2f} ulp", "moved", case["moved"])
