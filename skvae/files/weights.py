"""Weights of a module ↔ arrays by name."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import nn
from torch.overrides import TorchFunctionMode

from skvae.models import BESIDE, Architecture, Beside
from skvae.networks import VAE
from skvae.tables import Table
from skvae.training import isolated_rng

OWN_WEIGHTS = ("encoder.network.replicas", "decoder.network.replicas")  # of a user's own networks
OF_TABLE = ("joint.", *(f"{name}.joint." for name in BESIDE), "chain.relative.rulers.")  # constants of columns
FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange)

Module = TypeVar("Module", bound=nn.Module)
Arrays = dict[str, NDArray[Any]]

SPARE = 1_000_000  # numbers that any file may lead to


def learned(model: nn.Module) -> Arrays:
    """What the table does not say: parameters, floating-point buffers, and all that a user's network has."""
    named = itertools.chain(model.named_parameters(), model.named_buffers())
    return {name: tensor.detach().cpu().numpy() for name, tensor in named if _is_learned(name, tensor)}


def _is_learned(name: str, tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or name.startswith(OWN_WEIGHTS)


def _tensors(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors by all of their names."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def rebuilt(architecture: Architecture, table: Table, weights: Arrays) -> VAE:
    """The module that was fitted, made anew and given its weights."""
    with isolated_rng(0, torch.device("cpu"), lends_global=True):
        vae = architecture.build(table, 0)
        for name in BESIDE:
            if any(key.startswith(f"{name}.") for key in weights):
                setattr(vae, name, architecture.build_beside(name, table, 0))
    return attached(vae.requires_grad_(False).eval(), weights)


def rebuilt_beside(name: str, architecture: Architecture, table: Table, weights: Arrays) -> Beside:
    """A model beside the VAE, made anew and given its weights."""
    return attached(architecture.build_beside(name, table, 0).requires_grad_(False).eval(), weights)


def attached(model: Module, weights: Arrays) -> Module:
    """The module with these arrays as its tensors, uncopied. Tensors that are one stay one."""
    names_of: dict[int, list[str]] = {}
    tensors = dict(_tensors(model))
    for name, tensor in tensors.items():
        names_of.setdefault(id(tensor), []).append(name)
    expected = {names[0]: names for names in names_of.values() if _is_learned(names[0], tensors[names[0]])}
    expected |= {name: names for names in names_of.values() for name in names[:1] if name in weights}
    if expected.keys() != weights.keys():
        odd = sorted(expected.keys() ^ weights.keys())[0]
        raise ValueError(f"Its weights are not those of its model: {odd!r} is in one of them only")
    for name, names in expected.items():
        new: Any = _as_tensor(weights[name])
        old = tensors[name]
        if new.shape != old.shape or new.dtype != old.dtype:
            raise ValueError(f"Its {name!r} is {new.dtype} {tuple(new.shape)}, not {old.dtype} {tuple(old.shape)}")
        is_constant = name.startswith(OF_TABLE) and bool(new.isfinite().all())  # what is not has a sentence of its own
        if is_constant and not torch.allclose(new, old, rtol=1e-3, atol=1e-6):
            raise ValueError(f"Its {name!r} is not what follows from the columns of its table")
        new = nn.Parameter(new, requires_grad=False) if isinstance(old, nn.Parameter) else new
        for place in names:
            owner, _, leaf = place.rpartition(".")
            module = model.get_submodule(owner)
            (module._parameters if leaf in module._parameters else module._buffers)[leaf] = new
    return model


def _as_tensor(array: NDArray[Any]) -> torch.Tensor:
    with warnings.catch_warnings():  # a memory-mapped array is read-only; so are fitted weights
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _n_made(factory: Callable[..., torch.Tensor], args: tuple[Any, ...]) -> int:
    """How many numbers a factory of tensors makes, given what it is called with."""
    if factory is torch.arange:
        return len(range(*(math.ceil(end) for end in args)))
    if args and isinstance(args[0], tuple | list):
        return math.prod(args[0])
    return math.prod(args)


class SizeLimit(TorchFunctionMode):
    """Within it, no more numbers are made than a model with this many would need.

    Parameters
    ----------
    n_numbers : int
        In the file.
    """

    def __init__(self, n_numbers: int) -> None:
        super().__init__()
        self.left = 4 * n_numbers + SPARE

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count what ``torch.empty(…)`` and its like make."""
        if func in FACTORIES:
            self.left -= _n_made(func, args)
        if self.left < 0:
            raise ValueError("Its sizes are far beyond what it holds")
        return func(*args, **(kwargs or {}))
