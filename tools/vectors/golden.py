"""Golden values from PyTorch: what the scripts beside this one share.

A case is {op, args, inputs, output, upstream, grads}: the op of the given name on the inputs (f64), the gradient `upstream` that
flows into its output, and the gradients of the inputs (null where an input is an integer). Inputs have few digits on purpose:
they are exact in decimal and short. Written with Debian's python3-torch; the version stands in each file.
"""
import json
import os
import random

import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "vectors")
SOURCE = "PyTorch %s, float64, CPU (Debian python3-torch)" % torch.__version__


def tensor(rng, shape, low=-2.0, high=2.0, digits=3):
    """Uniform values with few decimals, so that the JSON holds them exactly enough."""
    size = 1
    for d in shape:
        size *= d
    return torch.tensor([round(rng.uniform(low, high), digits) for _ in range(size)]).reshape(shape)


def distinct(rng, shape, low=-2.0, high=2.0):
    """Values that all differ by at least a step: no ties for maxima and sorts."""
    size = 1
    for d in shape:
        size *= d
    values = [low + (high - low) * (i + 0.5) / size for i in range(size)]
    rng.shuffle(values)
    return torch.tensor([round(v, 4) for v in values]).reshape(shape)


def pack(t):
    if t is None:
        return None
    kind = "f64" if t.is_floating_point() else "bool" if t.dtype == torch.bool else "i32"
    return {"shape": list(t.shape), "dtype": kind, "data": [int(v) for v in t.reshape(-1).tolist()] if kind != "f64" else t.reshape(-1).tolist()}


def case(op, fn, inputs, args=None, rng=None, differentiable=True):
    """Runs fn(*inputs, **args) and its backward pass."""
    rng = rng or random.Random(1)
    leaves = [x.clone().requires_grad_() if x.is_floating_point() and differentiable else x for x in inputs]
    out = fn(*leaves)
    row = {"op": op, "args": args or {}, "inputs": [pack(x) for x in inputs], "output": pack(out.detach())}
    if differentiable:
        upstream = tensor(rng, list(out.shape), -1, 1, 2)
        out.backward(upstream)
        row["upstream"] = upstream.reshape(-1).tolist()
        row["grads"] = [x.grad.reshape(-1).tolist() if getattr(x, "grad", None) is not None else None for x in leaves]
    return row


def short(x):
    """Floats to 13 significant digits: far below the tolerance of the tests, and a third shorter."""
    if isinstance(x, dict):
        return {k: short(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [short(v) for v in x]
    return float("%.13g" % x) if isinstance(x, float) else x


def write(name, content, **extra):
    path = os.path.join(ROOT, name)
    os.makedirs(ROOT, exist_ok=True)
    with open(path, "w") as f:
        json.dump({"source": SOURCE, "script": "tools/vectors/" + extra.pop("script"), **extra, "cases": content}, f, separators=(",", ":"))
        f.write("\n")
    print("%s: %d cases, %d bytes" % (name, len(content), os.path.getsize(path)))
