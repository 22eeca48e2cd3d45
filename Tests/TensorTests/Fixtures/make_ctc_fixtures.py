"""Makes the golden values of ConnectionistTemporalClassificationTests with PyTorch, in float64.

Run in this folder: pip install torch && python make_ctc_fixtures.py
Made with PyTorch 2.15.0. Per case: logits [N, T, C], labels padded with the blank, each image's loss, and the gradient of
the losses' mean by each logit.
"""

import json

import torch

generator = torch.Generator().manual_seed(11)


def case(columns, classes, labels, spread, blank=None):
    blank = classes - 1 if blank is None else blank
    positions = max(map(len, labels))
    padded = torch.tensor([label + [blank] * (positions - len(label)) for label in labels])
    # Numbers that a float has exactly.
    z = (torch.rand(len(labels), columns, classes, generator=generator, dtype=torch.float64) * 2 - 1) * spread
    z = (torch.round(z * 64) / 64).requires_grad_()
    losses = torch.nn.functional.ctc_loss(
        z.log_softmax(-1).transpose(0, 1), padded, torch.full((len(labels),), columns),
        torch.tensor([len(label) for label in labels]), blank=blank, reduction="none", zero_infinity=True)
    losses.mean().backward()
    return dict(
        columns=columns, classes=classes, blank=blank, labels=padded.tolist(), logits=z.detach().flatten().tolist(),
        losses=losses.tolist(), gradient=[float(f"{g:.9g}") for g in z.grad.flatten().tolist()])


def drawn(count, classes, length):
    return torch.randint(0, classes, (count, length), generator=generator).tolist()


cases = [
    # Repeats, an empty label, one that just fits and one that does not.
    case(6, 5, [[0, 1, 2], [], [3, 3], [1, 1, 2, 2], [1, 1, 1, 2, 2]], 3),
    case(25, 11, drawn(4, 10, 4) + [[7, 7, 7, 7, 7]], 5),
    case(20, 9, [[1, 2, 3], [8, 8, 1]], 4, blank=0),
    # As of a trained recogniser: 50 columns, 67 characters, a label of 8.
    case(50, 68, drawn(1, 67, 8), 10),
    # Exponents far outside of a double's.
    case(12, 6, [[0, 1, 1, 2], [4, 3], []], 1000),
    case(40, 3, [[0, 1, 0, 1, 1], [1]], 400),
]

with open("ctc.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
