"""One pass over a chunk, with the optimiser as the last chunk left it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from skvae.estimators.fitting import (
    Fit,
    build_vae,
    mean_kl,
    most_extreme,
    n_parallel,
    print_progress,
    resolve_init,
    resolve_objective,
    resolve_recipe,
)
from skvae.networks import VAE
from skvae.tables import Table
from skvae.training import (
    History,
    Optimizer,
    RowsInMemory,
    Split,
    initialize,
    intraop_threads,
    isolated_rng,
    open_ended,
    train,
)

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
    optimizer : dict or None
        Its state.
    """

    n_rows: int
    n_steps: int = 0
    n_seen: float = 0.0
    weight: float = 0.0
    optimizer: dict[str, Any] | None = None


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
    uses_global_rng = parameters.dropout > 0 or callable(parameters.encoder) or callable(parameters.decoder)
    rng = isolated_rng(seed + online.n_steps, device, lends_global=uses_global_rng)
    with rng as generator, intraop_threads(recipe.n_threads(n_parallel(parameters, table))):
        x, everything = x.to(device), torch.arange(len(x), device=device)
        total = float(len(x) if weights is None else weights.sum())
        online = replace(online, n_seen=online.n_seen + len(x), weight=online.weight + total)
        if weights is not None:
            weights = weights.to(device) * (online.n_seen / online.weight)
        vae = build_vae(parameters, table, recipe, seed) if start is None else copy.deepcopy(start)
        vae = vae.to(device).requires_grad_(True)
        if start is None:
            initialize(vae, x, [everything], resolve_init(parameters, table), generator, weights)
        optimizer = Optimizer(vae, recipe)
        if online.optimizer is not None:
            optimizer.load(online.optimizer)
        offset = float(table.log_jacobian(x).double().mean())
        x, weights = x.float(), None if weights is None else weights.float()
        n_before = online.n_steps
        passed = train(
            vae,
            x,
            Split([everything], []),
            recipe,
            objective,
            generator=generator,
            offset=offset,
            rows=RowsInMemory(x, weights, [everything]),
            continued=optimizer,
            schedule=lambda step, _: open_ended(step, n_before),
        )
        passed.flush()
        append(history, passed)
        if parameters.verbose:
            print_progress(history)
        vae.requires_grad_(False)
        extreme = most_extreme(table, x) if history.n_skipped else None
        fit = Fit(vae, history, mean_kl(vae, x, weights), extreme)
    return fit, replace(online, n_steps=n_before + n_batches, optimizer=optimizer.state())


def append(history: History, passed: History) -> None:
    """Another pass at the end of a history; the state before the first step only where there is none yet."""
    for row in passed.epochs[1 if history.epochs else 0 :]:
        history.epochs.append(row | {"epoch": len(history.epochs)})
    history.best_iter = len(history.epochs) - 1
    history.n_skipped, history.interrupted = passed.n_skipped, passed.interrupted
