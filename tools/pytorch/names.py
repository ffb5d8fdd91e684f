"""Writes names.json: the public names of PyTorch (not those that end in _), by introspection, for docs/pytorch.md to say what is absent.

Usage: python3 tools/pytorch/names.py
"""
import inspect
import json
import pathlib

import torch
import torch.distributions
import torch.nn.functional
import torch.nn.utils.rnn
import torch.utils.data


def public(module, keep):
    return [n for n in sorted(dir(module)) if not n.startswith("_") and not n.endswith("_") and keep(getattr(module, n, None))]


def here(module, keep=callable):
    """What a module defines itself, or takes over from torch: not typing.List and the like."""
    return public(module, lambda o: keep(o) and not inspect.ismodule(o) and getattr(o, "__module__", None) not in ("typing", "collections"))


is_class = inspect.isclass
optimizers = here(torch.optim, is_class)
NAMES = {
    "torch.Tensor": public(torch.Tensor, lambda o: True),
    "torch.linalg": [n for n in here(torch.linalg) if n not in ("LinAlgError", "Tensor")],
    "torch.nn": here(torch.nn, is_class),
    "torch.nn.functional": [n for n in here(torch.nn.functional, lambda o: callable(o) and not is_class(o)) if "torch_function" not in n],
    "torch.nn.init": [n for n in sorted(dir(torch.nn.init)) if n.endswith("_") and not n.startswith("_")] + ["calculate_gain"],
    "torch.nn.utils": sorted(
        {n for n in dir(torch.nn.utils) if not n.startswith("_") and callable(getattr(torch.nn.utils, n))}
        | {"rnn." + n for n in ("PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence", "unpack_sequence")}
    ),
    "torch.nn.Module": public(torch.nn.Module, callable),
    "torch.optim": optimizers,
    "torch.optim.lr_scheduler": [n for n in here(torch.optim.lr_scheduler, is_class) if n != "Optimizer" and not n.startswith("_")],
    "torch.distributions": [n for n in torch.distributions.__all__ if "Transform" not in n and n not in ("biject_to", "transform_to", "register_kl", "identity_transform")],
    "torch.utils.data": [n for n in here(torch.utils.data) if "Pipe" not in n and "valid" not in n and "determin" not in n and n != "functional_datapipe"],
}

out = {"version": torch.__version__.split("+")[0], "names": NAMES}
pathlib.Path(__file__).with_name("names.json").write_text(json.dumps(out, indent=0, sort_keys=True) + "\n")
