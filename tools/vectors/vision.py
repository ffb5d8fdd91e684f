"""Writes vectors/vision.json: bilinear resizing of pictures by torch.nn.functional.interpolate."""
import random

import torch

from golden import tensor, write

rng = random.Random(7)
cases = []
for shape, to in (((1, 3, 5), (6, 10)), ((2, 7, 4), (3, 4)), ((1, 2, 2), (5, 3)), ((1, 1, 6), (4, 1)), ((3, 5, 5), (2, 7))):
    x = tensor(rng, shape, 0, 1)
    y = torch.nn.functional.interpolate(x[None], size=to, mode="bilinear", align_corners=False)[0]
    cases.append({"from": list(shape), "to": list(to), "values": x.reshape(-1).tolist(), "wanted": y.reshape(-1).tolist()})
write("vision.json", cases, script="vision.py")
