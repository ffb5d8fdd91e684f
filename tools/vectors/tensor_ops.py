"""Writes vectors/tensor-*.json: the methods of Tensor beyond those of ops.json, forward and gradients."""
import random

import torch
import torch.nn.functional as F

from golden import case, distinct, tensor, write

rng = random.Random(11)
cases = []


def add(op, fn, inputs, args=None, differentiable=True):
    cases.append(case(op, fn, inputs, args, rng, differentiable))


def short(x):
    """Floats to 13 significant digits: far below the tolerance of the tests, and a third shorter."""
    if isinstance(x, dict):
        return {k: short(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [short(v) for v in x]
    return float("%.13g" % x) if isinstance(x, float) else x


def flush(name):
    write(name, short(cases), script="tensor_ops.py")
    cases.clear()


# Convolutions, transposed ones, pools, padding.
CONV1D = [((2, 3, 7), (4, 3, 3), 1, 0, 1, 1), ((1, 4, 9), (6, 2, 2), 2, 1, 2, 2), ((4, 6), (2, 4, 3), 1, 1, 1, 1), ((2, 2, 5), (4, 1, 1), 3, 0, 1, 2)]
for x, w, stride, padding, dilation, groups in CONV1D:
    args = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    add("conv1d", lambda a, b, c: F.conv1d(a, b, c, **args), [tensor(rng, x), tensor(rng, w), tensor(rng, (w[0],))], args)
for kernel, dilation in ((3, 1), (4, 1), (2, 3), (1, 2)):
    for padding in ("same", "valid"):
        args = {"stride": 1, "padding": padding, "dilation": dilation, "groups": 1}
        add("conv1d", lambda a, b: F.conv1d(a, b, None, **args), [tensor(rng, (1, 2, 9)), tensor(rng, (2, 2, kernel))], args)
for kernel, dilation in (((3, 2), (1, 1)), ((2, 4), (1, 2))):
    for padding in ("same", "valid"):
        args = {"stride": [1, 1], "padding": padding, "dilation": list(dilation), "groups": 1}
        add("conv2d", lambda a, b: F.conv2d(a, b, None, (1, 1), padding, dilation), [tensor(rng, (1, 2, 5, 7)), tensor(rng, (2, 2) + kernel)], args)
args = {"stride": [1, 2], "padding": [1, 0], "dilation": [1, 1], "groups": 1}
add("conv2d", lambda a, b: F.conv2d(a, b, None, (1, 2), (1, 0)), [tensor(rng, (2, 4, 5)), tensor(rng, (3, 2, 3, 2))], args)

TRANSPOSE1D = [((2, 3, 4), (3, 2, 3), 1, 0, 0, 1, 1), ((1, 4, 5), (4, 3, 2), 3, 1, 2, 1, 2), ((3, 4), (3, 2, 3), 2, 1, 1, 2, 1), ((1, 2, 3), (2, 2, 2), 1, 0, 1, 3, 1), ((1, 2, 3), (2, 1, 3), 2, 0, 2, 3, 2)]
for x, w, stride, padding, extra, dilation, groups in TRANSPOSE1D:
    args = {"stride": stride, "padding": padding, "outputPadding": extra, "dilation": dilation, "groups": groups}
    add("convTranspose1d", lambda a, b, c: F.conv_transpose1d(a, b, c, stride, padding, extra, groups, dilation), [tensor(rng, x), tensor(rng, w), tensor(rng, (w[1] * groups,))], args)
TRANSPOSE2D = [
    ((2, 3, 4, 3), (3, 2, 3, 2), (1, 1), (0, 0), (0, 0), (1, 1), 1), ((1, 4, 3, 5), (4, 3, 2, 3), (2, 3), (1, 0), (1, 2), (1, 1), 2),
    ((2, 3, 4), (2, 4, 4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1), ((1, 2, 3, 3), (2, 1, 3, 2), (2, 1), (1, 0), (0, 1), (1, 2), 2),
    ((1, 2, 2, 3), (2, 3, 1, 1), (3, 2), (0, 0), (2, 1), (1, 1), 1), ((1, 2, 3, 4), (2, 3, 2, 3), (1, 2), (1, 2), (2, 1), (3, 2), 1)]
for x, w, stride, padding, extra, dilation, groups in TRANSPOSE2D:
    args = {"stride": stride, "padding": padding, "outputPadding": extra, "dilation": dilation, "groups": groups}
    add("convTranspose2d", lambda a, b, c: F.conv_transpose2d(a, b, c, stride, padding, extra, groups, dilation), [tensor(rng, x), tensor(rng, w), tensor(rng, (w[1] * groups,))], args)

for shape, kernel, stride, padding in (((2, 3, 7), 3, 2, 1), ((2, 6), 2, 2, 0), ((1, 1, 5), 4, 1, 2)):
    args = {"kernel": kernel, "stride": stride, "padding": padding}
    add("maxPool1d", lambda x: F.max_pool1d(x, kernel, stride, padding), [distinct(rng, shape)], args)
    for include in (True, False):
        args = {**args, "countIncludePad": include}
        add("avgPool1d", lambda x: F.avg_pool1d(x, kernel, stride, padding, False, include), [tensor(rng, shape)], args)
for shape, size in (((2, 2, 6), 3), ((2, 2, 7), 3), ((3, 5), 8), ((1, 1, 10), 4), ((1, 2, 4), 1), ((1, 1, 3), 3)):
    add("adaptiveAvgPool1d", lambda x: F.adaptive_avg_pool1d(x, size), [tensor(rng, shape)], {"size": size})
    add("adaptiveMaxPool1d", lambda x: F.adaptive_max_pool1d(x, size), [distinct(rng, shape)], {"size": size})
for shape, size in (((2, 2, 6, 4), [3, 2]), ((1, 2, 7, 5), [3, 2]), ((2, 5, 6), [4, 3]), ((1, 1, 3, 4), [5, 7]), ((1, 2, 4, 6), [None, 4]), ((1, 2, 5, 3), [1, 1])):
    add("adaptiveAvgPool2d", lambda x: F.adaptive_avg_pool2d(x, size), [tensor(rng, shape)], {"size": size})
    add("adaptiveMaxPool2d", lambda x: F.adaptive_max_pool2d(x, size), [distinct(rng, shape)], {"size": size})
for mode in ("reflect", "replicate", "circular"):
    for shape, padding in (((1, 2, 5), [2, 1]), ((1, 2, 4, 3), [1, 2, 2, 0]), ((1, 1, 3, 4), [0, 1, 2, 2])):
        add("padMode", lambda x: F.pad(x, padding, mode=mode), [tensor(rng, shape)], {"padding": padding, "mode": mode})
for padding in ([-1, 2], [1, -1, -2, 0], [-1, -1]):
    add("padMode", lambda x: F.pad(x, padding, value=1.5), [tensor(rng, (4, 5))], {"padding": padding, "mode": "constant", "value": 1.5})
flush("tensor-spatial.json")
