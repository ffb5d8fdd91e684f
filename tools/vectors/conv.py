"""Writes vectors/conv2d.json and vectors/pool.json: convolution and pooling over strides, paddings, dilations and groups."""
import random

import torch.nn.functional as F

from golden import case, distinct, tensor, write

rng = random.Random(11)
convs = []
# N, C, H, W, O, KH, KW, stride, padding, dilation, groups
CONVS = [
    (1, 1, 5, 5, 1, 3, 3, (1, 1), (0, 0), (1, 1), 1),
    (2, 3, 6, 5, 4, 3, 2, (1, 1), (1, 1), (1, 1), 1),
    (2, 2, 7, 6, 3, 3, 3, (2, 2), (1, 1), (1, 1), 1),
    (1, 2, 7, 9, 2, 2, 3, (2, 3), (1, 0), (1, 1), 1),
    (2, 2, 7, 8, 2, 3, 2, (1, 1), (2, 2), (2, 3), 1),
    (1, 3, 8, 8, 2, 3, 3, (2, 1), (3, 2), (2, 2), 1),
    (2, 4, 5, 6, 6, 3, 3, (1, 1), (1, 1), (1, 1), 2),
    (1, 4, 6, 6, 4, 3, 3, (2, 2), (1, 1), (1, 1), 4),
    (1, 3, 6, 7, 6, 2, 2, (1, 2), (0, 1), (2, 1), 3),
    (2, 3, 4, 4, 5, 1, 1, (1, 1), (0, 0), (1, 1), 1),
    (1, 2, 5, 5, 2, 2, 2, (3, 3), (0, 0), (1, 1), 1),
    (1, 2, 7, 7, 2, 1, 1, (2, 3), (1, 1), (1, 1), 1),
    (1, 1, 4, 6, 2, 4, 6, (1, 1), (0, 0), (1, 1), 1),
    (3, 1, 8, 8, 2, 5, 5, (1, 1), (2, 2), (1, 1), 1),
    (1, 5, 3, 1, 3, 3, 1, (1, 1), (1, 0), (1, 1), 1),
]
for n, c, h, w, o, kh, kw, stride, padding, dilation, groups in CONVS:
    args = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    inputs = [tensor(rng, (n, c, h, w), digits=2), tensor(rng, (o, c // groups, kh, kw), -1, 1, 2), tensor(rng, (o,), -1, 1, 2)]
    convs.append(case("conv2d", lambda x, k, b: F.conv2d(x, k, b, **args), inputs, args, rng))
write("conv2d.json", convs, script="conv.py")

pools = []
POOLS = [
    ((1, 1, 4, 4), (2, 2), (2, 2), (0, 0)),
    ((2, 3, 5, 6), (2, 2), (2, 2), (0, 0)),
    ((2, 2, 7, 5), (3, 2), (2, 1), (1, 1)),
    ((1, 2, 6, 6), (3, 3), (1, 1), (1, 1)),
    ((1, 2, 7, 8), (2, 3), (3, 4), (0, 1)),
    ((2, 1, 5, 5), (5, 5), (5, 5), (0, 0)),
    ((1, 3, 5, 7), (1, 1), (2, 2), (0, 0)),
    ((1, 1, 8, 6), (4, 3), (2, 2), (2, 1)),
]
for shape, kernel, stride, padding in POOLS:
    args = {"kernel": kernel, "stride": stride, "padding": padding}
    pools.append(case("maxPool2d", lambda x: F.max_pool2d(x, kernel, stride, padding), [distinct(rng, shape)], args, rng))
    for count in (True, False):
        pools.append(case("avgPool2d", lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=count), [tensor(rng, shape)], {**args, "countIncludePad": count}, rng))
write("pool.json", pools, script="conv.py")
