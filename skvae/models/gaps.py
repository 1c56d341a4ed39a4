"""Rows that are known in part: conditions of a sample, and gaps to fill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from skvae.messages import warn_user
from skvae.networks import VAE, complete
from skvae.tables import Table, to_pandas

N_PARTICLES = 200  # of a row with gaps, at least
PARTICLES_PER_DRAW = 8  # of multiple imputation: fewer would repeat themselves, and intervals be too narrow
POOL, DRAWS_PER_POOL = 4096, 256  # particles and draws of one condition, which many rows share
ENOUGH = 2.0  # effective particles of a row with gaps; fewer are worth a warning
CELLS = 20_000_000  # of particles in memory at once


def read_condition(table: Table, given: Any) -> pd.DataFrame:
    """What ``sample`` takes as ``given``, as a DataFrame: of one row for a dict."""
    names = [column.name for column in table.data_columns]
    if isinstance(given, Mapping):
        if not given:
            raise ValueError(
                f"given must say something of a column at least, but the dict is empty. "
                f"Pass given={{{names[0]!r}: …}}, say, or leave given out."
            )
        for name, value in given.items():
            if pd.api.types.is_list_like(value):
                raise TypeError(
                    f"A condition is one value for all rows, but that of column {name!r} is {value!r}. "
                    f"Pass a DataFrame with a row for each."
                )
        given = pd.DataFrame({name: [value] for name, value in given.items()})
    frame, _ = to_pandas(given)
    if not isinstance(frame, pd.DataFrame) or frame.empty or not frame.columns.is_unique:
        raise TypeError(
            f"given must be a dict of one value for each condition, or a DataFrame whose gaps are to be drawn, with a "
            f"row and a column at least, got {type(given).__name__}. Pass given={{{names[0]!r}: …}}, say."
        )
    unknown = [name for name in frame.columns if name not in names]
    if unknown:
        raise ValueError(
            f"given names column {unknown[0]!r}, but the columns are {names[:10]}"
            f"{' …' if len(names) > 10 else ''}. Name one of these."
        )
    return frame


def draw_under_condition(vae: VAE, x: Tensor, n_samples: int, generator: torch.Generator) -> Tensor:
    """Many rows under one condition, each pool of particles giving some of them. Shape: (D,) -> (n_samples, D)."""
    n_pools = math.ceil(n_samples / DRAWS_PER_POOL)
    draws = draw_gaps(vae, x.expand(n_pools, -1), DRAWS_PER_POOL, POOL, generator, enough=DRAWS_PER_POOL / 10)
    return draws.transpose(0, 1).flatten(0, 1)[:n_samples]


def draw_gaps(
    vae: VAE, x: Tensor, n_draws: int, n_particles: int, generator: torch.Generator, *, enough: float = ENOUGH
) -> Tensor:
    """Complete each row several times. Shape: (N, D) -> (M, N, D)."""
    if not len(x):
        return x.new_empty((n_draws, *x.shape))
    width = max(x.shape[1] * 128, vae.decoder.bias.shape[-1])
    size = max(1, CELLS // (n_particles * width))
    parts = [complete(vae, rows, n_draws, n_particles, generator) for rows in torch.split(x, size)]
    effective = torch.cat([part.effective for part in parts])
    is_rare = ~(effective >= enough)  # no particle at all is rare, too
    if float(is_rare.double().mean()) > 0.1:
        warn_user(
            f"The known cells of {int(is_rare.sum())} of {len(x)} row(s) are so rare together that {n_draws} draw(s) "
            f"rest on an effective sample size of {float(effective[is_rare].median()):.1f} out of {n_particles}: draws "
            f"resemble one another. Give fewer cells, or a more frequent combination.",
        )
    return torch.cat([part.x for part in parts], dim=1)


def fill_gaps(X: Any, has_gap: Any, filled: Any) -> Any:
    """X with its missing cells taken from ``filled``, which has only the rows with gaps; others are not touched."""
    if not isinstance(X, pd.DataFrame):
        values = X.copy()
        values[has_gap] = np.where(np.isnan(X[has_gap]), filled, X[has_gap])
        return values
    result = X.copy()
    for j in range(X.shape[1]):
        is_gap = X.iloc[:, j].isna().to_numpy(dtype=bool)
        if is_gap.any():
            result.isetitem(j, _replace(X.iloc[:, j], is_gap, filled.iloc[is_gap[has_gap], j]))
    return result


def keep_given(rows: Any, given: pd.DataFrame, names: list[Any]) -> Any:
    """Completed rows with the cells that were given exactly as they were."""
    for j, name in enumerate(names):
        if name not in given.columns:
            continue
        is_known = given[name].notna().to_numpy(dtype=bool)
        known = given[name][is_known]
        if not isinstance(rows, pd.DataFrame):
            rows[is_known, j] = known
        elif is_known.any():
            rows.isetitem(j, _replace(rows.iloc[:, j], is_known, known))
    return rows


def _replace(column: pd.Series, where: Any, values: pd.Series) -> Any:
    """A copy of a column with some of its cells replaced."""
    array: Any = column.array.copy()
    if isinstance(column.dtype, pd.SparseDtype):
        array = array.to_dense()
    if isinstance(array, pd.Categorical):
        values = values.astype(object)
        array = array.add_categories([value for value in values.unique() if value not in array.categories])
        array[where] = values.tolist()
    else:
        array[where] = values.astype(array.dtype).array
    dtype = column.dtype if isinstance(column.dtype, pd.SparseDtype) else array.dtype
    return pd.Series(array, index=column.index, dtype=dtype)
