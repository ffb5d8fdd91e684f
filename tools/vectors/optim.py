"""Writes vectors/optim.json: parameters along 100 steps of SGD, Adam and AdamW, with and without schedules, in f64 and f32.
vectors/optimizers.json: 12 steps of every optimizer on two groups, in f64. vectors/schedules.json: rates and momenta of every schedule.
vectors/lbfgs.json: three steps of L-BFGS, with and without line search."""
import random
import re

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

# Every optimizer on two groups: names of options are ours, in snake case they are PyTorch's.
snake = lambda name: re.sub("[A-Z]", lambda c: "_" + c.group().lower(), name)
torched = lambda options: {snake(k): tuple(v) if isinstance(v, list) else v for k, v in options.items()}
CLASSES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "adagrad": "Adagrad", "adadelta": "Adadelta", "rmsprop": "RMSprop", "adamax": "Adamax",
           "nadam": "NAdam", "radam": "RAdam", "asgd": "ASGD", "rprop": "Rprop"}


def loss_of(params, dtype):
    w1, b1, w2 = params
    return torch.nn.functional.cross_entropy(torch.tanh(X.to(dtype) @ w1.T + b1) @ w2.T, Y)


def grouped(kind, options, second, clip, steps=12):
    """w1 in the first group; b1 and w2 in the second, with the options `second` of its own."""
    params = [p.double().clone().requires_grad_() for p in (W1, B1, W2)]
    groups = [{"params": params[:1]}, {"params": params[1:], **torched(second)}]
    # NAdam for one tensor at a time multiplies by one mu too many in this version; its foreach form follows the paper, as later versions do.
    extra = {"foreach": True} if kind == "nadam" else {}
    opt = getattr(torch.optim, CLASSES[kind])(groups, **torched(options), **extra)
    points = {}
    for step in range(1, steps + 1):
        opt.zero_grad()
        (-loss_of(params, torch.float64) if options.get("maximize") else loss_of(params, torch.float64)).backward()
        if "clipValue" in clip:
            torch.nn.utils.clip_grad_value_(params, clip["clipValue"])
        if "clipNorm" in clip:
            torch.nn.utils.clip_grad_norm_(params, clip["clipNorm"])
        opt.step()
        if step in (1, 2, steps):
            points[str(step)] = [p.detach().reshape(-1).tolist() for p in params]
    return {"optimizer": kind, "options": options, "second": second, "clip": clip, "parameters": points}


GROUPED = [
    ("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weightDecay": 0.01}, {"lr": 0.02, "weightDecay": 0.0}, {}),
    ("sgd", {"lr": 0.1, "momentum": 0.7, "dampening": 0.3, "maximize": True}, {"momentum": 0.0}, {}),
    ("sgd", {"lr": 0.5}, {"lr": 0.1}, {"clipNorm": 0.2}), ("sgd", {"lr": 0.5, "momentum": 0.5}, {}, {"clipValue": 0.03}),
    ("sgd", {"lr": 0.5}, {}, {"clipValue": 0.05, "clipNorm": 0.08}),
    ("adam", {"lr": 0.05, "amsgrad": True, "weightDecay": 0.1}, {"lr": 0.2, "betas": [0.5, 0.6]}, {}),
    ("adam", {"lr": 0.05, "maximize": True}, {"eps": 1e-3}, {}),
    ("adamw", {"lr": 0.1, "amsgrad": True, "weightDecay": 0.2}, {"betas": [0.2, 0.3], "weightDecay": 0.0}, {}),
    ("adagrad", {"lr": 0.1, "lrDecay": 0.05, "weightDecay": 0.02, "eps": 1e-6}, {"lr": 0.3}, {}),
    ("adagrad", {"lr": 0.1, "initialAccumulatorValue": 0.5, "maximize": True}, {"lrDecay": 0.2}, {}),
    ("adadelta", {"lr": 0.7, "rho": 0.8, "eps": 1e-4, "weightDecay": 0.03}, {"lr": 2.0, "rho": 0.95}, {}),
    ("rmsprop", {"lr": 0.02, "alpha": 0.9, "momentum": 0.6, "centered": True, "weightDecay": 0.05}, {"lr": 0.05, "centered": False}, {}),
    ("rmsprop", {"lr": 0.02, "eps": 1e-3}, {"momentum": 0.9, "maximize": False}, {}),
    ("adamax", {"lr": 0.05, "weightDecay": 0.02}, {"betas": [0.6, 0.8], "eps": 1e-3}, {}),
    ("nadam", {"lr": 0.03, "weightDecay": 0.05, "momentumDecay": 0.02}, {"lr": 0.1, "betas": [0.8, 0.9]}, {}),
    ("radam", {"lr": 0.05, "weightDecay": 0.05}, {"betas": [0.8, 0.7], "lr": 0.1}, {}), ("radam", {"lr": 0.05, "betas": [0.9, 0.99]}, {}, {}),
    ("asgd", {"lr": 0.3, "lambd": 0.05, "alpha": 0.6, "t0": 3, "weightDecay": 0.01}, {"lr": 0.1}, {}),
    ("rprop", {"lr": 0.02}, {"etas": [0.3, 1.7], "stepSizes": [1e-3, 0.1]}, {}),
]
write("optimizers.json", [grouped(*row) for row in GROUPED], script="optim.py", problem={"x": pack(X), "w1": pack(W1), "b1": pack(B1), "w2": pack(W2), "y": pack(Y)})


def lbfgs(options, scale):
    params = [(p.double() * scale).clone().requires_grad_() for p in (W1, B1, W2)]
    opt = torch.optim.LBFGS(params, **options)

    def closure():
        opt.zero_grad()
        loss = loss_of(params, torch.float64) + 0.01 * sum((p ** 2).sum() for p in params)
        loss.backward()
        return loss

    firsts, points = [], []
    for _ in range(3):
        firsts.append(opt.step(closure).item())
        points.append([p.detach().reshape(-1).tolist() for p in params])
    state = opt.state[params[0]]
    return {"losses": firsts, "parameters": points, "iterations": state["n_iter"], "evaluations": state["func_evals"]}


LBFGS = [({"maxIter": 4}, 1), ({"maxIter": 5, "lineSearchFn": "strongWolfe"}, 1), ({"maxIter": 9, "lr": 0.3, "historySize": 2}, 1),
         ({"maxIter": 8, "historySize": 3, "lineSearchFn": "strongWolfe"}, 6), ({"lr": 30.0, "maxIter": 3, "lineSearchFn": "strongWolfe"}, 2)]
rows = []
for options, scale in LBFGS:
    torch_options = torched(options)
    if "line_search_fn" in torch_options:
        torch_options["line_search_fn"] = "strong_wolfe"
    rows.append({"options": options, "scale": scale, **lbfgs(torch_options, scale)})
write("lbfgs.json", rows, script="optim.py")

# Schedules on two groups.
LENGTH = 25
F = {"half": lambda t: 0.5 ** t, "bump": lambda t: 1 + 0.1 * (t % 3)}


def rates(make, kind, options, adam=False, metrics=None):
    """Rates (and momenta or first betas) of both groups before each of LENGTH steps."""
    params = [torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)]
    groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.25}]
    opt = torch.optim.Adam(groups, lr=0.8) if adam else torch.optim.SGD(groups, lr=0.8, momentum=0.9)
    sched = make(opt)
    out, momenta = [], []
    for step in range(LENGTH):
        out.append([g["lr"] for g in opt.param_groups])
        momenta.append([g["betas"][0] if adam else g["momentum"] for g in opt.param_groups])
        opt.step()
        if step < LENGTH - 1:
            sched.step(metrics[step]) if metrics else sched.step()
    row = {"schedule": kind, "options": options, "adam": adam, "rates": out}
    if any(m != momenta[0] for m in momenta) or momenta[0][0] != 0.9:
        row["momenta"] = momenta
    if metrics:
        row["metrics"] = metrics
    return row


ups = [rng.uniform(0.2, 1) for _ in range(LENGTH)]
rows = [
    rates(lambda o: S.StepLR(o, 4, 0.3), "stepLR", {"stepSize": 4, "gamma": 0.3}),
    rates(lambda o: S.MultiStepLR(o, [3, 9, 9, 20], 0.5), "multiStepLR", {"milestones": [3, 9, 9, 20], "gamma": 0.5}),
    rates(lambda o: S.ExponentialLR(o, 0.9), "exponentialLR", {"gamma": 0.9}),
    rates(lambda o: S.ConstantLR(o), "constantLR", {}), rates(lambda o: S.ConstantLR(o, 0.25, 7), "constantLR", {"factor": 0.25, "totalIters": 7}),
    rates(lambda o: S.LinearLR(o), "linearLR", {}), rates(lambda o: S.LinearLR(o, 0.9, 0.2, 11), "linearLR", {"startFactor": 0.9, "endFactor": 0.2, "totalIters": 11}),
    rates(lambda o: S.PolynomialLR(o), "polynomialLR", {}), rates(lambda o: S.PolynomialLR(o, 17, 2.5), "polynomialLR", {"totalIters": 17, "power": 2.5}),
    rates(lambda o: S.CosineAnnealingLR(o, 6, 0.01), "cosineAnnealing", {"tMax": 6, "etaMin": 0.01}),
    rates(lambda o: S.CosineAnnealingWarmRestarts(o, 5), "cosineAnnealingWarmRestarts", {"t0": 5}),
    rates(lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.02), "cosineAnnealingWarmRestarts", {"t0": 3, "tMult": 2, "etaMin": 0.02}),
    rates(lambda o: S.CyclicLR(o, 0.1, 0.9, 4), "cyclicLR", {"baseLr": 0.1, "maxLr": 0.9, "stepSizeUp": 4}),
    rates(lambda o: S.CyclicLR(o, [0.1, 0.2], [0.9, 0.5], 3, 5, "triangular2", base_momentum=0.5, max_momentum=[0.95, 0.8]), "cyclicLR",
          {"baseLr": [0.1, 0.2], "maxLr": [0.9, 0.5], "stepSizeUp": 3, "stepSizeDown": 5, "mode": "triangular2", "baseMomentum": 0.5, "maxMomentum": [0.95, 0.8]}),
    rates(lambda o: S.CyclicLR(o, 0.1, 0.9, 4, mode="exp_range", gamma=0.95, cycle_momentum=False), "cyclicLR",
          {"baseLr": 0.1, "maxLr": 0.9, "stepSizeUp": 4, "mode": "expRange", "gamma": 0.95, "cycleMomentum": False}),
    rates(lambda o: S.OneCycleLR(o, 0.5, LENGTH), "oneCycle", {"maxLr": 0.5, "totalSteps": LENGTH}),
    rates(lambda o: S.OneCycleLR(o, [0.5, 2.0], epochs=5, steps_per_epoch=5, pct_start=0.4, anneal_strategy="linear", three_phase=True, div_factor=10, final_div_factor=50, base_momentum=[0.7, 0.8]),
          "oneCycle", {"maxLr": [0.5, 2.0], "epochs": 5, "stepsPerEpoch": 5, "pctStart": 0.4, "annealStrategy": "linear", "threePhase": True, "divFactor": 10, "finalDivFactor": 50, "baseMomentum": [0.7, 0.8]}, True),
    rates(lambda o: S.ReduceLROnPlateau(o, patience=2, factor=0.5, cooldown=2, min_lr=[0.01, 0.1]), "reduceLROnPlateau", {"patience": 2, "factor": 0.5, "cooldown": 2, "minLr": [0.01, 0.1]}, metrics=ups),
    rates(lambda o: S.ReduceLROnPlateau(o, "max", patience=1, threshold=0.05, threshold_mode="abs"), "reduceLROnPlateau", {"mode": "max", "patience": 1, "threshold": 0.05, "thresholdMode": "abs"}, metrics=ups),
    rates(lambda o: S.LambdaLR(o, [F["half"], F["bump"]]), "lambdaLR", {"factor": ["half", "bump"]}),
    rates(lambda o: S.MultiplicativeLR(o, F["bump"]), "multiplicativeLR", {"factor": "bump"}),
    rates(lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9), S.CosineAnnealingLR(o, 9)]), "chained",
          [["constantLR", {"factor": 0.1, "totalIters": 3}], ["exponentialLR", {"gamma": 0.9}], ["cosineAnnealing", {"tMax": 9}]]),
    rates(lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1, 5), S.CosineAnnealingLR(o, 8), S.ExponentialLR(o, 0.8)], [5, 13]), "sequential",
          {"parts": [["linearLR", {"startFactor": 0.1, "totalIters": 5}], ["cosineAnnealing", {"tMax": 8}], ["exponentialLR", {"gamma": 0.8}]], "milestones": [5, 13]}),
    rates(lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 2), S.MultiplicativeLR(o, F["bump"]), S.StepLR(o, 2), S.CosineAnnealingWarmRestarts(o, 4)], [2, 6, 12]), "sequential",
          {"parts": [["constantLR", {"factor": 0.1, "totalIters": 2}], ["multiplicativeLR", {"factor": "bump"}], ["stepLR", {"stepSize": 2}], ["cosineAnnealingWarmRestarts", {"t0": 4}]], "milestones": [2, 6, 12]}),
]
write("schedules.json", rows, script="optim.py")
