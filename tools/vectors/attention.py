"""Writes vectors/attention.json (layerNorm, scaled-dot-product attention, MultiheadAttention with its masks) and vectors/transformer.json
(layers and stacks, in evaluation and in training without dropout). A case of a module: settings, state, inputs, masks, output, upstream, gradients."""
import math
import random

import torch
import torch.nn.functional as F

import golden
from golden import pack, tensor, write

rng = random.Random(23)
cases = []


def fill(module):
    """Few digits, so that the JSON is short."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            near = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            p.copy_(tensor(rng, p.shape, near - 0.7, near + 0.7, 2))
    return module


def record(kind, args, fn, inputs, module=None, masks=None, mode="train", weights=None):
    """fn(*inputs) -> output; gradients of the inputs and of the module's parameters."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    if module is not None:
        module.zero_grad()
        module.train(mode == "train")
    out = fn(*leaves)
    upstream = tensor(rng, out.shape, -1, 1, 2)
    out.backward(upstream)
    row = {"kind": kind, "args": args, "mode": mode, "inputs": [pack(x) for x in inputs], "masks": {k: pack(v) for k, v in (masks or {}).items()},
           "output": pack(out.detach()), "upstream": upstream.reshape(-1).tolist(), "grads": [x.grad.reshape(-1).tolist() for x in leaves]}
    if weights is not None:
        row["weights"] = pack(weights().detach())
    if module is not None:
        row["state"] = {k: pack(v) for k, v in module.state_dict().items()}
        row["stateGrads"] = {k: [g for g in p.grad.reshape(-1).tolist()] for k, p in module.named_parameters()}
    cases.append(row)


for shape, own, eps in (((3, 5), (5,), 1e-5), ((2, 3, 4), (3, 4), 1e-3), ((4, 2, 3), (3,), 0.5), ((0, 3), (3,), 1e-5)):
    layer = torch.nn.LayerNorm(own, eps=eps)
    fill(layer)
    record("layerNorm", {"shape": own, "eps": eps}, layer, [tensor(rng, shape) * 3 + 1], layer)
plain = torch.nn.LayerNorm((4,), elementwise_affine=False)
record("layerNorm", {"shape": [4], "eps": 1e-5, "elementwiseAffine": False}, plain, [tensor(rng, (3, 4))], plain)

# Scaled-dot-product attention from PyTorch's own products and softmax (1.13 has no public function of it).
NEG = float("-inf")


def sdpa(q, k, v, mask=None, causal=False, scale=None):
    s = q @ k.transpose(-2, -1) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if causal:
        s = s.masked_fill(torch.ones(s.shape[-2:], dtype=torch.bool).tril().logical_not(), NEG)
    if mask is not None:
        s = s.masked_fill(mask.logical_not(), NEG) if mask.dtype == torch.bool else s + mask
    return F.softmax(s, -1) @ v


keep = lambda *shape: torch.tensor([rng.random() < 0.6 for _ in range(math.prod(shape))]).reshape(shape).index_fill(-1, torch.tensor([0]), True)
for lead, l, s, e, d, args, mask in (
    ((2,), 3, 5, 4, 3, {}, None),
    ((2, 2), 5, 5, 3, 3, {"isCausal": True}, None),
    ((1, 2), 2, 4, 2, 5, {"isCausal": True, "scale": 0.3}, None),
    ((2, 3), 4, 3, 2, 2, {}, keep(2, 1, 4, 3)),
    ((2, 2), 3, 4, 3, 2, {"scale": 1.5}, tensor(rng, (2, 3, 4))),
    ((), 9, 17, 5, 7, {}, keep(17)),
):
    q, k, v = tensor(rng, (*lead, l, e)), tensor(rng, (*lead, s, e)), tensor(rng, (*lead, s, d))
    record("scaledDotProductAttention", args, lambda q, k, v: sdpa(q, k, v, mask, args.get("isCausal", False), args.get("scale")),
           [q, k, v], masks={} if mask is None else {"attnMask": mask})


def mha(args, l, s, n, masks=None, torch_args=None, self_attention=False, unbatched=False, average=True):
    torch_args = torch_args or {}
    first = torch_args.get("batch_first", False)
    module = fill(torch.nn.MultiheadAttention(args["embedDim"], args["numHeads"], **torch_args))
    dims = [args["embedDim"], torch_args.get("kdim", args["embedDim"]), torch_args.get("vdim", args["embedDim"])]
    shape = lambda length, width: (length, width) if unbatched else (n, length, width) if first else (length, n, width)
    inputs = [tensor(rng, shape(length, width)) for length, width in zip((l, s, s), dims)]
    masks = masks or {}
    kept = []

    def fn(*xs):
        q, k, v = (xs[0], xs[0], xs[0]) if self_attention else xs
        out, w = module(q, k, v, key_padding_mask=masks.get("keyPaddingMask"), attn_mask=masks.get("attnMask"), average_attn_weights=average)
        kept.append(w)
        return out

    record("multiheadAttention", {**args, "averageAttnWeights": average}, fn, inputs[:1] if self_attention else inputs, module, masks,
           weights=lambda: kept[0])


mha({"embedDim": 6, "numHeads": 2}, 4, 4, 2, self_attention=True)
mha({"embedDim": 4, "numHeads": 2, "batchFirst": True, "bias": False}, 3, 5, 2, torch_args={"batch_first": True, "bias": False}, average=False)
mha({"embedDim": 4, "numHeads": 1, "kdim": 3, "vdim": 5, "batchFirst": True}, 3, 4, 2, torch_args={"kdim": 3, "vdim": 5, "batch_first": True})
padding = torch.tensor([[False, False, True, False], [False, True, True, False]])
hide = torch.tensor([[False, True, False, False], [False, False, False, True], [False, False, True, False]])
mha({"embedDim": 4, "numHeads": 2}, 3, 4, 2, {"keyPaddingMask": padding, "attnMask": hide})
mha({"embedDim": 4, "numHeads": 2}, 3, 4, 2, {"keyPaddingMask": padding, "attnMask": tensor(rng, (3, 4))})
mha({"embedDim": 4, "numHeads": 2}, 3, 4, 2, {"attnMask": tensor(rng, (4, 3, 4))})
mha({"embedDim": 4, "numHeads": 2, "addBiasKv": True, "addZeroAttn": True}, 3, 4, 2, {"keyPaddingMask": padding, "attnMask": hide},
    torch_args={"add_bias_kv": True, "add_zero_attn": True})
mha({"embedDim": 4, "numHeads": 2}, 3, 4, None, unbatched=True)

encoder_mask = torch.nn.Transformer.generate_square_subsequent_mask(4)
for mode in ("train", "eval"):
    for norm_first in (False, True):
        for activation, batch_first in (("relu", True), ("gelu", False)) if mode == "train" else (("relu", norm_first),):
            args = {"dModel": 4, "nhead": 2, "dimFeedforward": 5, "activation": activation, "batchFirst": batch_first, "normFirst": norm_first}
            options = dict(dim_feedforward=5, dropout=0.0 if mode == "train" else 0.4, activation=activation, batch_first=batch_first, norm_first=norm_first)
            shape = (2, 4, 4) if batch_first else (4, 2, 4)
            encoder = fill(torch.nn.TransformerEncoderLayer(4, 2, **options))
            record("transformerEncoderLayer", args, lambda x: encoder(x, src_mask=encoder_mask), [tensor(rng, shape)], encoder,
                   {"srcMask": encoder_mask}, mode)
            decoder = fill(torch.nn.TransformerDecoderLayer(4, 2, **options))
            record("transformerDecoderLayer", args, lambda x, m: decoder(x, m, tgt_mask=encoder_mask), [tensor(rng, shape), tensor(rng, shape)], decoder,
                   {"tgtMask": encoder_mask}, mode)

stack = fill(torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=True), 2, torch.nn.LayerNorm(4), enable_nested_tensor=False))
src_padding = torch.tensor([[False, False, True], [False, False, False]])
record("transformerEncoder", {"dModel": 4, "nhead": 2, "dimFeedforward": 5, "numLayers": 2, "batchFirst": True},
       lambda x: stack(x, src_key_padding_mask=src_padding), [tensor(rng, (2, 3, 4))], stack, {"srcKeyPaddingMask": src_padding})
both = fill(torch.nn.Transformer(4, 2, 1, 1, 5, dropout=0.0))
target = torch.nn.Transformer.generate_square_subsequent_mask(2)
record("transformer", {"dModel": 4, "nhead": 2, "dimFeedforward": 5, "numEncoderLayers": 1, "numDecoderLayers": 1},
       lambda s, t: both(s, t, tgt_mask=target), [tensor(rng, (3, 2, 4)), tensor(rng, (2, 2, 4))], both, {"tgtMask": target})


def shorter(x):
    return round(x, 11) if isinstance(x, float) and math.isfinite(x) else str(x) if isinstance(x, float) else {k: shorter(v) for k, v in x.items()} if isinstance(x, dict) else [
        shorter(v) for v in x] if isinstance(x, (list, tuple)) else x


one, two = [[c for c in cases if c["kind"].startswith("transformer") == big] for big in (False, True)]
write("attention.json", shorter(one), script="attention.py")
write("transformer.json", shorter(two), script="attention.py")
