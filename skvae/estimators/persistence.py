"""Weights in a pickle: NumPy arrays, which joblib can memory-map and which load on any machine."""

from __future__ import annotations

import copy
import itertools
import warnings
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn

from skvae.networks import VAE

Weights = dict[str, NDArray[Any]]


def detach_weights(vae: VAE) -> tuple[VAE, Weights]:
    """The module without its tensors, and the tensors, buffers that a state dict leaves out among them."""
    named = itertools.chain(vae.named_parameters(remove_duplicate=False), vae.named_buffers(remove_duplicate=False))
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in named}
    return copy.deepcopy(vae).to("meta"), weights


def attach_weights(vae: VAE, weights: Weights) -> None:
    """Undo ``detach_weights`` in place, without copying; the module is then on the CPU."""
    with warnings.catch_warnings():  # a memory-mapped array is read-only; so are fitted weights
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    for name, tensor in tensors.items():
        owner, _, leaf = name.rpartition(".")
        module = vae.get_submodule(owner)
        if leaf in module._parameters:
            module._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)
        else:
            module._buffers[leaf] = tensor
