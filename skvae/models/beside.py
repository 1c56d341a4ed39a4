"""Models beside the VAE, in which columns see one another: they are trained after it, on the same rows."""

from __future__ import annotations

import copy
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from skvae.models.architecture import Beside
from skvae.models.data import Data
from skvae.models.floor import Floor
from skvae.models.online import Online
from skvae.models.outcome import Fit
from skvae.models.plan import Plan
from skvae.models.run import Follower, Keeper, Run
from skvae.models.telling import Telling
from skvae.models.tries import train
from skvae.networks import Chain, restack
from skvae.training import (
    History,
    LogLikelihood,
    Training,
    choose_references,
    ends_the_fit_alone,
    match_marginals,
    start_at_marginals,
    start_at_regressions,
)


class Trained(NamedTuple):
    """What the training of one model leaves behind.

    Attributes
    ----------
    model : Chain or Reader
        A stack of one.
    history : History
        Record of its training.
    online : Online or None
        What more training goes on from.
    """

    model: Beside
    history: History
    online: Online | None = None


def train_beside(
    name: str,
    fit: Fit,
    plan: Plan,
    data: Data,
    run: Run,
    start: Beside | None = None,
    follower: Follower | None = None,
    online: Online | None = None,
    keeper: Keeper | None = None,
) -> Trained:
    """Train one of the models beside the VAE.

    Parameters
    ----------
    name : str
        Which.
    fit : Fit
        What there is already.
    plan, data, run, follower, online, keeper
        See ``fit``.
    start : Module, optional
        A trained model to continue from; it is left as it is.
    """
    stage, objective, before = plan.beside[name], LogLikelihood(), online if start is not None else None
    run = run.after(before)
    with run.prepared(plan, stage.n_threads) as generator:
        data, split = data.split(plan.early_stopping, plan.validation_fraction, generator)
        split = split.with_folds(stage.n_folds)
        offset = data.offset
        data = data.to(run.device).float()
        model = beside_at_start(name, plan, data, split.train, run, start)
        floor = Floor(model, stage.recipe, objective, split, run.seed)
        so_far, reads_global_rng = partial(_so_far, name, fit), plan.architecture.reads_global_rng
        telling = Telling(run, stage.recipe.max_iter, so_far, follower, keeper, reads_global_rng, name)
        training = train(model, data, split, stage.recipe, objective, run, telling, offset=offset, online=before)
        history = training.candidates[0].history
        restack(model, [model.n_models - 1])
        floor.hold(model, history, data)
        _conclude(model, data.take(split.train[-1]), history, generator)
        return Trained(model, history, None if online is None else online.after(training))


def beside_at_start(name: str, plan: Plan, data: Data, train: list[Tensor], run: Run, start: Beside | None) -> Beside:
    """The models before their first step: one for each set of training rows."""
    if start is None:
        model = plan.architecture.build_beside(name, data.table, run.seed)
    else:
        model = copy.deepcopy(start)
    model = model.to(run.device).requires_grad_(True)
    restack(model, [0] * len(train))
    if start is None:
        if isinstance(model, Chain) and model.relative is not None:
            choose_references(model.relative, data.x[train[-1]], run.seed)
        for s, rows in enumerate(train):
            weights = None if data.weights is None else data.weights[rows]
            start_at_marginals(model, model.joint, s, data.x[rows], weights)
            if isinstance(model, Chain):
                start_at_regressions(model, s, data.x[rows], weights)
    return model


def _conclude(model: Beside, data: Data, history: History, generator: torch.Generator) -> None:
    """The step after training: columns are matched to their frequencies."""
    try:
        if isinstance(model, Chain):
            match_marginals(model, data.x, generator, data.weights, data.table.copied)
    except KeyboardInterrupt:  # the trained weights are as good as without
        if not ends_the_fit_alone():
            raise
        history.interrupted = True
    model.requires_grad_(False)


def _so_far(name: str, fit: Fit, training: Training) -> Fit:
    """The fit if training stopped now."""
    model, _ = training.so_far(training.candidates[0])
    restack(model, [model.n_models - 1])
    vae = copy.deepcopy(fit.vae)
    setattr(vae, name, model.requires_grad_(False))
    return fit._replace(vae=vae)
