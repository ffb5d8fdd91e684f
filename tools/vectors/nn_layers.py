"""Writes vectors/nn-layers.json (layers: outputs, gradients of inputs and parameters, buffers after training, evaluation),
vectors/nn-norms.json and vectors/nn-embeddings.json. State is given by PyTorch's names."""
import random

import torch
from torch import nn

from golden import pack, tensor, write

rng = random.Random(47)
cases = []


def data(t):
    return t.detach().reshape(-1).tolist()


def layer(name, args, module, batches, extra=(), evaluate=False, wrap=None):
    """`name(*args)` builds our layer; `module` is PyTorch's. Each batch is run in training mode, then the last one in evaluation."""
    row = {"layer": name, "args": list(args), "state": {}, "batches": []}
    with torch.no_grad():
        for key, p in module.named_parameters():
            p.copy_(tensor(rng, p.shape, -1, 1))
            if key == "weight" and getattr(module, "padding_idx", None) is not None:
                p[module.padding_idx] = 0.5
            row["state"][key] = pack(p.detach())
        if wrap is not None:
            row["wrap"] = wrap
            row["state"].update({key: pack(b) for key, b in module.named_buffers()})
    module.train()

    def run(inputs):
        for p in module.parameters():
            p.grad = None
        leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
        y = module(*leaves, *extra)
        upstream = tensor(rng, list(y.shape), -1, 1, 2)
        y.backward(upstream)
        return {
            "inputs": [pack(x) for x in inputs],
            "output": pack(y.detach()),
            "upstream": data(upstream),
            "grads": [data(x.grad) if x.is_floating_point() else None for x in leaves],
            "parameterGrads": {key: data(p.grad) for key, p in module.named_parameters()},
        }

    for inputs in batches:
        row["batches"].append(run(inputs))
    row["buffers"] = {key: data(b) for key, b in module.named_buffers()}
    if evaluate:
        module.eval()
        row["evaluation"] = run(batches[-1])
    if extra:
        row["extra"] = list(extra)
    cases.append(row)


def x(*shape):
    return [tensor(rng, shape)]


for mode in ("zeros", "reflect", "replicate", "circular"):
    for padding in (1, "same"):
        layer("conv1d", [4, 6, 3, {"padding": padding, "dilation": 2 if padding == "same" else 1, "groups": 2, "paddingMode": mode}], nn.Conv1d(4, 6, 3, padding=padding, dilation=2 if padding == "same" else 1, groups=2, padding_mode=mode), [x(2, 4, 7)])
    layer("conv2d", [2, 3, [2, 3], {"padding": "same", "paddingMode": mode, "bias": False}], nn.Conv2d(2, 3, (2, 3), padding="same", padding_mode=mode, bias=False), [x(2, 2, 4, 5)])
    layer("conv2d", [2, 3, [3, 2], {"padding": [2, 1], "stride": [2, 1], "paddingMode": mode}], nn.Conv2d(2, 3, (3, 2), padding=(2, 1), stride=(2, 1), padding_mode=mode), [x(1, 2, 5, 4)])
layer("conv1d", [2, 3, 2, {"stride": 2, "padding": "valid"}], nn.Conv1d(2, 3, 2, stride=2, padding="valid"), [x(2, 6)])
layer("convTranspose1d", [4, 6, 3, {"stride": 2, "padding": 1, "outputPadding": 1, "groups": 2}], nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), [x(2, 4, 5)])
layer("convTranspose2d", [2, 3, [3, 2], {"stride": [2, 1], "padding": [1, 0], "dilation": [1, 2]}], nn.ConvTranspose2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), [x(2, 2, 3, 4)])
layer("convTranspose2d", [2, 2, 3, {"stride": 3, "bias": False}], nn.ConvTranspose2d(2, 2, 3, stride=3, bias=False), [x(1, 2, 2, 3)], extra=([8, 10],))

layer("maxPool1d", [3, {"stride": 2, "padding": 1}], nn.MaxPool1d(3, 2, 1), [x(2, 3, 7)])
layer("avgPool1d", [3, {"stride": 2, "padding": 1, "countIncludePad": False}], nn.AvgPool1d(3, 2, 1, count_include_pad=False), [x(2, 3, 7)])
layer("adaptiveAvgPool1d", [3], nn.AdaptiveAvgPool1d(3), [x(2, 3, 7)])
layer("adaptiveAvgPool2d", [[3, None]], nn.AdaptiveAvgPool2d((3, None)), [x(2, 2, 5, 4)])
layer("adaptiveMaxPool1d", [2], nn.AdaptiveMaxPool1d(2), [x(2, 3, 5)])
layer("adaptiveMaxPool2d", [2], nn.AdaptiveMaxPool2d(2), [x(2, 2, 5, 3)])

layer("zeroPad2d", [[1, 2, 0, -1]], nn.ZeroPad2d((1, 2, 0, -1)), [x(2, 1, 3, 4)])
layer("constantPad1d", [2, 3.5], nn.ConstantPad1d(2, 3.5), [x(2, 2, 3)])
layer("constantPad2d", [[1, 0, 2, 1], -1], nn.ConstantPad2d((1, 0, 2, 1), -1), [x(2, 3, 2)])
layer("reflectionPad1d", [[2, 1]], nn.ReflectionPad1d((2, 1)), [x(2, 2, 4)])
layer("reflectionPad2d", [[1, 2, 0, 1]], nn.ReflectionPad2d((1, 2, 0, 1)), [x(1, 2, 3, 4)])
layer("replicationPad1d", [2], nn.ReplicationPad1d(2), [x(3, 4)])
layer("replicationPad2d", [[1, 3, 0, 1]], nn.ReplicationPad2d((1, 3, 0, 1)), [x(1, 2, 2, 3)])

layer("upsample", [{"scaleFactor": 2}], nn.Upsample(scale_factor=2), [x(1, 2, 2, 3)])
layer("upsample", [{"size": [3, 7]}], nn.Upsample(size=(3, 7)), [x(1, 2, 5, 3)])
layer("upsample", [{"scaleFactor": 1.7}], nn.Upsample(scale_factor=1.7), [x(1, 2, 5)])
layer("upsample", [{"size": 7, "mode": "linear"}], nn.Upsample(size=7, mode="linear"), [x(2, 1, 3)])
for align in (False, True):
    layer("upsample", [{"scaleFactor": 2, "mode": "bilinear", "alignCorners": align}], nn.Upsample(scale_factor=2, mode="bilinear", align_corners=align), [x(1, 2, 3, 2)])
    layer("upsample", [{"scaleFactor": [1.5, 0.7], "mode": "bilinear", "alignCorners": align}], nn.Upsample(scale_factor=(1.5, 0.7), mode="bilinear", align_corners=align), [x(1, 1, 3, 5)])
    layer("upsample", [{"size": [1, 4], "mode": "bilinear", "alignCorners": align}], nn.Upsample(size=(1, 4), mode="bilinear", align_corners=align), [x(1, 1, 3, 3)])
layer("pixelShuffle", [2], nn.PixelShuffle(2), [x(2, 8, 2, 3)])
layer("pixelUnshuffle", [2], nn.PixelUnshuffle(2), [x(2, 2, 4, 6)])
layer("unflatten", [1, [2, 3]], nn.Unflatten(1, (2, 3)), [x(2, 6, 2)])
layer("identity", [], nn.Identity(), [x(2, 3)])
layer("prelu", [{"numParameters": 3}], nn.PReLU(3), [x(2, 3, 2)])

write("nn-layers.json", cases, script="nn_layers.py")

cases = []
for shape in ((4, 3), (2, 3, 5)):
    for momentum, affine in ((0.1, True), (None, False)):
        layer("batchNorm1d", [3, {"momentum": momentum, "affine": affine}], nn.BatchNorm1d(3, momentum=momentum, affine=affine), [x(*shape), x(*shape)], evaluate=True)
layer("batchNorm1d", [2, {"trackRunningStats": False, "eps": 0.1}], nn.BatchNorm1d(2, track_running_stats=False, eps=0.1), [x(3, 2)], evaluate=True)
layer("groupNorm", [2, 4], nn.GroupNorm(2, 4), [x(2, 4, 3)], evaluate=True)
layer("groupNorm", [3, 3, {"affine": False, "eps": 0.1}], nn.GroupNorm(3, 3, affine=False, eps=0.1), [x(2, 3, 2, 2)])
layer("groupNorm", [1, 4], nn.GroupNorm(1, 4), [x(3, 4)])
layer("instanceNorm1d", [3], nn.InstanceNorm1d(3), [x(2, 3, 4)], evaluate=True)
layer("instanceNorm1d", [3, {"affine": True}], nn.InstanceNorm1d(3, affine=True), [x(3, 4)])
layer("instanceNorm2d", [2, {"affine": True, "trackRunningStats": True, "momentum": 0.3}], nn.InstanceNorm2d(2, affine=True, track_running_stats=True, momentum=0.3), [x(3, 2, 2, 3), x(3, 2, 2, 3)], evaluate=True)
layer("localResponseNorm", [3, {"alpha": 0.5}], nn.LocalResponseNorm(3, alpha=0.5), [x(2, 4, 3)])
layer("localResponseNorm", [2, {"alpha": 0.3, "beta": 0.5, "k": 2}], nn.LocalResponseNorm(2, 0.3, 0.5, 2), [x(2, 5, 2, 2)])
U = nn.utils
layer("linear", [3, 4], U.weight_norm(nn.Linear(3, 4)), [x(2, 3)], wrap=["weightNorm", {}])
layer("conv1d", [2, 3, 2], U.weight_norm(nn.Conv1d(2, 3, 2), dim=1), [x(2, 2, 4)], wrap=["weightNorm", {"dim": 1}])
layer("linear", [3, 2, {"bias": False}], U.weight_norm(nn.Linear(3, 2, bias=False), dim=None), [x(2, 3)], wrap=["weightNorm", {"dim": None}])
layer("linear", [3, 4], U.spectral_norm(nn.Linear(3, 4)), [x(2, 3), x(2, 3)], evaluate=True, wrap=["spectralNorm", {}])
layer("convTranspose1d", [2, 3, 2], U.spectral_norm(nn.ConvTranspose1d(2, 3, 2), n_power_iterations=3), [x(1, 2, 3), x(1, 2, 3)], wrap=["spectralNorm", {"powerIterations": 3}])
write("nn-norms.json", cases, script="nn_layers.py")

cases = []


def ids(*values):
    return torch.tensor(values)


layer("embedding", [5, 3], nn.Embedding(5, 3), [[ids([0, 4, 4], [2, 0, 1])]])
layer("embedding", [5, 2, {"paddingIdx": -2}], nn.Embedding(5, 2, padding_idx=-2), [[ids(3, 1, 3, 3, 0)]])
for mode in ("sum", "mean", "max"):
    layer("embeddingBag", [6, 3, {"mode": mode}], nn.EmbeddingBag(6, 3, mode=mode), [[ids([0, 4, 4], [2, 0, 1])]])
    layer("embeddingBag", [6, 2, {"mode": mode, "paddingIdx": 1}], nn.EmbeddingBag(6, 2, mode=mode, padding_idx=1), [[ids([1, 4, 2], [1, 1, 1])]])


class Bagged(nn.EmbeddingBag):
    """Offsets as a list, as ours."""

    def forward(self, indices, offsets):
        return super().forward(indices, torch.tensor(offsets))


for mode in ("sum", "mean", "max"):
    layer("embeddingBag", [6, 3, {"mode": mode}], Bagged(6, 3, mode=mode), [[ids(0, 4, 2, 2, 5)]], extra=([0, 2, 2, 3],))
    layer("embeddingBag", [6, 3, {"mode": mode, "includeLastOffset": True}], Bagged(6, 3, mode=mode, include_last_offset=True), [[ids(0, 4, 2, 2)]], extra=([0, 1, 4],))
write("nn-embeddings.json", cases, script="nn_layers.py")
