"""Writes vectors/tensor-*.json: the methods of Tensor beyond those of ops.json, forward and gradients."""
import random

import torch
import torch.nn.functional as F

from golden import case, distinct, short, tensor, write

rng = random.Random(11)
cases = []


def add(op, fn, inputs, args=None, differentiable=True):
    cases.append(case(op, fn, inputs, args, rng, differentiable))


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
for shape, kernel, stride, padding in (((1, 2, 6, 7), (3, 2), (2, 2), (1, 1)), ((1, 1, 5, 4), (2, 3), (2, 2), (0, 1)), ((1, 1, 6, 6), (2, 2), (2, 2), (0, 0)), ((1, 1, 5, 5), (3, 3), (3, 3), (1, 0))):
    args = {"kernel": list(kernel), "stride": list(stride), "padding": list(padding), "ceilMode": True}
    add("maxPool2dCeil", lambda x: F.max_pool2d(x, kernel, stride, padding, 1, True), [distinct(rng, shape)], args)
    for include in (True, False):
        args = {**args, "countIncludePad": include}
        add("avgPool2dCeil", lambda x: F.avg_pool2d(x, kernel, stride, padding, True, include), [tensor(rng, shape)], args)
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
# PyTorch 1.13 computes polygamma of order 1, the derivative of digamma, to 9 digits only: test/tensor/special.test.ts has exact values.
for name, (fn, low, high) in SPECIAL.items():
    add(name, fn, [tensor(rng, (3, 4), low, high)], differentiable=name != "digamma")
add("log1p", torch.log1p, [torch.tensor([1e-9, -3e-7, 2e-5, 1e-3])])
add("expm1", torch.expm1, [torch.tensor([1e-9, -3e-7, 2e-5, 1e-3])])
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

# Arranging, indexing, order.
t234 = lambda: tensor(rng, (2, 3, 4))
for shifts, dims in ((2, None), (1, 0), ([-1, 2], [1, 2]), (7, -1)):
    add("roll", lambda x: torch.roll(x, shifts, dims) if dims is not None else torch.roll(x, shifts), [t234()], {"shifts": shifts, "dims": dims})
for counts in ([2], [2, 1, 3], [2, 1, 1, 2]):
    add("tile", lambda x: torch.tile(x, counts), [tensor(rng, (2, 3))], {"counts": counts})
for times, dim in ((2, None), (3, 1), ([1, 0, 2], 1)):
    add("repeatInterleave", lambda x: torch.repeat_interleave(x, torch.tensor(times), dim), [tensor(rng, (2, 3))], {"times": times, "dim": dim})
for source, to in ((0, 2), ([0, 1], [-1, 0]), (-1, 0)):
    add("movedim", lambda x: torch.movedim(x, source, to), [t234()], {"from": source, "to": to})
add("unflatten", lambda x: x.unflatten(1, (2, -1)), [tensor(rng, (2, 6, 2))], {"dim": 1, "sizes": [2, -1]})
for offset, a, b in ((0, 0, 1), (1, 0, 1), (-2, 1, 2), (2, 2, 0), (5, 0, 1)):
    add("diagonal", lambda x: torch.diagonal(x, offset, a, b), [t234()], {"offset": offset, "dims": [a, b]})
for offset in (-1, 0, 2):
    add("diag", lambda x: torch.diag(x, offset), [tensor(rng, (3,))], {"offset": offset})
    add("diag", lambda x: torch.diag(x, offset), [tensor(rng, (3, 4))], {"offset": offset})
    add("diagEmbed", lambda x: torch.diag_embed(x, offset), [tensor(rng, (2, 3))], {"offset": offset})
add("trace", torch.trace, [tensor(rng, (3, 4))])
for dim, size, step in ((0, 2, 1), (2, 3, 2), (-1, 4, 1)):
    add("unfold", lambda x: x.unfold(dim, size, step), [tensor(rng, (4, 2, 7))], {"dim": dim, "size": size, "step": step})
for kernel, options in ((2, {}), ([3, 2], {"stride": [2, 1], "padding": [1, 0]}), ([2, 2], {"dilation": [2, 1], "padding": 1})):
    add("im2col", lambda x: F.unfold(x, kernel, **options), [tensor(rng, (2, 2, 5, 4))], {"kernel": kernel, **options})
add("fliplr", torch.fliplr, [t234()])
add("flipud", torch.flipud, [t234()])

I = lambda *v: torch.tensor(v)
INDICES = [
    ((5, 4), (slice(1, 4), 2)), ((5, 4), (slice(None, None, -1),)), ((5, 4), (slice(4, 0, -2), slice(-3, None))), ((2, 3, 4), (Ellipsis, None, 1)),
    ((2, 3, 4), (None, slice(None), -1)), ((5, 4), (I(3, -1, 0),)), ((5, 4), (slice(None), I([1, 3], [0, 0]))), ((2, 3, 4), (I(0, 1), I(2, 0))),
    ((2, 3, 4), (I(1, 0), slice(None), I(3, -4))), ((2, 3, 4, 2), (slice(None), I([0], [2]), I(1, 3, 3), slice(None))), ((3, 4), (I(2, 0, 2), None, slice(0, 3))),
    ((2, 3, 4), (1, slice(None), I(0, 2))), ((2, 3, 4), (torch.tensor(1), slice(None), I(0, 2))), ((2, 3, 4), (I(0, 1), torch.tensor(-1), I([2], [0]))), ((4, 3), (torch.tensor(2),)), ((4, 3), (slice(3, 3),)), ((2, 3, 4), (I(0, 1, 1), Ellipsis))]
# Python slices with negative steps are written as a flip: torch.Tensor refuses them.


def numpy_index(x, spec):
    out = x
    dims = 0
    spec2 = []
    for s in spec:
        if isinstance(s, slice) and s.step is not None and s.step < 0:
            n = x.shape[dims]
            spec2.append(torch.tensor(list(range(n))[s], dtype=torch.long))
        else:
            spec2.append(s)
        if s is not None and s is not Ellipsis:
            dims += 1
    for d, s in enumerate(spec2):
        if isinstance(spec[d], slice) and spec[d].step is not None and spec[d].step < 0:
            out = out.index_select(d, s)
            spec2[d] = slice(None)
    return out[tuple(spec2)]


def pack_index(spec):
    from golden import pack
    out = []
    for s in spec:
        if s is Ellipsis:
            out.append("...")
        elif s is None or isinstance(s, int):
            out.append(s)
        elif isinstance(s, slice):
            out.append([s.start, s.stop, s.step if s.step is not None else 1])
        else:
            out.append(pack(s))
    return out


for shape, spec in INDICES:
    add("index", lambda x: numpy_index(x, spec), [tensor(rng, shape)], {"index": pack_index(spec)})
for accumulate in (False, True):
    for shape, spec, vshape in (((5, 4), (I(3, 0),), (4,)), ((5, 4), (slice(1, 3), I(2, 0)), (2, 2)), ((2, 3, 4), (I(1, 0), slice(None), I(3, 0)), (2, 3)), ((4, 3), (Ellipsis, 1), ())):
        def put(x, v):
            y = x.clone()
            flat = torch.arange(x.numel()).reshape(x.shape)[tuple(spec)]
            return y.reshape(-1).index_put((flat,), v.expand(flat.shape), accumulate).reshape(x.shape)
        add("indexPut", put, [tensor(rng, shape), tensor(rng, vshape)], {"index": pack_index(spec), "accumulate": accumulate})
dup = I(1, 1, -2)
add("indexPut", lambda x, v: x.index_put((dup,), v, True), [tensor(rng, (4, 2)), tensor(rng, (3, 2))], {"index": pack_index((dup,)), "accumulate": True})
place = I([0, 5], [-1, 3])
from golden import pack
add("take", lambda x: torch.take(x, place), [tensor(rng, (2, 3))], {"index": pack(place)})
along = I([[1], [0], [2]]).reshape(1, 3, 1)
add("takeAlongDim", lambda x: torch.take_along_dim(x, along, 2), [t234()], {"index": pack(along), "dim": 2})
where = I([0, 2], [3, 1], [1, 0])
add("scatter", lambda x, s: torch.scatter(x, 1, where, s), [tensor(rng, (3, 4)), tensor(rng, (3, 2))], {"index": pack(where), "dim": 1})
add("scatter", lambda x, s: torch.scatter(x, 0, where.T, s), [tensor(rng, (4, 3)), tensor(rng, (2, 3))], {"index": pack(where.T.contiguous()), "dim": 0})
add("scatterValue", lambda x: torch.scatter(x, 1, where, 2.5), [tensor(rng, (3, 4))], {"index": pack(where), "dim": 1, "value": 2.5})
rows = I(2, 0)
for dim in (0, 1):
    add("indexFill", lambda x: torch.index_fill(x, dim, rows, -1.5), [tensor(rng, (3, 4))], {"index": pack(rows), "dim": dim, "value": -1.5})
    add("indexCopy", lambda x, s: torch.index_copy(x, dim, rows, s), [tensor(rng, (3, 4)), tensor(rng, (2, 4) if dim == 0 else (3, 2))], {"index": pack(rows), "dim": dim})

for k, largest in ((2, True), (3, False), (0, True), (4, True)):
    for dim in (0, -1):
        args = {"k": k, "largest": largest, "dim": dim}
        add("topk", lambda x: torch.topk(x, k, dim, largest).values, [distinct(rng, (5, 4))], args)
        add("topkIndices", lambda x: torch.topk(x, k, dim, largest).indices, [distinct(rng, (5, 4))], args, differentiable=False)
for k, dim, keepdim in ((1, 0, False), (3, -1, True)):
    add("kthvalue", lambda x: torch.kthvalue(x, k, dim, keepdim).values, [distinct(rng, (3, 4))], {"k": k, "dim": dim, "keepdim": keepdim})
for dim, keepdim in ((0, False), (1, True), (None, False)):
    args = {"dim": dim, "keepdim": keepdim}
    add("median", lambda x: x.median() if dim is None else x.median(dim, keepdim).values, [distinct(rng, (3, 4))], args)
    for q in (0.3, [0, 0.5, 1]):
        for how in ("linear", "lower", "higher", "nearest", "midpoint"):
            quantile = torch.tensor(q) if isinstance(q, list) else q
            add("quantile", lambda x: torch.quantile(x, quantile, dim, keepdim, interpolation=how), [distinct(rng, (3, 4))], {"q": q, "interpolation": how, **args})
for dim in (0, 1):
    add("cumprod", lambda x: torch.cumprod(x, dim), [tensor(rng, (3, 5))], {"dim": dim})
    add("logcumsumexp", lambda x: torch.logcumsumexp(x, dim), [tensor(rng, (3, 5), -8, 8)], {"dim": dim})
add("cumprod", lambda x: torch.cumprod(x, 0), [I(1.5, 0, -2, 0, 3)], {"dim": 0})
for p in (1, 2, "inf", 3):
    add("cdist", lambda x, y: torch.cdist(x, y, float(p)), [tensor(rng, (2, 3, 4)), tensor(rng, (2, 2, 4))], {"p": p})
flush("tensor-index.json")

EINSUM = [
    ("ij,jk->ik", (3, 4), (4, 2)), ("ij,jk", (3, 4), (4, 2)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)), ("ii", (3, 3)),
    ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("i,j->ij", (3,), (4,)), ("i,i", (3,), (3,)), ("ij->ji", (2, 3)), ("ba", (2, 3)), ("ij->", (2, 3)), ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,kj->ik", (2, 3), (4, 3)), ("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("a,b,c->cab", (2,), (3,), (2,)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 2), (2, 2)), ("...->...", (2, 3)), ("i...->...", (2, 3, 2)), ("ij,j->i", (1, 3), (3,)), ("ij,ij->j", (1, 3), (4, 3)), ("ijk,ilk->jl", (2, 3, 2), (2, 4, 2)),
    ("Ab,bA->A", (2, 3), (3, 2)), ("... b, b", (2, 2, 3), (3,)), ("aab,bcc->ac", (2, 2, 3), (3, 2, 2))]
for equation, *shapes in EINSUM:
    add("einsum", lambda *xs: torch.einsum(equation, *xs), [tensor(rng, s) for s in shapes], {"equation": equation})
for a, b, dims in (((2, 3, 4), (3, 4, 2), 2), ((2, 3, 4), (4, 2), [[2, 0], [0, 1]]), ((2,), (3,), 0)):
    add("tensordot", lambda x, y: torch.tensordot(x, y, dims), [tensor(rng, a), tensor(rng, b)], {"dims": dims})
for indexing in ("ij", "xy"):
    add("meshgrid", lambda x, y, z: torch.stack(torch.meshgrid(x, y, z, indexing=indexing)), [tensor(rng, (2,)), tensor(rng, (3,)), tensor(rng, (2,))], {"indexing": indexing})
flush("tensor-einsum.json")

# Logic on every kind of dtype: what is not zero is true.
LOGIC = [torch.tensor([0.0, -0.0, 2.5, 0.5]), torch.tensor([0, 1, -3, 7], dtype=torch.int32), torch.tensor([True, False, True, False])]
for a in LOGIC:
    add("logicalNot", torch.logical_not, [a], differentiable=False)
    for b in LOGIC:
        for name, fn in (("logicalAnd", torch.logical_and), ("logicalOr", torch.logical_or), ("logicalXor", torch.logical_xor)):
            add(name, fn, [a, b.flip(0)], differentiable=False)
    add("anyOf", torch.any, [a], differentiable=False)
    add("allOf", torch.all, [a], differentiable=False)
flush("tensor-logic.json")
