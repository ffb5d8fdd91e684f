"""Writes vectors/losses.json: losses with every reduction, forward and gradients."""
import random

import torch
import torch.nn.functional as F

import golden
from golden import case, tensor, write

rng = random.Random(13)
cases = []
for reduction in ("mean", "sum", "none"):
    for n, c in ((1, 2), (5, 3), (4, 10)):
        labels = torch.tensor([rng.randrange(c) for _ in range(n)])
        args = {"reduction": reduction, "target": golden.pack(labels)}
        cases.append(case("crossEntropy", lambda x: F.cross_entropy(x, labels, reduction=reduction), [tensor(rng, (n, c), -8, 8)], args, rng))
        cases.append(case("crossEntropy", lambda x: F.cross_entropy(x, labels, reduction=reduction, label_smoothing=0.1), [tensor(rng, (n, c), -8, 8)], {**args, "labelSmoothing": 0.1}, rng))
        cases.append(case("nllLoss", lambda x: F.nll_loss(torch.log_softmax(x, 1), labels, reduction=reduction), [tensor(rng, (n, c), -8, 8)], args, rng))
        probabilities = torch.softmax(tensor(rng, (n, c)), 1)
        cases.append(case("crossEntropy", lambda x: F.cross_entropy(x, probabilities, reduction=reduction), [tensor(rng, (n, c), -8, 8)], {"reduction": reduction, "target": golden.pack(probabilities)}, rng))
    images = torch.tensor([[[rng.randrange(3) for _ in range(2)] for _ in range(4)] for _ in range(2)])
    args = {"reduction": reduction, "target": golden.pack(images)}
    cases.append(case("crossEntropy", lambda x: F.cross_entropy(x, images, reduction=reduction), [tensor(rng, (2, 3, 4, 2), -5, 5)], args, rng))
    for shape in ((6,), (3, 4)):
        cases.append(case("mseLoss", lambda x, y: F.mse_loss(x, y, reduction=reduction), [tensor(rng, shape), tensor(rng, shape)], {"reduction": reduction}, rng))
        cases.append(case("l1Loss", lambda x, y: F.l1_loss(x, y, reduction=reduction), [tensor(rng, shape), tensor(rng, shape, 3, 5)], {"reduction": reduction}, rng))
        cases.append(case("bceWithLogits", lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction=reduction), [tensor(rng, shape, -30, 30), tensor(rng, shape, 0, 1)], {"reduction": reduction}, rng))
write("losses.json", cases, script="losses.py")
