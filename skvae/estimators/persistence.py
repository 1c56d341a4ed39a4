"""Weights in a pickle: NumPy arrays, which joblib can memory-map and which load on any machine."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from numpy.typing import NDArray

from skvae.networks import VAE

Weights = dict[str, NDArray[Any]]


def detach_weights(vae: VAE) -> tuple[VAE, Weights]:
    """The module without its weights, and the weights."""
    weights = {name: tensor.cpu().numpy() for name, tensor in vae.state_dict().items()}
    return copy.deepcopy(vae).to("meta"), weights


def attach_weights(vae: VAE, weights: Weights) -> None:
    """Undo ``detach_weights`` in place, without copying; the module is then on the CPU."""
    with warnings.catch_warnings():  # a memory-mapped array is read-only; so are fitted weights
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    vae.load_state_dict(tensors, assign=True)
    vae.requires_grad_(False)
