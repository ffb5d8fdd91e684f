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

# Special functions.
SPECIAL = {
    "log1p": (torch.log1p, -0.9, 3), "expm1": (torch.expm1, -2, 2), "log2": (torch.log2, 0.05, 4), "log10": (torch.log10, 0.05, 4), "exp2": (torch.exp2, -3, 3),
    "tan": (torch.tan, -1.4, 1.4), "asin": (torch.asin, -0.9, 0.9), "acos": (torch.acos, -0.9, 0.9), "atan": (torch.atan, -4, 4), "sinh": (torch.sinh, -2, 2),
    "cosh": (torch.cosh, -2, 2), "asinh": (torch.asinh, -5, 5), "acosh": (torch.acosh, 1.1, 5), "atanh": (torch.atanh, -0.9, 0.9), "erfinv": (torch.erfinv, -0.95, 0.95),
    "erfc": (torch.erfc, -1.5, 1.5), "lgamma": (torch.lgamma, 0.1, 14), "digamma": (torch.digamma, 0.2, 14), "logit": (torch.logit, 0.05, 0.95),
    "trunc": (torch.trunc, -3, 3), "frac": (torch.frac, -3, 3)}
for name, (fn, low, high) in SPECIAL.items():
    add(name, fn, [tensor(rng, (3, 4), low, high)])
add("log1p", torch.log1p, [torch.tensor([1e-9, -3e-7, 2e-5, 1e-3])])
add("expm1", torch.expm1, [torch.tensor([1e-9, -3e-7, 2e-5, 1e-3])])
# PyTorch 1.13 computes n = 1 to 9 digits only; test/tensor/special.test.ts has exact values of it.
for n in (2, 3):
    add("polygamma", lambda x: torch.polygamma(n, x), [tensor(rng, (6,), 0.7, 14)], {"n": n})
for a, b in (((3, 4), (3, 4)), ((2, 1), (3,))):
    add("atan2", torch.atan2, [tensor(rng, a), tensor(rng, b)])
    add("hypot", torch.hypot, [tensor(rng, a), tensor(rng, b)])
    add("xlogy", torch.xlogy, [tensor(rng, a), tensor(rng, b, 0.2, 3)])
    add("logaddexp", torch.logaddexp, [tensor(rng, a), tensor(rng, b)])
    add("floorDivide", torch.floor_divide, [tensor(rng, a, -5, 5), tensor(rng, b, 0.3, 2)], differentiable=False)
    for weight in (0.25, 0.75):
        add("lerp", lambda x, y: torch.lerp(x.expand(torch.broadcast_shapes(a, b)), y.expand(torch.broadcast_shapes(a, b)), weight), [tensor(rng, a), tensor(rng, b)], {"weight": weight})
    for value in (1, -0.5):
        add("addcmul", lambda x, y, z: torch.addcmul(x, y, z, value=value), [tensor(rng, a), tensor(rng, a), tensor(rng, b)], {"value": value})
        add("addcdiv", lambda x, y, z: torch.addcdiv(x, y, z, value=value), [tensor(rng, a), tensor(rng, a), tensor(rng, b, 0.4, 2)], {"value": value})
for p in (0, 1, 2, 3, 0.5, "inf", "-inf"):
    for dim, keepdim in ((None, False), (0, True), (-1, False), ([0, 2], False)):
        order = float(p)
        add("normP", lambda x: torch.linalg.vector_norm(x, order, dim=dim, keepdim=keepdim), [distinct(rng, (2, 3, 4))], {"p": p, "dim": dim, "keepdim": keepdim}, differentiable=p != 0)
for correction in (0, 1, 2):
    for dim in (0, [0, 1], None):
        args = {"correction": correction, "dim": dim}
        for name, fn in (("varCorrection", torch.var), ("stdCorrection", torch.std)):
            add(name, lambda x: fn(x, dim=dim if dim is not None else (0, 1), correction=correction), [tensor(rng, (3, 4))], args)
flush("tensor-special.json")
