"""Makes binary_losses.json, in the layout of losses.json; run in this folder with torch 2.

Weighted cross-entropy is PyTorch's own (`pos_weight`); smoothed targets are t(1 - s) + s/2; the adaptive focal loss is
written down as FLSD-53 (Mukhoti et al. 2020) has it, with PyTorch's gradient, the exponent being a constant to it.
"""

import json

import torch

generator = torch.Generator().manual_seed(20241124)
logits = (torch.randn(3, 4, 5, generator=generator, dtype=torch.float64) * 2 * 1000).round() / 1000
labels = torch.randint(0, 5, (3, 4), generator=generator)
targets = torch.nn.functional.one_hot(labels, 5).double()


def adaptive_focal(z, t, gamma=3.0, hard_gamma=5.0, alpha=None):
    probability = torch.sigmoid(z)
    of_target = t * probability + (1 - t) * (1 - probability)
    exponent = torch.where(of_target.detach() < 0.2, hard_gamma, gamma)
    weight = 1.0 if alpha is None else t * alpha + (1 - t) * (1 - alpha)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(z, t, reduction="none")
    return (weight * (1 - of_target) ** exponent * entropy).mean()


def smoothed(z, t, smoothing):
    return torch.nn.functional.binary_cross_entropy_with_logits(z, t * (1 - smoothing) + smoothing / 2)


def weighted(z, t, weight):
    return torch.nn.functional.binary_cross_entropy_with_logits(z, t, pos_weight=torch.tensor(weight, dtype=torch.float64))


cases = [({"name": "bce", "labelSmoothing": s}, lambda z, t, s=s: smoothed(z, t, s)) for s in (0.0, 0.1, 0.5)]
cases += [({"name": "weighted_bce", "positiveWeight": w}, lambda z, t, w=w: weighted(z, t, w)) for w in (0.5, 1.0, 60.0)]
cases += [({"name": "weighted_bce"}, lambda z, t: weighted(z, t, 10.0))]
cases += [
    ({"name": "adaptive_focal"}, adaptive_focal),
    ({"name": "adaptive_focal", "gamma": 1.0, "hardGamma": 2.5}, lambda z, t: adaptive_focal(z, t, 1.0, 2.5)),
    ({"name": "adaptive_focal", "gamma": 0.0, "hardGamma": 1.0, "alpha": 0.75},
     lambda z, t: adaptive_focal(z, t, 0.0, 1.0, 0.75)),
]


def numbers(tensor):
    return [float(value) for value in tensor.detach().flatten()]


result = []
for options, function in cases:
    z = logits.clone().requires_grad_()
    loss = function(z, targets)
    loss.backward()
    shape = [logits.shape[0], logits.shape[1] * logits.shape[2]]
    result.append({
        "name": ", ".join(f"{key} {value}" for key, value in options.items()),
        "loss": options, "logits": {"shape": shape, "values": numbers(logits)}, "labels": labels.tolist(),
        "value": loss.item(), "gradient": {"shape": shape, "values": numbers(z.grad)},
    })
with open("binary_losses.json", "w") as file:
    json.dump({"versions": {"torch": torch.__version__}, "cases": result}, file, separators=(",", ":"))
    file.write("\n")
