"""Writes vectors/ops.json: elementwise, reduction, product, movement and index ops, forward and gradients."""
import random

import torch

import golden
from golden import case, distinct, tensor, write

rng = random.Random(7)
cases = []


def add(op, fn, inputs, args=None, differentiable=True):
    cases.append(case(op, fn, inputs, args, rng, differentiable))


SHAPES = [(), (1,), (7,), (3, 5), (2, 3, 4)]
UNARY = {
    "neg": (torch.neg, -2, 2), "abs": (torch.abs, -2, 2), "exp": (torch.exp, -3, 3), "log": (torch.log, 0.05, 4), "sqrt": (torch.sqrt, 0.05, 4),
    "rsqrt": (torch.rsqrt, 0.05, 4), "reciprocal": (torch.reciprocal, 0.2, 3), "sin": (torch.sin, -6, 6), "cos": (torch.cos, -6, 6),
    "tanh": (torch.tanh, -3, 3), "sigmoid": (torch.sigmoid, -6, 6), "erf": (torch.erf, -2, 2), "floor": (torch.floor, -3, 3),
    "ceil": (torch.ceil, -3, 3), "round": (torch.round, -3, 3), "sign": (torch.sign, -2, 2), "relu": (torch.relu, -2, 2), "square": (torch.square, -2, 2),
    "silu": (torch.nn.functional.silu, -4, 4), "softplus": (torch.nn.functional.softplus, -6, 6), "logSigmoid": (torch.nn.functional.logsigmoid, -6, 6),
    "leakyRelu": (lambda x: torch.nn.functional.leaky_relu(x, 0.01), -2, 2),
}
for name, (fn, low, high) in UNARY.items():
    for shape in ((7,), (3, 5)):
        x = tensor(rng, shape, low, high)
        add(name, fn, [torch.where(x == 0, torch.full_like(x, 0.5), x)])
for shape in SHAPES:
    add("exp", torch.exp, [tensor(rng, shape)])
for approximate in ("none", "tanh"):
    add("gelu", lambda x: torch.nn.functional.gelu(x, approximate=approximate), [tensor(rng, (4, 5), -3, 3)], {"approximate": approximate})

BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum, "minimum": torch.minimum}
PAIRS = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 5)), ((2, 3, 4), (3, 1)), ((), (2, 3)), ((2, 1, 3), (5, 1))]
for name, fn in BINARY.items():
    for a, b in PAIRS:
        y = tensor(rng, b, 0.3, 2)
        add(name, fn, [tensor(rng, a), y])
for a, b in PAIRS[:4]:
    add("pow", torch.pow, [tensor(rng, a, 0.2, 2), tensor(rng, b)])
    add("fmod", torch.fmod, [tensor(rng, a, -5, 5), tensor(rng, b, 0.4, 2)], differentiable=False)
    add("remainder", torch.remainder, [tensor(rng, a, -5, 5), tensor(rng, b, -2, -0.4)], differentiable=False)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        add(name, getattr(torch, name), [tensor(rng, a, -1, 1, 0), tensor(rng, b, -1, 1, 0)], differentiable=False)
    add("where", lambda x, y: torch.where(x > y, x, y * 2), [tensor(rng, a), tensor(rng, b)])
for exponent in (2, 0.5, -1, 3, 1.5):
    add("powScalar", lambda x: x.pow(exponent), [tensor(rng, (6,), 0.2, 2)], {"exponent": exponent})
for low, high in ((-1, 1), (None, 0.5), (-0.5, None)):
    add("clamp", lambda x: x.clamp(low, high), [tensor(rng, (3, 5))], {"min": low, "max": high})

REDUCE = {"sum": torch.sum, "mean": torch.mean, "amax": torch.amax, "amin": torch.amin}
for name, fn in REDUCE.items():
    for dims in ([0], [1], [2], [0, 2], [-1], [0, 1, 2]):
        for keepdim in (False, True):
            add(name, lambda x: fn(x, dim=dims, keepdim=keepdim), [distinct(rng, (2, 3, 4))], {"dim": dims, "keepdim": keepdim})
for dim in (0, 1, -1):
    for keepdim in (False, True):
        args = {"dim": dim, "keepdim": keepdim}
        add("prod", lambda x: torch.prod(x, dim=dim, keepdim=keepdim), [tensor(rng, (3, 4))], args)
        add("var", lambda x: torch.var(x, dim=dim, keepdim=keepdim), [tensor(rng, (3, 4))], args)
        add("std", lambda x: torch.std(x, dim=dim, keepdim=keepdim), [tensor(rng, (3, 4))], args)
        add("logsumexp", lambda x: torch.logsumexp(x, dim=dim, keepdim=keepdim), [tensor(rng, (3, 4), -5, 5)], args)
        add("norm", lambda x: torch.linalg.vector_norm(x, 2, dim=dim, keepdim=keepdim), [tensor(rng, (3, 4))], args)
        add("argmax", lambda x: torch.argmax(x, dim=dim, keepdim=keepdim), [distinct(rng, (3, 4))], args, differentiable=False)
        add("argmin", lambda x: torch.argmin(x, dim=dim, keepdim=keepdim), [distinct(rng, (3, 4))], args, differentiable=False)
for dim in (0, 1, 2):
    for shape in ((2, 3, 4), (4, 1, 5)):
        add("cumsum", lambda x: torch.cumsum(x, dim), [tensor(rng, shape)], {"dim": dim})
        add("softmax", lambda x: torch.softmax(x, dim), [tensor(rng, shape, -6, 6)], {"dim": dim})
        add("logSoftmax", lambda x: torch.log_softmax(x, dim), [tensor(rng, shape, -6, 6)], {"dim": dim})
for dim in (0, 1):
    for descending in (False, True):
        args = {"dim": dim, "descending": descending}
        add("sort", lambda x: torch.sort(x, dim, descending).values, [distinct(rng, (4, 5))], args)
        add("argsort", lambda x: torch.argsort(x, dim, descending), [distinct(rng, (4, 5))], args, differentiable=False)

for a, b in [((3, 4), (4, 5)), ((1, 7), (7, 1)), ((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 3)), ((2, 1, 3, 4), (3, 4, 2)), ((4,), (4,)), ((4,), (4, 3)), ((2, 3, 4), (4,))]:
    add("matmul", torch.matmul, [tensor(rng, a), tensor(rng, b)])
for shape in ((5, 4), (2, 3, 4), (4,)):
    add("linear", torch.nn.functional.linear, [tensor(rng, shape), tensor(rng, (3, 4)), tensor(rng, (3,))])

add("reshape", lambda x: x.reshape(4, 6), [tensor(rng, (2, 3, 4))], {"shape": [4, 6]})
for dims in ([2, 0, 1], [1, 0, 2], [2, 1, 0]):
    add("permute", lambda x: x.permute(dims), [tensor(rng, (2, 3, 4))], {"dims": dims})
add("expand", lambda x: x.expand(2, 3, 4), [tensor(rng, (3, 1))], {"shape": [2, 3, 4]})
for dims in ([0], [1, 2], [0, 1, 2]):
    add("flip", lambda x: x.flip(dims), [tensor(rng, (2, 3, 4))], {"dims": dims})
for dim, start, length in ((0, 1, 2), (1, 0, 3), (1, 4, 1)):
    add("narrow", lambda x: x.narrow(dim, start, length), [tensor(rng, (4, 5))], {"dim": dim, "start": start, "length": length})
for dim in (0, 1):
    add("cat", lambda *xs: torch.cat(xs, dim), [tensor(rng, (3, 2) if dim else (1, 4)), tensor(rng, (3, 4) if dim else (2, 4)), tensor(rng, (3, 1) if dim else (3, 4))], {"dim": dim})
    add("stack", lambda *xs: torch.stack(xs, dim), [tensor(rng, (2, 3)), tensor(rng, (2, 3))], {"dim": dim})
for padding in ([1, 2], [0, 1, 2, 0], [1, 1, 0, 2]):
    add("pad", lambda x: torch.nn.functional.pad(x, padding), [tensor(rng, (3, 4))], {"padding": padding})
for diagonal in (-1, 0, 2):
    add("tril", lambda x: torch.tril(x, diagonal), [tensor(rng, (4, 5))], {"diagonal": diagonal})
    add("triu", lambda x: torch.triu(x, diagonal), [tensor(rng, (4, 5))], {"diagonal": diagonal})

index = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]])
add("gather", lambda x: torch.gather(x, 1, index), [tensor(rng, (2, 3))], {"dim": 1, "index": golden.pack(index)})
add("gather", lambda x: torch.gather(x, 0, index), [tensor(rng, (3, 4))], {"dim": 0, "index": golden.pack(index)})
add("scatterAdd", lambda x, s: torch.scatter_add(x, 1, index, s), [tensor(rng, (2, 3)), tensor(rng, (2, 4))], {"dim": 1, "index": golden.pack(index)})
chosen = torch.tensor([3, 0, 3, 1, 2])
for dim in (0, 1):
    add("indexSelect", lambda x: torch.index_select(x, dim, chosen), [tensor(rng, (4, 5))], {"dim": dim, "index": golden.pack(chosen)})
    add("indexAdd", lambda x, s: torch.index_add(x, dim, chosen, s), [tensor(rng, (4, 5)), tensor(rng, (5, 5) if dim == 0 else (4, 5))], {"dim": dim, "index": golden.pack(chosen)})

write("ops.json", cases, script="ops.py")
