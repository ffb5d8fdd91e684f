"""Writes vectors/nn-activations.json: activations and distances, forward and gradients, at random places and at every corner."""
import random

import torch
import torch.nn.functional as F

from golden import case, tensor, write

rng = random.Random(41)
CORNERS = [-100.0, -25.0, -6.0, -3.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 3.0, 6.0, 10.0, 20.0, 21.0, 100.0]
cases = []


def add(op, fn, args=None, shape=(3, 4)):
    cases.append(case(op, fn, [torch.tensor(CORNERS)], args, rng))
    cases.append(case(op, fn, [tensor(rng, shape, -4, 4)], args, rng))


add("elu", F.elu)
add("elu", lambda x: F.elu(x, 0.3), {"sizes": [0.3]})
add("selu", F.selu)
add("celu", F.celu)
add("celu", lambda x: F.celu(x, 2.5), {"sizes": [2.5]})
add("hardshrink", F.hardshrink)
add("hardshrink", lambda x: F.hardshrink(x, 3), {"sizes": [3]})
add("softshrink", F.softshrink)
add("softshrink", lambda x: F.softshrink(x, 0.25), {"sizes": [0.25]})
add("hardsigmoid", F.hardsigmoid)
add("hardtanh", F.hardtanh)
add("hardtanh", lambda x: F.hardtanh(x, -3, 0.5), {"sizes": [-3, 0.5]})
# PyTorch's gradient at 3 is 1 in its vectorised loop and 1.5, that of the parabola, in the scalar one, which takes short tensors.
cases.append(case("hardswish", F.hardswish, [torch.tensor([-3.0, 3.0])], {}, rng))
cases.append(case("hardswish", F.hardswish, [torch.tensor([c for c in CORNERS if c != 3])], {}, rng))
cases.append(case("hardswish", F.hardswish, [tensor(rng, (3, 4), -4, 4)], {}, rng))
add("relu6", F.relu6)
add("leakyRelu", F.leaky_relu)
add("leakyRelu", lambda x: F.leaky_relu(x, 0.2), {"sizes": [0.2]})
add("logSigmoid", F.logsigmoid)
add("silu", F.silu)
add("mish", F.mish)
add("softplus", F.softplus)
add("softplus", lambda x: F.softplus(x, 2, 6), {"sizes": [2, 6]})
add("softsign", F.softsign)
add("tanhshrink", F.tanhshrink)
add("threshold", lambda x: F.threshold(x, 0.25, -2), {"sizes": [0.25, -2]})
for shape, dim in (((4, 3), 0), ((3, 6), -1), ((2, 4, 3), 1)):
    cases.append(case("glu", lambda x: F.glu(x, dim), [tensor(rng, shape)], {"sizes": [dim]}, rng))
    cases.append(case("softmin", lambda x: F.softmin(x, dim), [tensor(rng, shape)], {"sizes": [dim]}, rng))
cases.append(case("softmax2d", torch.nn.Softmax2d(), [tensor(rng, (2, 3, 2, 4))], {}, rng))
cases.append(case("softmax2d", torch.nn.Softmax2d(), [tensor(rng, (3, 1, 2))], {}, rng))
cases.append(case("prelu", F.prelu, [torch.tensor(CORNERS), torch.tensor([0.25])], {}, rng))
cases.append(case("prelu", F.prelu, [tensor(rng, (2, 3, 4)), tensor(rng, (3,))], {}, rng))
cases.append(case("prelu", F.prelu, [tensor(rng, (4, 2)), tensor(rng, (2,))], {}, rng))
for args, theirs in (({}, {}), ({"dim": 0, "eps": 0.5}, {"dim": 0, "eps": 0.5})):
    a, b = tensor(rng, (3, 4)), tensor(rng, (3, 4))
    if not args:
        a[1] = 0
    cases.append(case("cosineSimilarity", lambda x, y: F.cosine_similarity(x, y, **theirs), [a, b], args, rng))
cases.append(case("cosineSimilarity", lambda x, y: F.cosine_similarity(x, y, dim=-1), [tensor(rng, (3, 1, 4)), tensor(rng, (2, 4))], {"dim": -1}, rng))
for args in ({}, {"p": 1}, {"p": 3, "eps": 0.01}, {"keepdim": True}):
    cases.append(case("pairwiseDistance", lambda x, y: F.pairwise_distance(x, y, **args), [tensor(rng, (3, 4)), tensor(rng, (3, 4))], args, rng))
for args in ({}, {"p": 1, "dim": 0}, {"dim": -1, "eps": 3}):
    x = tensor(rng, (2, 3, 4))
    if not args:
        x[1, :, 2] = 0
    cases.append(case("normalize", lambda x: F.normalize(x, **args), [x], args, rng))
write("nn-activations.json", cases, script="nn_activations.py")
