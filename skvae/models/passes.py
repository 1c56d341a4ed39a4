"""Passes of many rows through a fitted module: a part at a time, in the precision of the rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from skvae.messages import memory_remedy
from skvae.networks import VAE
from skvae.tables import Rows, Table, release, slices
from skvae.training import settings_of_its_own

CHUNK = 4_000_000  # cells held in memory at once, in every layer

ByRow = Callable[[VAE, Tensor], tuple[Tensor, ...]]
State = tuple[tuple[int, int], ...]


@contextmanager
def _asking() -> Iterator[None]:
    """Where a fitted model is asked."""
    with memory_remedy("Ask for fewer rows at a time."), settings_of_its_own():
        yield


FEWER_ROWS = _asking()

_COPIES: WeakKeyDictionary[VAE, tuple[State, VAE]] = WeakKeyDictionary()  # in double precision, beside the modules


def by_row(table: Table, vae: VAE, X: Rows, function: ByRow) -> list[Tensor]:
    """What a function says of each row, a part of the rows at a time.

    The function is called with the module in the precision of X and encoded rows, (1, n, D), and gives tensors of
    n rows, which are put where there is room for all N: small results between large ones would tear memory apart.
    """
    results, n, device = list[Tensor](), 0, device_of(vae)
    for first, rows in slices(X):
        with counting_from(first):
            x = table.encode(rows).to(device)
        release(X)
        if first == 0:
            vae = in_precision(vae, x.dtype)
        for part in torch.split(x, rows_at_once(table, vae)):
            values = function(vae, part[None])
            if not results:
                results = [value.new_empty((len(X), *value.shape[1:]), device="cpu") for value in values]
            for result, value in zip(results, values, strict=True):
                result[n : n + len(part)] = value
            n += len(part)
    return results


def in_precision(vae: VAE, dtype: torch.dtype) -> VAE:
    """The module in another precision; itself in its own."""
    if dtype == torch.float32:
        return vae
    state = _state_of(vae)
    kept = _COPIES.get(vae)
    if kept is None or kept[0] != state or next(kept[1].parameters()).dtype != dtype:
        kept = state, copy.deepcopy(vae).to(dtype)
        _COPIES[vae] = kept
    return kept[1]


def rows_at_once(table: Table, vae: VAE) -> int:
    """Rows whose widest layer, or all of whose levels, fit into memory."""
    return max(1, CHUNK // max(vae.n_outputs, table.n_levels, len(table.columns), 512))


def device_of(vae: VAE) -> torch.device:
    """Where the module is."""
    return next(vae.parameters()).device


def _state_of(vae: VAE) -> State:
    """What differs once a weight or a mode of the module has been changed, in place or not."""
    tensors = (*vae.parameters(), *vae.buffers())
    return ((int(vae.training), 0), *((tensor.data_ptr(), _version_of(tensor)) for tensor in tensors))


def _version_of(tensor: Tensor) -> int:
    """How often a tensor was changed in place: one that was unpickled under inference mode cannot be."""
    return 0 if tensor.is_inference() else tensor._version


@contextmanager
def counting_from(first: int) -> Iterator[None]:
    """Say from where an error counts its rows, if not from the first."""
    try:
        yield
    except ValueError as error:
        if not first or type(error) is not ValueError:
            raise
        raise ValueError(f"{error} (Rows count from row {first} here.)") from error
