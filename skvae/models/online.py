"""One pass over a chunk, with the optimiser as the last chunk left it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from skvae.models.fitting import Fit, build_vae, mean_kl, most_extreme, prepared, print_progress
from skvae.models.rules import resolve_init, resolve_objective, resolve_recipe
from skvae.networks import VAE
from skvae.tables import Table
from skvae.training import Candidate, History, RowsInMemory, Split, Training, initialize, open_ended

N_ROWS_MIN = 2000  # that the rules behind "auto" count on: more chunks will come


@dataclass(frozen=True)
class Online:
    """What is kept from chunk to chunk, beside the model.

    Attributes
    ----------
    n_rows : int
        What the rules behind "auto" go by: rows of the first chunk, but 2,000 at least.
    n_steps : int
        Steps so far.
    n_seen, weight : float
        Rows so far, and the sum of their weights.
    memory : list of Tensors or None
        What the optimiser remembers.
    """

    n_rows: int
    n_steps: int = 0
    n_seen: float = 0.0
    weight: float = 0.0
    memory: list[Tensor] | None = None


def fit_chunk(
    parameters: Any,
    table: Table,
    x: Tensor,
    *,
    weights: Tensor | None,
    device: torch.device,
    seed: int,
    start: VAE | None,
    online: Online | None,
    history: History,
) -> tuple[Fit, Online]:
    """Take one pass over the rows of a chunk, in steps of a constant learning rate after a warm-up.

    Parameters
    ----------
    parameters, table, device, seed, start
        See ``fit_vae``.
    x : Tensor of shape (N, D)
        Encoded rows.
    weights : Tensor of shape (N,), optional
        Weight of each row; they are divided by the mean over all chunks so far.
    online : Online, optional
        What the last chunk left.
    history : History
        Of earlier passes.
    """
    online = Online(max(len(x), N_ROWS_MIN)) if online is None else online
    recipe = replace(resolve_recipe(parameters, table, online.n_rows, device), max_iter=1)
    n_batches = -(-len(x) // recipe.batch_size)
    recipe = replace(recipe, batch_size=len(x) // n_batches)  # few rows are left over
    objective = resolve_objective(parameters, table, online.n_rows)
    with prepared(parameters, table, recipe, device, seed + online.n_steps) as generator:
        x, everything = x.to(device), torch.arange(len(x), device=device)
        total = float(len(x) if weights is None else weights.sum())
        online = replace(online, n_seen=online.n_seen + len(x), weight=online.weight + total)
        if weights is not None:
            weights = weights.to(device) * (online.n_seen / online.weight)
        vae = build_vae(parameters, table, recipe.hidden_layer_sizes, seed) if start is None else copy.deepcopy(start)
        vae = vae.to(device).requires_grad_(True)
        if start is None:
            initialize(vae, x, [everything], resolve_init(parameters, table), generator, weights)
        offset = float(table.log_jacobian(x).double().mean())
        x, weights = x.float(), None if weights is None else weights.float()
        candidate = Candidate(recipe, objective, vae.encoder.n_components, offset)
        training = Training(
            vae,
            x,
            Split([everything], []),
            [candidate],
            seed=seed + online.n_steps,
            rows=RowsInMemory(x, weights, [everything]),
            schedule=partial(_after, online.n_steps),
        )
        if online.memory is not None:
            training.optimizer.recall(online.memory)
        training.run()
        append(history, candidate.history)
        if parameters.verbose:
            print_progress(history)
        vae.requires_grad_(False)
        extreme = most_extreme(table, x) if history.n_skipped else None
        fit = Fit(vae, history, mean_kl(vae, x, weights), extreme)
    memory, n_steps = training.optimizer.remember(), online.n_steps + training.n_batches
    return fit, replace(online, n_steps=n_steps, memory=memory)


def _after(n_before: int, step: int, n_steps: int) -> tuple[float, float]:
    """The schedule of steps that follow others."""
    return open_ended(n_before + step)


def append(history: History, passed: History) -> None:
    """Another pass at the end of a history; the state before the first step only where there is none yet."""
    passed.flush()
    for row in passed.epochs[1 if history.epochs else 0 :]:
        history.epochs.append(row | {"epoch": len(history.epochs)})
    history.best_iter = len(history.epochs) - 1
    history.n_skipped, history.interrupted = passed.n_skipped, passed.interrupted
