"""Writes vectors/pytorch-model.safetensors, a state_dict as PyTorch names it, by a writer that follows the format's own description
(eight bytes of length, JSON, data), and vectors/pytorch-model.json: an input, the model's output, and names and shapes of the state."""
import json
import os
import struct

import torch
from torch import nn

from golden import ROOT, pack, tensor, write
import random

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}


def save(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, t in tensors.items():
        raw = t.contiguous().view(torch.int16 if t.element_size() == 2 else t.dtype).numpy().tobytes()
        header[name] = {"dtype": NAMES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(os.path.join(ROOT, path), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.rnn = nn.LSTM(16, 3, num_layers=2, bidirectional=True, batch_first=True)
        self.layers = nn.ModuleList([nn.TransformerEncoderLayer(6, 2, 5, batch_first=True)])
        self.classifier = nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 3))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = x.permute(0, 3, 1, 2).flatten(2)
        x, _ = self.rnn(x)
        for layer in self.layers:
            x = layer(x)
        return self.classifier(x.mean(1))


torch.set_default_dtype(torch.float32)
torch.manual_seed(3)
net = Net()
rng = random.Random(5)
net.train()
for _ in range(3):
    net(tensor(rng, (4, 1, 6, 7)).float())
with torch.no_grad():
    for name, p in net.named_parameters():
        if "bias" in name or "norm" in name:
            p.add_(0.2 * torch.randn_like(p))
net.eval()
state = net.state_dict()
# Half of the weights as people store them.
stored = {name: t.to(torch.bfloat16) if name.startswith("rnn") else t.half() if name.startswith("classifier") else t for name, t in state.items()}
save("pytorch-model.safetensors", stored)
net.load_state_dict({name: t.to(state[name].dtype) for name, t in stored.items()})
x = tensor(rng, (2, 1, 6, 7)).float()
with torch.no_grad():
    y = net(x)
values = torch.tensor([0.1, 1 / 3, -2.5e-5, 65519.0, 65520.0, 1e-7, 3e38, -0.0, 1.00390625, 1.01171875, 5.96e-8, 2.9802322387695312e-08, 6.1e-5, 1e39, 1e-41], dtype=torch.float64)
rows = {"input": pack(x), "output": pack(y), "state": [[name, list(t.shape)] for name, t in state.items()], "values": values.tolist(),
        "f16": (values.half().view(torch.int16).int() & 0xFFFF).tolist(), "bf16": (values.bfloat16().view(torch.int16).int() & 0xFFFF).tolist()}
write("pytorch-model.json", [rows], script="pytorch_model.py")
