"""The training of a VAE: from a plan and rows to weights."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from skvae.models.data import Data
from skvae.models.floor import Floor
from skvae.models.nested import conclude_nested, nested_at_start
from skvae.models.online import Online
from skvae.models.outcome import Fit, conclude
from skvae.models.plan import Plan
from skvae.models.run import Follower, Keeper, Run
from skvae.models.telling import Telling
from skvae.models.tries import train
from skvae.networks import VAE, alone, restack
from skvae.training import Split, Trainee, Training, initialize


def fit_vae(
    plan: Plan,
    data: Data,
    run: Run,
    start: VAE | None = None,
    follower: Follower | None = None,
    online: Online | None = None,
    keeper: Keeper | None = None,
) -> Fit:
    """Train one VAE, with its folds beside it where the rows are few.

    Parameters
    ----------
    plan : Plan
        The fit in numbers.
    data : Data
        Rows that train, and rows that judge.
    run : Run
        Device, seed, and whether progress is printed.
    start : VAE, optional
        A trained model to continue from; it is left as it is.
    follower : Follower, optional
        Who is told of every epoch, and may end the training.
    online : Online, optional
        What earlier training left, where more will follow; the start goes on from it.
    keeper : Keeper, optional
        Who keeps the state of the training, which goes on from the last one kept.

    Raises
    ------
    MemoryError
        Where the device has no memory for half of a batch.
    """
    before = online if start is not None else None
    offset = data.offset
    run = run.after(before)
    with run.prepared(plan, plan.n_threads) as generator:
        data, split = data.split(plan.early_stopping, plan.validation_fraction, generator)
        split = split.with_folds(plan.n_folds)
        data = data.to(run.device)
        vae = stack_at_start(plan, data, split, run, generator, start)
        trainee: Trainee = nested_at_start(vae, plan.init) if plan.is_nested else vae
        end: Callable[..., Fit] = conclude_nested if plan.is_nested else conclude
        floor = Floor(trainee, plan.recipe, plan.objective, split, run.seed)
        if before is not None:
            before.take_up(vae)
        data = data.float()

        def so_far(training: Training) -> Fit:
            return end(*training.so_far(training.candidates[0]), data, split.train[-1], floor=floor)

        telling = Telling(run, plan.recipe.max_iter, so_far, follower, keeper, plan.architecture.reads_global_rng)
        training = train(trainee, data, split, plan.recipe, plan.objective, run, telling, offset=offset, online=before)
        history = training.candidates[0].history
        fit = end(trainee, history, data, split.train[-1], generator, floor)
        if online is None:
            return fit
        return fit._replace(online=online.after(training, floor.left).rearranged(vae, fit.turn))


def stack_at_start(
    plan: Plan,
    data: Data,
    split: Split,
    run: Run,
    generator: torch.Generator,
    start: VAE | None = None,
    n_rows_wanted: int = 0,
) -> VAE:
    """The models of one fit before their first step: one for each set of training rows.

    The start of fewer rows than are wanted is drawn towards independent columns: see ``fit_linear_model``.
    """
    if start is None:
        vae = plan.architecture.build(data.table, run.seed)
    else:
        vae = alone(copy.deepcopy(start))
    vae = vae.to(run.device).requires_grad_(True)
    restack(vae, [0] * len(split.train))
    if start is None:
        initialize(vae, data.x, split.train, plan.init, generator, data.weights, n_rows_wanted)
    return vae
