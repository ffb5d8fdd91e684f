"""PyTorch as a contender of the engine suite: one timed sample per line of standard input. Usage: torch_peer.py THREADS"""
import json
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


def trainer(model, x):
    y = torch.randint(0, 10, (64,))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def cnn():
    return trainer(nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1568, 128), nn.ReLU(), nn.Linear(128, 10)), torch.randn(64, 1, 28, 28))


def mlp():
    return trainer(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), torch.randn(64, 784))


def stepper(model, x, loss_of):
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def step():
        optimizer.zero_grad()
        loss = loss_of(model(x))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def transformer():
    layer = nn.TransformerEncoderLayer(128, 8, dropout=0.0, batch_first=True)
    return stepper(layer, torch.randn(8, 128, 128), lambda y: y.square().mean())


def lstm():
    return stepper(nn.LSTM(128, 128, 2), torch.randn(64, 32, 128), lambda y: y[0].mean())


def gemm(n):
    a, b = torch.randn(n, n), torch.randn(n, n)
    return lambda: torch.mm(a, b)


def conv():
    layer = nn.Conv2d(32, 64, 3, padding=1)
    x = torch.randn(8, 32, 28, 28)

    def run():
        with torch.no_grad():
            return layer(x)

    return run


ROWS = {
    "cnn-step": (cnn, 10), "cnn-step-2-threads": (cnn, 10), "mlp-step": (mlp, 200), "transformer-step": (transformer, 4), "lstm-step": (lstm, 3),
    "conv-3x3": (conv, 40),
    "gemm-f32-256": (lambda: gemm(256), 100), "gemm-f32-512": (lambda: gemm(512), 20), "gemm-f32-1024": (lambda: gemm(1024), 4),
}
ready = {}
for line in sys.stdin:
    row = json.loads(line)["row"]
    if row not in ROWS:
        print(json.dumps({"error": "not measured here"}), flush=True)
        continue
    if row not in ready:
        ready[row] = ROWS[row][0]()
        for _ in range(10):
            ready[row]()
    calls = ROWS[row][1]
    start = time.perf_counter()
    for _ in range(calls):
        ready[row]()
    print(json.dumps({"value": (time.perf_counter() - start) * 1e3 / calls}), flush=True)
