"""Writes vectors/optim.json: parameters along 100 steps of SGD, Adam and AdamW, with and without schedules, in f64 and f32."""
import random

import torch

from golden import pack, tensor, write

rng = random.Random(19)
X = tensor(rng, (12, 3))
W1, B1, W2 = tensor(rng, (4, 3), -1, 1), tensor(rng, (4,), -1, 1), tensor(rng, (2, 4), -1, 1)
Y = torch.tensor([rng.randrange(2) for _ in range(12)])
STEPS = 100


def run(make, schedule, dtype):
    """tanh network with cross-entropy: loss of every step, parameters after steps 1, 2, 10, 50 and 100, rates of every step."""
    params = [p.to(dtype).clone().requires_grad_() for p in (W1, B1, W2)]
    opt = make(params)
    sched = schedule(opt) if schedule else None
    losses, rates, points = [], [], {}
    for step in range(1, STEPS + 1):
        w1, b1, w2 = params
        loss = torch.nn.functional.cross_entropy(torch.tanh(X.to(dtype) @ w1.T + b1) @ w2.T, Y)
        opt.zero_grad()
        loss.backward()
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        if sched:
            sched.step()
        losses.append(loss.item())
        if step in (1, 2, 10, 50, 100):
            points[str(step)] = [p.detach().reshape(-1).tolist() for p in params]
    return losses, rates, points


def sgd(**o):
    return "sgd", o, lambda params: torch.optim.SGD(params, lr=o["lr"], momentum=o.get("momentum", 0), dampening=o.get("dampening", 0), weight_decay=o.get("weightDecay", 0), nesterov=o.get("nesterov", False))


def adam(kind="adam", **o):
    cls = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
    return kind, o, lambda params: cls(params, lr=o.get("lr", 1e-3), betas=tuple(o.get("betas", (0.9, 0.999))), eps=o.get("eps", 1e-8), weight_decay=o.get("weightDecay", 0 if kind == "adam" else 0.01))


S = torch.optim.lr_scheduler
STEP = ("stepLR", {"stepSize": 7, "gamma": 0.7}, lambda opt: S.StepLR(opt, 7, 0.7))
COSINE = ("cosineAnnealing", {"tMax": 100, "etaMin": 0.001}, lambda opt: S.CosineAnnealingLR(opt, 100, 0.001))
RUNS = [
    (sgd(lr=0.3), None), (sgd(lr=0.1, momentum=0.9), None), (sgd(lr=0.1, momentum=0.9, weightDecay=0.01), None),
    (sgd(lr=0.1, momentum=0.8, dampening=0.4), None), (sgd(lr=0.05, momentum=0.9, nesterov=True, weightDecay=0.001), None),
    (adam(), None), (adam(lr=0.05, weightDecay=0.02), None), (adam(lr=0.02, betas=(0.8, 0.95), eps=1e-6), None),
    (adam("adamw", lr=0.02), None), (sgd(lr=0.2, momentum=0.9), STEP), (adam(lr=0.05), COSINE),
]
cases = []
for (kind, options, make), schedule in RUNS:
    row = {"optimizer": kind, "options": options, "schedule": schedule[0] if schedule else None, "scheduleOptions": schedule[1] if schedule else None}
    for name, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        losses, rates, points = run(make, schedule[2] if schedule else None, dtype)
        row[name] = {"losses": losses, "parameters": points}
        if schedule:
            row["rates"] = rates
    cases.append(row)
write("optim.json", cases, script="optim.py", problem={"x": pack(X), "w1": pack(W1), "b1": pack(B1), "w2": pack(W2), "y": pack(Y)})
