"""Nested components: how their training starts and ends, and the model of the first few of them."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import torch

from skvae.models.architecture import Architecture
from skvae.models.data import Data
from skvae.models.floor import Floor
from skvae.models.kl import every_nth
from skvae.models.loadings import TINY, Yardstick
from skvae.models.outcome import Fit, Levels, conclude
from skvae.networks import VAE, Nested, Tables, alone, narrow, restack
from skvae.tables import Table
from skvae.tables.bins import Floats
from skvae.training import History

N_ROWS = 2000  # over which the shares of levels are taken


def nested_at_start(vae: VAE, init: str) -> Nested:
    """The models with their tables of levels, which those of a linear start imply."""
    nested = Nested(vae)
    if init != "random" and vae.encoder.linear:
        nested.start_linearly()
    return nested


def conclude_nested(
    nested: Nested,
    history: History,
    data: Data,
    rows: torch.Tensor,
    generator: torch.Generator | None = None,
    floor: Floor | None = None,
) -> Fit:
    """What ``conclude`` answers, of the level of all components, with the tables of the others."""
    restack(nested, [nested.n_models - 1])
    if floor is not None:
        floor.hold(nested, history, data)
    some = data.take(rows[:: every_nth(len(rows))])
    explained = explained_by_level(nested, data.table, some)
    vae, tables = nested.folded()
    return conclude(vae, history, data, rows, generator, levels=Levels(tables, explained))


@torch.no_grad()
def explained_by_level(nested: Nested, table: Table, data: Data) -> Floats:
    """Share of the variance of all columns that each component adds to what those before it explain, by column.

    Adds up: over the columns to the share of the component, over the components to that of the whole model. Errors
    count, so that a component may cost a column a little. Shape: (K, D), of a stack of one.
    """
    data = data.take(torch.arange(0, len(data.x), math.ceil(len(data.x) / N_ROWS), device=data.x.device))
    shares = np.ones(len(data.x)) if data.weights is None else data.weights.cpu().double().numpy()
    yardstick, precise, x = Yardstick.of(table, data.x, shares), copy.deepcopy(nested).double(), data.x.double()[None]
    left = [yardstick.total / max(float(yardstick.total.sum()), TINY)]
    for k in range(1, nested.n_components + 1):
        level = precise.at(torch.full((len(data.x),), k, device=data.x.device))
        left.append(yardstick.share_left(yardstick.expected(level, level.posterior(x).loc[0]), shares))
    gained: Floats = -np.diff(left, axis=0)
    return np.nan_to_num(gained)


def cut(vae: VAE, architecture: Architecture, table: Table, tables: Tables, k: int) -> tuple[VAE, Architecture]:
    """The ordinary model of the first k components, and what it is made of; models beside the VAE are shared."""
    narrower = replace(architecture, n_components=k)
    small = narrower.build(table, 0).to(vae.decoder.bias.device)
    small = narrow(alone(copy.deepcopy(vae)), small).requires_grad_(False)
    tables.fold(small, k)
    small.chain, small.reader = vae.chain, vae.reader
    return small, narrower
