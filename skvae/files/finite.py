"""Whether a model is made of finite numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skvae.files.weights import OWN_WEIGHTS
from skvae.networks import VAE
from skvae.tables import Table
from skvae.tables.columns import HistogramColumn

Named = Iterator[tuple[str, NDArray[Any]]]


def check_finite_attributes(attributes: Mapping[str, Any]) -> None:
    """Refuse fitted attributes that are NaN or infinite; the history may begin with NaN.

    Raises
    ------
    ValueError
        Which names the first of them.
    """
    online = attributes["_online"]
    _check_finite(_numbers_of_table(attributes["table_"]))
    _check_finite(iter([("kl_per_component_", attributes["kl_per_component_"])]))
    if online is not None:
        numbers = [
            np.array([online.n_seen, online.mean_weight]),
            *_of_tensors(online.memory),
            *_of_tensors(online.left),
        ]
        _check_finite(("memory of the steps so far", array) for array in numbers)
    if np.isnan(attributes.get("noise_variance_", 0.0)).any():  # infinite where a float64 cannot hold a square
        raise ValueError(_sentence("noise_variance_", np.nan))


def _of_tensors(kept: list[Tensor] | None) -> Iterator[NDArray[Any]]:
    """Tensors as arrays, if there are any."""
    return (tensor.cpu().numpy() for tensor in kept or [])


def check_finite_weights(vae: VAE) -> None:
    """Refuse weights that are NaN or infinite; buffers of a user's own network may be either, as masks are.

    Raises
    ------
    ValueError
        Which names the first of them.
    """
    buffers = ((name, buffer) for name, buffer in vae.named_buffers() if not name.startswith(OWN_WEIGHTS))
    for name, tensor in itertools.chain(vae.named_parameters(), buffers):
        is_finite = torch.isfinite(tensor)
        if not is_finite.all():
            raise ValueError(_sentence(name, tensor[~is_finite][0].item()))


def _numbers_of_table(table: Table) -> Named:
    """What a table knows of each column, by a name for messages."""
    for column in table.data:
        at = f"of column {column.name!r}"
        for name in ("loc", "scale", "lower", "upper"):
            yield f"{name} {at}", np.array(getattr(column, name))
        if column.scale == 0:
            raise ValueError(f"A column is encoded in units of some size, but the scale {at} is 0")
        if column.family.scaling == "none" and (column.loc, column.scale) != (0, 1):  # codes of levels, say
            raise ValueError(f"Cells of {column.family.name!r} are not scaled, but the loc and scale {at} say so")
        for name, array in _arrays_of(column.codec):
            yield f"{name} {at}", array
        if isinstance(column.codec, HistogramColumn):
            with np.errstate(all="ignore"):  # rounding to too many decimals overflows
                levels = column.codec.bins.decode(np.arange(len(column.codec.edges), dtype=float))
            yield f"levels {at}", levels


def _arrays_of(codec: Any) -> Named:
    """The arrays of numbers in a codec and its parts."""
    for field in fields(codec):
        value = getattr(codec, field.name)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            yield field.name, value
        elif is_dataclass(value):
            yield from _arrays_of(value)


def _check_finite(named: Named) -> None:
    for name, array in named:
        is_finite = np.isfinite(array)
        if not is_finite.all():
            raise ValueError(_sentence(name, array[~is_finite].flat[0]))


def _sentence(name: str, value: float) -> str:
    return (
        f"A model is made of finite numbers, but its {name} holds {value}. Fit it again, on columns of a moderate "
        f"size, and save it again."
    )
