"""Writes vectors/nn-capsules.json: capsules, NAC and NALU, which PyTorch does not have, by NumPy loops written from the papers; their
gradients by central differences. And vectors/nn-init.json: initialisers of torch.nn.init that are exact, deviations of the others."""
import math
import random

import numpy as np
import torch

from golden import pack, tensor, write

rng = random.Random(53)
cases = []


def draw(*shape):
    return np.array(tensor(rng, shape, -1.5, 1.5).tolist()).reshape(shape)


def packed(a):
    return {"shape": list(a.shape), "dtype": "f64", "data": a.reshape(-1).tolist()}


def case(layer, args, fn, state, x):
    """fn(state, x): gradients of a weighted sum of its output at x and at each array of the state."""
    y = fn(state, x)
    upstream = draw(*y.shape)

    def slope(target, name):
        out = np.zeros(target.size)
        for i in range(target.size):
            values = []
            for h in (1e-5, -1e-5):
                moved = target.copy()
                moved.reshape(-1)[i] += h
                values.append((fn(state, moved) if name is None else fn({**state, name: moved}, x)).reshape(-1) @ upstream.reshape(-1))
            out[i] = (values[0] - values[1]) / 2e-5
        return out.tolist()

    cases.append({
        "layer": layer, "args": args, "state": {k: packed(v) for k, v in state.items()}, "input": packed(x), "output": packed(y),
        "upstream": upstream.reshape(-1).tolist(), "grad": slope(x, None), "parameterGrads": {k: slope(v, k) for k, v in state.items()},
    })


def squash(s):
    n = np.linalg.norm(s)
    return n**2 / (1 + n**2) * s / n


def routing(state, x, out, dim, rounds):
    w = state["weight"]
    n, inputs, _ = x.shape
    result = np.zeros((n, out, dim))
    for b in range(n):
        predicted = [[w[i].reshape(out, dim, -1)[j] @ x[b, i] for j in range(out)] for i in range(inputs)]
        logits = np.zeros((inputs, out))
        for _ in range(rounds):
            shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            v = [squash(sum(shares[i, j] * predicted[i][j] for i in range(inputs))) for j in range(out)]
            for i in range(inputs):
                for j in range(out):
                    logits[i, j] += predicted[i][j] @ v[j]
        result[b] = v
    return result


for rounds in (1, 2, 3):
    case("capsules", [4, 3, 2, 5, {"routings": rounds}], lambda s, x: routing(s, x, 2, 5, rounds), {"weight": draw(4, 10, 3)}, draw(2, 4, 3))


def primary(state, x, groups, dim):
    w, b = state["conv.weight"], state["conv.bias"]
    n, _, height, width = x.shape
    h, wd = height - w.shape[2] + 1, width - w.shape[3] + 1
    out = []
    for item in x:
        for g in range(groups):
            for r in range(h):
                for c in range(wd):
                    window = item[:, r:r + w.shape[2], c:c + w.shape[3]]
                    out.append(squash(np.array([(w[g * dim + d] * window).sum() + b[g * dim + d] for d in range(dim)])))
    return np.array(out).reshape(n, groups * h * wd, dim)


case("primaryCapsules", [2, 2, 3, 2], lambda s, x: primary(s, x, 2, 3), {"conv.weight": draw(6, 2, 2, 2), "conv.bias": draw(6)}, draw(1, 2, 3, 4))

sigmoid = lambda z: 1 / (1 + np.exp(-z))
nac = lambda s, x: x @ (np.tanh(s["wHat"]) * sigmoid(s["mHat"])).T


def nalu(s, x):
    w = np.tanh(s["nac.wHat"]) * sigmoid(s["nac.mHat"])
    gate = sigmoid(x @ s["gate"].T)
    return gate * (x @ w.T) + (1 - gate) * np.exp(np.log(np.abs(x) + 1e-7) @ w.T)


case("nac", [3, 2], nac, {"wHat": draw(2, 3), "mHat": draw(2, 3)}, draw(4, 3))
case("nalu", [3, 2], nalu, {"gate": draw(2, 3), "nac.wHat": draw(2, 3), "nac.mHat": draw(2, 3)}, draw(4, 3))


def margin(s, x):
    labels = [1, 0]
    out = []
    for lengths, label in zip(x, labels):
        out.append(sum(max(0, 0.9 - l) ** 2 if k == label else 0.5 * max(0, l - 0.1) ** 2 for k, l in enumerate(lengths)))
    return np.array([np.mean(out)])


case("capsuleMarginLoss", [], margin, {}, np.array([[0.3, 0.95, 0.05], [0.4, 0.2, 0.7]]))
write("nn-capsules.json", cases, script="nn_capsules.py")

I = torch.nn.init
torch.manual_seed(3)
inits = []
for shape in ((3, 5), (4, 2)):
    inits.append({"init": "eye_", "args": [], "output": pack(I.eye_(torch.empty(shape)))})
for shape, groups in (((4, 2, 3), 1), ((4, 2, 3), 2), ((3, 4, 2, 3), 1), ((6, 2, 3, 3), 3)):
    inits.append({"init": "dirac_", "args": [{"groups": groups}], "output": pack(I.dirac_(torch.empty(shape), groups=groups))})
for args in ((0, 1, -2, 2), (1, 2, 0, 1.5), (0.5, 0.1, 0.55, 3)):
    t = I.trunc_normal_(torch.empty(200000), *args)
    inits.append({"init": "truncNormal_", "args": list(args), "mean": t.mean().item(), "std": t.std().item()})
for name in ("linear", "conv1d", "conv_transpose2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
    inits.append({"init": "calculateGain", "args": [name], "gain": I.calculate_gain(name)})
inits.append({"init": "calculateGain", "args": ["leaky_relu", 0.3], "gain": I.calculate_gain("leaky_relu", 0.3)})
write("nn-init.json", inits, script="nn_capsules.py")
