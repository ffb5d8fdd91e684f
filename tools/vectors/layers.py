"""Writes vectors/batchnorm.json (training batches, running statistics, evaluation), vectors/init.json (bounds and deviations of
initialisers) and vectors/state.json (names and shapes of state dicts)."""
import math
import random

import torch

import golden
from golden import pack, tensor, write

rng = random.Random(17)
cases = []
for channels, shape, momentum, eps, affine in (
    (3, (4, 3, 2, 5), 0.1, 1e-5, True),
    (2, (1, 2, 3, 3), 0.3, 1e-3, True),
    (4, (2, 4, 1, 1), None, 1e-5, False),
    (1, (3, 1, 4, 2), None, 1e-5, True),
):
    layer = torch.nn.BatchNorm2d(channels, eps=eps, momentum=momentum, affine=affine)
    row = {"channels": channels, "momentum": momentum, "eps": eps, "affine": affine, "batches": []}
    if affine:
        with torch.no_grad():
            layer.weight.copy_(tensor(rng, (channels,), 0.5, 2))
            layer.bias.copy_(tensor(rng, (channels,)))
        row["weight"], row["bias"] = pack(layer.weight.detach()), pack(layer.bias.detach())
    for _ in range(3):
        x = (tensor(rng, shape) * 3 + 1).requires_grad_()
        layer.zero_grad()
        y = layer(x)
        upstream = tensor(rng, shape, -1, 1, 2)
        y.backward(upstream)
        grads = [x.grad] + ([layer.weight.grad, layer.bias.grad] if affine else [])
        row["batches"].append({
            "x": pack(x.detach()), "y": pack(y.detach()), "upstream": upstream.reshape(-1).tolist(), "grads": [g.reshape(-1).tolist() for g in grads],
            "runningMean": layer.running_mean.tolist(), "runningVar": layer.running_var.tolist(),
        })
    layer.eval()
    x = tensor(rng, shape).requires_grad_()
    y = layer(x)
    upstream = tensor(rng, shape, -1, 1, 2)
    y.backward(upstream)
    row["eval"] = {"x": pack(x.detach()), "y": pack(y.detach()), "upstream": upstream.reshape(-1).tolist(), "grads": [x.grad.reshape(-1).tolist()]}
    cases.append(row)
write("batchnorm.json", cases, script="layers.py")

torch.manual_seed(5)
inits = []
gains = {"linear": "linear", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "leakyRelu": "leaky_relu"}
for shape in ([300, 200], [64, 16, 5, 5]):
    def row(name, fn, uniform, **args):
        # 60 draws of the whole tensor: the deviation is known to about 0.1 %, the largest value is just below the bound.
        t = torch.empty(60, *shape)
        for part in t:
            fn(part)
        inits.append({"init": name, "shape": shape, "args": args, "uniform": uniform, "std": t.std().item(), "largest": t.abs().max().item() if uniform else None})

    I = torch.nn.init
    row("xavierUniform_", lambda t: I.xavier_uniform_(t, gain=1.5), True, gain=1.5)
    row("xavierNormal_", lambda t: I.xavier_normal_(t), False)
    for mode in ("fan_in", "fan_out"):
        for ours, theirs in gains.items():
            options = {"mode": "fanIn" if mode == "fan_in" else "fanOut", "nonlinearity": ours, "a": 0.2}
            row("kaimingUniform_", lambda t: I.kaiming_uniform_(t, a=0.2, mode=mode, nonlinearity=theirs), True, **options)
            row("kaimingNormal_", lambda t: I.kaiming_normal_(t, a=0.2, mode=mode, nonlinearity=theirs), False, **options)
    make = (lambda: torch.nn.Linear(200, 300)) if len(shape) == 2 else (lambda: torch.nn.Conv2d(16, 64, 5))
    layers = [make() for _ in range(60)]
    for part in ("weight", "bias"):
        t = torch.stack([getattr(m, part).detach() for m in layers])
        inits.append({"init": "default", "part": part, "shape": shape, "args": {}, "uniform": True, "std": t.std().item(), "largest": t.abs().max().item()})
write("init.json", inits, script="layers.py")

net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, (3, 2), groups=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(),
    torch.nn.Sequential(torch.nn.Linear(8, 5, bias=False), torch.nn.Dropout(0.5), torch.nn.Linear(5, 2)),
)
state = [{"name": k, "shape": list(v.shape), "float": v.is_floating_point()} for k, v in net.state_dict().items()]
write("state.json", state, script="layers.py")
