"""Writes vectors/recurrent.json: RNN, LSTM, GRU and their cells: outputs, last states and all gradients, of padded, packed and
single sequences. Values are rounded to 10 decimals: below the tests' tolerance in f64, and half as long."""
import random

import torch

from golden import tensor, write

rng = random.Random(29)
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CELLS = {"rnnCell": torch.nn.RNNCell, "lstmCell": torch.nn.LSTMCell, "gruCell": torch.nn.GRUCell}
OPTIONS = {
    "num_layers": "numLayers", "bias": "bias", "batch_first": "batchFirst", "bidirectional": "bidirectional",
    "proj_size": "projSize", "nonlinearity": "nonlinearity",
}


def short(t):
    return {"shape": list(t.shape), "dtype": "f64", "data": [round(v, 10) for v in t.detach().reshape(-1).tolist()]}


def filled(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(tensor(rng, list(p.shape), -0.9, 0.9, 2))
    return module


def leaf(shape, low=-1.5, high=1.5):
    return tensor(rng, shape, low, high, 2).requires_grad_()


def run(kind, module, x, call, states, **extra):
    """call(x, states) -> list of outputs; the objective is their sum, weighed by `upstream`."""
    outputs = call(x, states)
    upstream = [tensor(rng, list(y.shape), -1, 1, 2) for y in outputs]
    sum((y * u).sum() for y, u in zip(outputs, upstream)).backward()
    return {
        "kind": kind, **extra, "parameters": {k: short(p) for k, p in module.named_parameters()}, "x": short(x),
        "states": [short(s) for s in states], "outputs": [short(y) for y in outputs], "upstream": [short(u) for u in upstream],
        "grads": {"x": short(x.grad), "states": [short(s.grad) for s in states], **{k: short(p.grad) for k, p in module.named_parameters()}},
    }


def hx(kind, states):
    return None if not states else tuple(states) if kind.startswith("lstm") else states[0]


def flat(result):
    y, state = result
    return [y, *state] if isinstance(state, tuple) else [y, state]


def layer(kind, shape, hidden, lengths=None, with_states=False, **options):
    module = filled(LAYERS[kind](shape[-1], hidden, **options))
    x = leaf(shape)
    sorted_ = lengths is not None and all(a >= b for a, b in zip(lengths, lengths[1:]))
    count = None if len(shape) == 2 else shape[0 if options.get("batch_first") else 1]
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    widths = [options.get("proj_size") or hidden] + ([hidden] if kind == "lstm" else [])
    states = [leaf([rows, *([] if count is None else [count]), w]) for w in widths] if with_states else []

    def call(x, states):
        if lengths is None:
            return flat(module(x, hx(kind, states)))
        first = options.get("batch_first", False)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=sorted_)
        y, state = module(packed, hx(kind, states))
        return flat((torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=first)[0], state))

    given = {OPTIONS[k]: v for k, v in options.items()}
    return run(kind, module, x, call, states, hidden=hidden, options=given, lengths=lengths)


def cell(kind, shape, hidden, with_states=False, **options):
    module = filled(CELLS[kind](shape[-1], hidden, **options))
    states = [leaf([*shape[:-1], hidden]) for _ in range(2 if kind == "lstmCell" else 1)] if with_states else []

    def call(x, states):
        y = module(x, hx(kind, states))
        return list(y) if isinstance(y, tuple) else [y]

    return run(kind, module, leaf(shape), call, states, hidden=hidden, options={OPTIONS[k]: v for k, v in options.items()}, lengths=None)


cases = []
for kind in ("rnn", "lstm", "gru"):
    cases += [
        layer(kind, [3, 2, 5], 3, with_states=True),
        layer(kind, [2, 3, 3], 2, num_layers=2, bidirectional=True, batch_first=True, with_states=True),
        layer(kind, [4, 3], 4, bias=False, bidirectional=True),
        layer(kind, [5, 4, 3], 2, lengths=[5, 3, 3, 1], bidirectional=True, with_states=True),
        layer(kind, [3, 4, 2], 2, lengths=[2, 4, 1], num_layers=2, bidirectional=True, batch_first=True, with_states=True),
    ]
cases += [
    layer("rnn", [4, 2, 3], 4, nonlinearity="relu", num_layers=2),
    layer("rnn", [4, 3, 2], 3, lengths=[4, 2, 2], nonlinearity="relu", bidirectional=True, with_states=True),
    layer("lstm", [3, 2, 2], 3, proj_size=2, bidirectional=True, num_layers=2, with_states=True),
    layer("lstm", [4, 3, 2], 3, proj_size=2, lengths=[1, 4, 2]),
]
for kind in CELLS:
    cases += [cell(kind, [3, 2], 4, with_states=True), cell(kind, [3], 2, bias=False)]
cases.append(cell("rnnCell", [2, 3], 3, nonlinearity="relu", with_states=True))
write("recurrent.json", cases, script="recurrent.py")
