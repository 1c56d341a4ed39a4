"""One pass over a chunk, with the optimiser as the last chunk left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from torch import arange

from skvae.messages import warn_user
from skvae.models.beside import Trained, beside_at_start
from skvae.models.data import Data
from skvae.models.fitting import stack_at_start
from skvae.models.floor import Floor
from skvae.models.loadings import N_ROWS_OF_CHUNK
from skvae.models.online import Online
from skvae.models.outcome import Fit, fit_of
from skvae.models.plan import Plan
from skvae.models.run import Run, print_progress
from skvae.models.whole import with_beside
from skvae.networks import VAE
from skvae.training import (
    Aim,
    Candidate,
    History,
    LogLikelihood,
    Recipe,
    RowsInMemory,
    Split,
    Trainee,
    Training,
    open_ended,
)

FEW = 100  # rows of a first chunk, below which later ones will hardly look like it
ROWS_OF_A_COMPONENT = 3  # of which a linear start is believed


def fit_chunk(
    plan: Plan,
    data: Data,
    run: Run,
    start: VAE | None,
    online: Online,
    history: History,
    beside: Mapping[str, History],
) -> Fit:
    """Take one pass over the rows of a chunk, in steps of a constant learning rate after a warm-up.

    Parameters
    ----------
    plan, data, run, start
        See ``fit``.
    online : Online
        What the last chunk left.
    history, beside : History, dict of Histories
        Records of earlier passes, of the VAE and of the models beside it; the new ones are appended.
    """
    online = online.noticing(data)
    data = replace(data, weights=online.relative(data.weights))
    fit = _fit_vae(plan, data, run, start, online, history)
    rows = data.of_columns if plan.beside else data
    for name, stage in plan.beside.items():
        of_model = beside.get(name, History())
        with run.prepared(plan, stage.n_threads):
            model = beside_at_start(name, plan, rows, [arange(len(rows.x))], run, getattr(start, name, None))
            after = _one_pass_over(model, stage.recipe, LogLikelihood(), rows, run, online.of(name), of_model)
        fit = with_beside(fit, name, Trained(model.requires_grad_(False), of_model, after))
    return fit


def _fit_vae(plan: Plan, data: Data, run: Run, start: VAE | None, online: Online, history: History) -> Fit:
    """The VAE after the chunk."""
    seeded = run.after(online)
    with seeded.prepared(plan, plan.n_threads) as generator:
        n_rows_wanted = ROWS_OF_A_COMPONENT * (plan.architecture.n_components + 1)
        rows, split = data.to(run.device), Split([arange(len(data.x), device=run.device)], [])
        vae = stack_at_start(plan, rows, split, seeded, generator, start, n_rows_wanted)
        after = _one_pass_over(vae, plan.recipe, plan.objective, data, run, online, history)
        rows = rows.float()
        fit = fit_of(vae, history, rows, split.train[0], N_ROWS_OF_CHUNK)
        return fit._replace(online=after.rearranged(vae, fit.turn))


def _one_pass_over(
    model: Trainee, recipe: Recipe, objective: Aim, data: Data, run: Run, online: Online, history: History
) -> Online:
    """Train on the rows of a chunk once, and answer what more training goes on from."""
    recipe, seed = _one_pass(recipe, len(data.x)), run.after(online).seed
    offset, data = data.offset, data.to(run.device).float()
    everything = arange(len(data.x), device=run.device)
    split = Split([everything], [])
    floor = Floor(model, recipe, objective, split, seed)
    candidate = Candidate(recipe, objective, model.n_components, offset)
    training = Training(
        model,
        data.x,
        split,
        [candidate],
        seed=seed,
        rows=RowsInMemory(data.x, data.weights, [everything]),
        schedule=partial(_after, online.n_steps),
        memory=online.memory,
    )
    training.run()
    append(history, candidate.history)
    if run.is_verbose:
        print_progress(history)
    model.requires_grad_(False)
    floor.hold(model, history, data, only_if_broken=True)
    after = online.after(training)
    if floor.left is None:
        return after
    history.n_rollbacks += 1
    return replace(after, memory=online.memory)


def warn_of_few(n_rows: int) -> None:
    """Say that a first chunk is small, if it is."""
    if n_rows < FEW:
        warn_user(
            f"The first call of partial_fit learns the scale, range and categories of each column and where to start, "
            f"but has {n_rows} row(s). Begin with {FEW} at least, better some thousand, or pass "
            f"table=Table.fit(rows) of others."
        )


def _one_pass(recipe: Recipe, n_rows: int) -> Recipe:
    """The recipe of a single pass, in batches that leave few rows over."""
    n_batches = -(-n_rows // recipe.batch_size)
    return replace(recipe, max_iter=1, batch_size=n_rows // n_batches)


def _after(n_before: int, step: int, n_steps: int) -> tuple[float, float]:
    """The schedule of steps that follow others."""
    return open_ended(n_before + step)


def append(history: History, passed: History) -> None:
    """Another pass at the end of a history; the state before the first step only where there is none yet."""
    passed.flush()
    rows = iter(passed.epochs)
    if history.epochs:
        next(rows)
    for row in rows:
        history.epochs.append(row | {"epoch": len(history.epochs)})
    history.best_iter = len(history.epochs) - 1
    history.n_skipped, history.interrupted = passed.n_skipped, passed.interrupted
