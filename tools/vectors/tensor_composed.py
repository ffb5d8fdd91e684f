"""Writes vectors/tensor-composed.json: methods of Tensor that are made of others, forward and gradients."""
import random

import torch

from golden import case, short, tensor, write

rng = random.Random(23)
cases = []


def add(op, fn, inputs, args=None, differentiable=True):
    cases.append(case(op, fn, inputs, args, rng, differentiable))


t = lambda *shape: tensor(rng, shape)
add("t", lambda x: x.t(), [t(2, 3)])
for k, dims in ((1, [0, 1]), (3, [0, 2]), (-2, [2, 1]), (5, [1, 0])):
    add("rot90", lambda x: torch.rot90(x, k, dims), [t(2, 3, 4)], {"k": k, "dims": dims})
add("mv", torch.mv, [t(2, 3), t(3)])
for beta, alpha in ((1, 1), (0.5, -2)):
    args = {"beta": beta, "alpha": alpha}
    add("addmm", lambda x, a, b: torch.addmm(x, a, b, **args), [t(4), t(2, 3), t(3, 4)], args)
    add("baddbmm", lambda x, a, b: torch.baddbmm(x, a, b, **args), [t(2, 1, 4), t(2, 2, 3), t(2, 3, 4)], args)
for a, b in (((2, 3), (2, 2)), ((3,), (2, 2)), ((2, 1, 2), (3,))):
    add("kron", torch.kron, [t(*a), t(*b)])
add("cross", lambda a, b: torch.linalg.cross(a, b, dim=1), [t(2, 3, 2), t(2, 3, 2)], {"dim": 1})
add("cross", lambda a, b: torch.linalg.cross(a, b), [t(4, 3), t(1, 3)], {"dim": -1})
for p in (1, 2, 3):
    add("dist", lambda a, b: torch.dist(a, b, p), [t(2, 3), t(3)], {"p": p})
for n, dim in ((1, -1), (2, 0), (0, 1)):
    add("diff", lambda x: torch.diff(x, n, dim), [t(4, 3)], {"n": n, "dim": dim})
add("fmax", torch.fmax, [t(2, 3), t(2, 3)])
add("fmin", torch.fmin, [t(2, 3), t(2, 3)])
add("deg2rad", torch.deg2rad, [t(5)])
add("rad2deg", torch.rad2deg, [t(5)])
add("nansum", lambda x: torch.nansum(x, 1), [t(2, 3)])
add("nanmean", lambda x: torch.nanmean(x, 1), [t(2, 3)])
write("tensor-composed.json", short(cases), script="tensor_composed.py")
