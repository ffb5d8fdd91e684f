"""Writes vectors/distributions.json: log densities, entropies, moments and divergences of torch.distributions, with gradients."""
import random

import torch
import torch.distributions as D

from golden import case, pack, short, tensor, write


rng = random.Random(23)
cases = []


def positive(*shape):
    return tensor(rng, shape, 0.4, 3)


def simplex(*shape):
    x = tensor(rng, shape, 0.2, 1)
    return x / x.sum(-1, keepdim=True)


# name, class, parameters, others for the divergence, values inside of the support
ROWS = [
    ("normal", D.Normal, [tensor(rng, (3, 1)), positive(2)], [tensor(rng, (2,)), positive(3, 1)], tensor(rng, (3, 2))),
    ("logNormal", D.LogNormal, [tensor(rng, (3,), -1, 1), positive(3)], [tensor(rng, (3,)), positive(3)], positive(3)),
    ("uniform", D.Uniform, [tensor(rng, (3,), -2, -1), tensor(rng, (3,), 1, 2)], [tensor(rng, (3,), -3, -2), tensor(rng, (3,), 2, 3)], tensor(rng, (3,), -0.9, 0.9)),
    ("laplace", D.Laplace, [tensor(rng, (3,)), positive(3)], [tensor(rng, (3,)), positive(3)], tensor(rng, (3,))),
    ("cauchy", D.Cauchy, [tensor(rng, (3,)), positive(3)], None, tensor(rng, (2, 3))),
    ("exponential", D.Exponential, [positive(3)], [positive(3)], positive(2, 3)),
    ("gamma", D.Gamma, [positive(3), positive(3)], [positive(3), positive(3)], positive(3)),
    ("beta", D.Beta, [positive(3), positive(3)], [positive(3), positive(3)], tensor(rng, (3,), 0.1, 0.9)),
    ("dirichlet", D.Dirichlet, [positive(2, 3)], [positive(2, 3)], simplex(2, 3)),
    ("poisson", D.Poisson, [positive(3)], [positive(3)], torch.tensor([0., 2., 5.])),
    ("geometric", D.Geometric, [tensor(rng, (3,), 0.2, 0.8)], [tensor(rng, (3,), 0.2, 0.8)], torch.tensor([0., 1., 4.])),
    ("bernoulli", lambda probs: D.Bernoulli(probs=probs), [tensor(rng, (3,), 0.1, 0.9)], [tensor(rng, (3,), 0.1, 0.9)], torch.tensor([0., 1., 1.])),
    ("bernoulliLogits", lambda logits: D.Bernoulli(logits=logits), [tensor(rng, (3,), -4, 4)], [tensor(rng, (3,), -4, 4)], torch.tensor([0., 1., 1.])),
    ("categorical", lambda probs: D.Categorical(probs=probs), [simplex(2, 4)], [simplex(2, 4)], torch.tensor([3., 1.])),
    ("categoricalLogits", lambda logits: D.Categorical(logits=logits), [tensor(rng, (2, 4), -3, 3)], [tensor(rng, (2, 4), -3, 3)], torch.tensor([0., 2.])),
    ("multinomial", lambda logits: D.Multinomial(5, logits=logits), [tensor(rng, (3,))], None, torch.tensor([1., 0., 4.])),
]
for name, make, params, others, value in ROWS:
    n = len(params)
    args = {"family": name, "count": n}
    discrete = name in ("poisson", "geometric", "bernoulli", "bernoulliLogits", "categorical", "categoricalLogits", "multinomial")

    def log_prob(*xs):
        return make(*xs[:n]).log_prob(value if discrete else xs[n])
    cases.append(case("logProb", log_prob, params + ([] if discrete else [value]), {**args, "value": pack(value) if discrete else None}, rng))
    if name not in ("poisson",):
        cases.append(case("entropy", lambda *xs: make(*xs).entropy(), params, args, rng))
    if name not in ("cauchy",) and not name.startswith("categorical"):
        cases.append(case("mean", lambda *xs: make(*xs).mean * 1, params, args, rng))
        cases.append(case("variance", lambda *xs: make(*xs).variance * 1, params, args, rng))
    if others is not None:
        cases.append(case("kl", lambda *xs: D.kl_divergence(make(*xs[:n]), make(*xs[n:])), params + others, args, rng))
write("distributions.json", short(cases), script="distributions.py")
