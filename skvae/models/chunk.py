"""One pass over a chunk, with the optimiser as the last chunk left it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import arange

from skvae.messages import warn_user
from skvae.models.data import Data
from skvae.models.fitting import stack_at_start
from skvae.models.floor import Floor
from skvae.models.kl import mean_kl
from skvae.models.online import Online
from skvae.models.outcome import Fit, fit_of
from skvae.models.plan import Plan
from skvae.models.run import Run, print_progress
from skvae.networks import VAE
from skvae.training import Candidate, History, Recipe, RowsInMemory, Split, Training, open_ended

FEW = 100  # rows of a first chunk, below which later ones will hardly look like it
ROWS_OF_A_COMPONENT = 3  # of which a linear start is believed


def fit_chunk(plan: Plan, data: Data, run: Run, start: VAE | None, online: Online, history: History) -> Fit:
    """Take one pass over the rows of a chunk, in steps of a constant learning rate after a warm-up.

    Parameters
    ----------
    plan, data, run, start
        See ``fit``.
    online : Online
        What the last chunk left.
    history : History
        Record of earlier passes; the new one is appended.
    """
    plan = replace(plan, recipe=_one_pass(plan.recipe, len(data.x)))
    run = replace(run, seed=run.seed + online.n_steps)
    with run.prepared(plan) as generator:
        online, offset = online.noticing(data), data.offset
        everything = arange(len(data.x), device=run.device)
        split = Split([everything], [])
        data = data.to(run.device)
        data = replace(data, weights=online.relative(data.weights))
        n_rows_wanted = ROWS_OF_A_COMPONENT * (plan.architecture.n_components + 1)
        vae = stack_at_start(plan, data, split, run, generator, start, n_rows_wanted)
        floor = Floor(vae, plan, split, run.seed)
        data = data.float()
        candidate = Candidate(plan.recipe, plan.objective, plan.architecture.n_components, offset)
        training = Training(
            vae,
            data.x,
            split,
            [candidate],
            seed=run.seed,
            rows=RowsInMemory(data.x, data.weights, [everything]),
            schedule=partial(_after, online.n_steps),
            memory=online.memory,
        )
        training.run()
        append(history, candidate.history)
        if run.is_verbose:
            print_progress(history)
        vae.requires_grad_(False)
        floor.hold(vae, history, data, only_if_broken=True)
        after = online.after(training)
        if floor.left is not None:
            history.n_rollbacks += 1
            after = replace(after, memory=online.memory)
        fit = fit_of(vae, history, data, mean_kl(vae, data.x, data.weights))
        return fit._replace(online=after)


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
