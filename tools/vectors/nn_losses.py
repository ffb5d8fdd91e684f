"""Writes vectors/nn-losses.json and vectors/nn-class-losses.json: every loss of torch.nn with its options, forward and gradients,
corners included; vectors/nn-ctc.json."""
import random

import torch
import torch.nn.functional as F

from golden import case, pack, tensor, write

rng = random.Random(43)
REDUCTIONS = ("mean", "sum", "none")
cases = []


def add(op, fn, inputs, args=None, reductions=REDUCTIONS):
    """One case for each reduction; `fn` takes the inputs and the reduction."""
    for reduction in reductions:
        cases.append(case(op, lambda *x: fn(*x, reduction=reduction), inputs, {**(args or {}), "reduction": reduction}, rng))


def labels(shape, classes):
    size = 1
    for d in shape:
        size *= d
    return torch.tensor([rng.randrange(classes) for _ in range(size)]).reshape(shape)


def signs(shape):
    return labels(shape, 2) * 2.0 - 1


X = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])  # differences from zero: the corners of smooth losses
ZERO = torch.zeros(7)
for beta in (1, 0.5, 0):
    add("smoothL1Loss", lambda x, y, reduction: F.smooth_l1_loss(x, y, reduction=reduction, beta=beta), [X if beta else X + 0.25, ZERO], {"options": {"beta": beta}})  # at beta 0 PyTorch's gradient at 0 is -1, and 0 in l1_loss
    add("smoothL1Loss", lambda x, y, reduction: F.smooth_l1_loss(x, y, reduction=reduction, beta=beta), [tensor(rng, (2, 3)), tensor(rng, (2, 3))], {"options": {"beta": beta}}, ("mean",))
for delta in (1, 0.5, 2):
    add("huberLoss", lambda x, y, reduction: F.huber_loss(x, y, reduction=reduction, delta=delta), [X, ZERO], {"options": {"delta": delta}})
add("l1Loss", lambda x, y, reduction: F.l1_loss(x, y, reduction=reduction), [X, ZERO])
add("mseLoss", lambda x, y, reduction: F.mse_loss(x, y, reduction=reduction), [tensor(rng, (2, 1, 3)), tensor(rng, (2, 1, 3))])

p = torch.softmax(tensor(rng, (3, 4)), 1)
logs = torch.log_softmax(tensor(rng, (3, 4)), 1)
zeros = p.clone()
zeros[1, 2] = 0
add("klDiv", lambda x, reduction: F.kl_div(x, zeros, reduction=reduction), [logs], {"target": pack(zeros)})
add("klDiv", lambda x, y, reduction: F.kl_div(x, y, reduction=reduction), [logs, p], {}, ("mean",))
add("klDiv", lambda x, y, reduction: F.kl_div(x, y, reduction=reduction, log_target=True), [logs, torch.log(p)], {"options": {"logTarget": True}})
cases.append(case("klDiv", lambda x: F.kl_div(x, zeros, reduction="batchmean"), [logs], {"target": pack(zeros), "reduction": "batchMean"}, rng))

rate, count = tensor(rng, (2, 4), 0.1, 3), torch.tensor([[0.0, 1.0, 2.0, 5.0], [1.5, 0.5, 3.0, 1.0]])
for full in (False, True):
    add("poissonNllLoss", lambda x, reduction: F.poisson_nll_loss(x, count, reduction=reduction, full=full), [rate], {"target": pack(count), "options": {"full": full}})
    add("poissonNllLoss", lambda x, reduction: F.poisson_nll_loss(x, count, reduction=reduction, full=full, log_input=False), [rate], {"target": pack(count), "options": {"full": full, "logInput": False}})
    for shape in ((2, 3), (2, 1), (2,)):
        var = tensor(rng, shape, 0.1, 2)
        if full:
            var.reshape(-1)[0] = 0
        add("gaussianNllLoss", lambda x, y, v, reduction: F.gaussian_nll_loss(x, y, v, full=full, eps=0.05, reduction=reduction), [tensor(rng, (2, 3)), tensor(rng, (2, 3)), var], {"options": {"full": full, "eps": 0.05}})

prob, truth, weight = tensor(rng, (3, 4), 0.05, 0.95), tensor(rng, (3, 4), 0, 1), tensor(rng, (4,), 0.2, 2)
add("binaryCrossEntropy", lambda x, y, reduction: F.binary_cross_entropy(x, y, reduction=reduction), [prob, truth])
add("binaryCrossEntropy", lambda x, reduction: F.binary_cross_entropy(x, truth, weight=weight, reduction=reduction), [prob], {"target": pack(truth), "tensors": {"weight": pack(weight)}})
edge = torch.tensor([0.0, 1.0, 0.0, 1.0, 1e-13, 0.5])
add("binaryCrossEntropy", lambda x, reduction: F.binary_cross_entropy(x, torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]), reduction=reduction), [edge], {"target": pack(torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]))})
logits = tensor(rng, (3, 4), -5, 5)
logits[0, 0] = 0
pos = tensor(rng, (4,), 0.2, 3)
add("bceWithLogits", lambda x, y, reduction: F.binary_cross_entropy_with_logits(x, y, reduction=reduction), [logits, truth])
add("bceWithLogits", lambda x, reduction: F.binary_cross_entropy_with_logits(x, truth, weight=weight, reduction=reduction), [logits], {"target": pack(truth), "tensors": {"weight": pack(weight)}})
add("bceWithLogits", lambda x, reduction: F.binary_cross_entropy_with_logits(x, truth, weight=weight, pos_weight=pos, reduction=reduction), [logits], {"target": pack(truth), "tensors": {"weight": pack(weight), "posWeight": pack(pos)}})
yes = labels((3, 4), 2) * 1.0
add("multilabelSoftMarginLoss", lambda x, reduction: F.multilabel_soft_margin_loss(x, yes, reduction=reduction), [logits], {"target": pack(yes)})
add("multilabelSoftMarginLoss", lambda x, reduction: F.multilabel_soft_margin_loss(x, yes, weight=weight, reduction=reduction), [logits], {"target": pack(yes), "tensors": {"weight": pack(weight)}})
sides = signs((3, 4))
add("softMarginLoss", lambda x, reduction: F.soft_margin_loss(x, sides, reduction=reduction), [logits], {"target": pack(sides)})
far = torch.tensor([[0.0, 1.0, 2.0, -1.0], [1.0, 0.5, 1.5, 0.7], [1.0, 1.0, 0.2, 3.0]])
for margin in (1, 0.5):
    add("hingeEmbeddingLoss", lambda x, reduction: F.hinge_embedding_loss(x, sides, margin=margin, reduction=reduction), [far], {"target": pack(sides), "options": {"margin": margin}})

a, b = torch.tensor([0.5, 1.0, -1.0, 2.0, 0.0]), torch.tensor([0.5, 0.5, 1.0, 1.5, 1.0])
order = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0])
for margin in (0, 0.5):
    add("marginRankingLoss", lambda x, y, reduction: F.margin_ranking_loss(x, y, order, margin=margin, reduction=reduction), [a, b], {"target": pack(order), "options": {"margin": margin}})
near = torch.tensor([1.0, -1.0, -1.0])
u, v = tensor(rng, (3, 4)), tensor(rng, (3, 4))
u[2] = 0
for margin in (0, -0.5):
    add("cosineEmbeddingLoss", lambda x, y, reduction: F.cosine_embedding_loss(x, y, near, margin=margin, reduction=reduction), [u, v], {"target": pack(near), "options": {"margin": margin}})
add("cosineEmbeddingLoss", lambda x, y, reduction: F.cosine_embedding_loss(x, y, torch.tensor(1.0), reduction=reduction), [tensor(rng, (4,)), tensor(rng, (4,))], {"target": pack(torch.tensor(1.0))}, ("mean",))
for ours, theirs in (({}, {}), ({"margin": 2, "p": 1}, {"margin": 2, "p": 1}), ({"swap": True, "margin": 3}, {"swap": True, "margin": 3}), ({"p": 3, "eps": 0.01}, {"p": 3, "eps": 0.01})):
    three = [tensor(rng, (3, 4)) for _ in range(3)]
    add("tripletMarginLoss", lambda x, y, z, reduction: F.triplet_margin_loss(x, y, z, reduction=reduction, **theirs), three, {"options": ours})
add("tripletMarginLoss", lambda x, y, z, reduction: F.triplet_margin_loss(x, y, z, reduction=reduction), [tensor(rng, (4,)) for _ in range(3)], {}, ("mean",))
l1 = lambda x, y: (x - y).abs().sum(-1)
add("tripletMarginWithDistanceLoss", lambda x, y, z, reduction: F.triplet_margin_with_distance_loss(x, y, z, distance_function=l1, margin=2, swap=True, reduction=reduction), [tensor(rng, (3, 4)) for _ in range(3)], {"options": {"margin": 2, "swap": True}})

write("nn-losses.json", cases, script="nn_losses.py")

cases = []
scores, classes = tensor(rng, (4, 3)), labels((4,), 3)
scores[0, 0], scores[0, 1] = 0.5, -0.5
cw = tensor(rng, (3,), 0.2, 2)
for options in ({}, {"p": 2}, {"margin": 0.3}):
    add("multiMarginLoss", lambda x, reduction: F.multi_margin_loss(x, classes, reduction=reduction, **options), [scores], {"target": pack(classes), "options": options})
add("multiMarginLoss", lambda x, reduction: F.multi_margin_loss(x, classes, weight=cw, reduction=reduction), [scores], {"target": pack(classes), "tensors": {"weight": pack(cw)}})
add("multiMarginLoss", lambda x, reduction: F.multi_margin_loss(x, torch.tensor(2), reduction=reduction), [tensor(rng, (3,))], {"target": pack(torch.tensor(2))})
several = torch.tensor([[2, 0, -1, 1], [-1, 0, 1, 2], [3, -1, 2, -1], [0, 1, 2, 3]])
add("multilabelMarginLoss", lambda x, reduction: F.multilabel_margin_loss(x, several, reduction=reduction), [tensor(rng, (4, 4))], {"target": pack(several)})
add("multilabelMarginLoss", lambda x, reduction: F.multilabel_margin_loss(x, several[0], reduction=reduction), [tensor(rng, (4,))], {"target": pack(several[0])})

for shape in ((4, 3), (2, 3, 2), (2, 3, 2, 2)):
    y = labels((shape[0], *shape[2:]), 3)
    skip = y.clone()
    skip.reshape(-1)[1] = -100
    soft = torch.softmax(tensor(rng, shape), 1)
    for op, fn, smooth in (("nllLoss", lambda x, t, **o: F.nll_loss(torch.log_softmax(x, 1), t, **o), (0,)), ("crossEntropy", F.cross_entropy, (0, 0.2))):
        for s in smooth:
            more = {"label_smoothing": s} if s else {}
            ours = {"labelSmoothing": s} if s else {}
            add(op, lambda x, reduction: fn(x, y, weight=cw, reduction=reduction, **more), [tensor(rng, shape)], {"target": pack(y), "options": ours, "tensors": {"weight": pack(cw)}})
            add(op, lambda x, reduction: fn(x, skip, reduction=reduction, **more), [tensor(rng, shape)], {"target": pack(skip), "options": {**ours, "ignoreIndex": -100}})
            add(op, lambda x, reduction: fn(x, skip, weight=cw, reduction=reduction, **more), [tensor(rng, shape)], {"target": pack(skip), "options": {**ours, "ignoreIndex": -100}, "tensors": {"weight": pack(cw)}})
            if op == "crossEntropy":
                add(op, lambda x, reduction: fn(x, soft, weight=cw, reduction=reduction, **more), [tensor(rng, shape)], {"target": pack(soft), "options": ours, "tensors": {"weight": pack(cw)}}, ("mean", "none"))
add("crossEntropy", lambda x, reduction: F.cross_entropy(x, torch.tensor(2), reduction=reduction), [tensor(rng, (4,))], {"target": pack(torch.tensor(2))})
add("crossEntropy", lambda x, reduction: F.cross_entropy(x, classes, ignore_index=1, reduction=reduction), [tensor(rng, (4, 3))], {"target": pack(classes), "options": {"ignoreIndex": 1}})
write("nn-class-losses.json", cases, script="nn_losses.py")

# CTC: the gradient is taken behind log_softmax, where PyTorch's and the plain one agree.
cases = []


def ctc(shape, targets, inputs, lengths, **options):
    for reduction in REDUCTIONS:
        args = {"targets": pack(targets), "inputLengths": inputs, "targetLengths": lengths, "options": {"blank": options.get("blank", 0), "zeroInfinity": options.get("zero_infinity", False), "reduction": reduction}}
        x = tensor(rng, shape, -3, 3)
        fn = lambda x: F.ctc_loss(torch.log_softmax(x, -1), targets, inputs, lengths, reduction=reduction, **options)
        row = case("ctcLoss", fn, [x], args, rng, differentiable=options.get("differentiable", True))
        cases.append(row)


ctc((6, 3, 4), torch.tensor([[1, 2, 2], [3, 3, 3], [1, 0, 0]]), [6, 5, 4], [3, 2, 1])
ctc((5, 2, 3), torch.tensor([0, 1, 1]), [5, 4], [1, 2], blank=2)
ctc((4, 2, 3), torch.tensor([[1, 1], [2, 1]]), [4, 3], [0, 2])
ctc((1, 2, 3), torch.tensor([[1], [2]]), [1, 1], [1, 0])
ctc((3, 3, 3), torch.tensor([[1, 1, 2], [1, 2, 1], [1, 1, 1]]), [3, 3, 2], [2, 3, 3], zero_infinity=True)
ctc((9, 1, 5), torch.tensor([[1, 2, 3, 4]]), [9], [4])
write("nn-ctc.json", cases, script="nn_losses.py")
