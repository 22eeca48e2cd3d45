"""PyTorch on the processor."""

import shutil

import protocol

chosen = protocol.options(__doc__, variants=("compiled", "uncompiled"))
results = protocol.Results()

import torch  # noqa: E402 - frameworks read their limits when they load

import models  # noqa: E402
import torch_models  # noqa: E402


def compiles():
    """Whether torch.compile is used: where it is faster, and there is the C++ compiler that it needs.

    On two cores of an AMD EPYC (Zen 4), training the model enhanced, it gave 73 to 77 images/s in float32 beside 68 to
    70 without; in bfloat16 102 to 107 beside 112 to 117 without.
    """
    if chosen.variant:
        return chosen.variant == "compiled"
    return chosen.precision == "float32" and shutil.which("g++") is not None


def autocast():
    return torch.autocast("cpu", torch.bfloat16, enabled=chosen.precision == "bfloat16")


def images():
    x = torch.from_numpy(models.images(chosen.batch_size, channels_first=True))
    return x.to(memory_format=torch.channels_last)


def clip(gradients):
    """Shortens each gradient by itself to at most CLIP_NORM, for all of them in few calls."""
    norms = torch._foreach_norm(gradients)
    torch._foreach_mul_(gradients, [torch.clamp(models.CLIP_NORM / (norm + 1e-12), max=1.0) for norm in norms])


def output_loss():
    """Labels and the loss of models with an output per position and class."""
    return (torch.from_numpy(models.labels(chosen.batch_size)),
            torch.nn.functional.binary_cross_entropy_with_logits)


def text_loss():
    """Labels and the loss of models that read column by column."""
    classes, lengths = map(torch.from_numpy, models.texts(chosen.batch_size))
    columns = torch.full((chosen.batch_size,), models.CRNN_COLUMNS, dtype=torch.long)

    def loss(logits, classes):
        return torch.nn.functional.ctc_loss(
            logits.log_softmax(2).transpose(0, 1), classes, columns, lengths, blank=models.CRNN_CLASSES - 1,
            zero_infinity=True)

    return classes, loss


def training_step(model):
    model.train()
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(parameters, lr=models.LEARNING_RATE, amsgrad=True, fused=True)
    x = images()
    y, loss = text_loss() if chosen.model == "crnn" else output_loss()

    def loss_of(x, y):
        with autocast():
            logits = model(x)
        return loss(logits.float(), y)

    if compiles():
        loss_of = torch.compile(loss_of)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(x, y)
        loss.backward()
        clip([parameter.grad for parameter in parameters])
        optimizer.step()
        return loss.item()

    return step


def inference_step(model):
    model.eval()
    x = images()

    def predict(x):
        with autocast():
            return torch.sigmoid(model(x))

    if compiles():
        predict = torch.compile(predict)

    def step():
        with torch.inference_mode():
            predict(x)

    return step


torch.set_num_threads(chosen.threads)
torch.set_num_interop_threads(1)
model = torch_models.build(chosen.model).to(memory_format=torch.channels_last)
step = training_step(model) if chosen.work == "train" else inference_step(model)
protocol.warm_up(step, seconds=4)
protocol.serve(
    results, "PyTorch", f"torch {torch.__version__}", chosen.batch_size,
    lambda seconds, minimum: protocol.timed_steps(step, seconds, minimum), compiled=compiles())
