"""A fit as a whole: the VAE, and after it the models beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from skvae.models.beside import Trained, train_beside
from skvae.models.data import Data
from skvae.models.fitting import fit_vae
from skvae.models.online import Online
from skvae.models.outcome import Fit
from skvae.models.plan import Plan
from skvae.models.run import Follower, Keeper, Run
from skvae.networks import VAE


class Archive(Protocol):
    """Where trainings are kept: see ``skvae.files.checkpoints``."""

    def vae(self, train: Callable[[Keeper | None], Fit]) -> Fit:
        """What comes of the training of the VAE."""

    def beside(self, name: str, train: Callable[[Keeper | None], Trained]) -> Trained:
        """What comes of the training of a model beside it."""


class Nowhere:
    """Trainings are not kept."""

    def vae(self, train: Callable[[Keeper | None], Fit]) -> Fit:  # noqa: D102
        return train(None)

    def beside(self, name: str, train: Callable[[Keeper | None], Trained]) -> Trained:  # noqa: D102
        return train(None)


def fit(
    plan: Plan,
    data: Data,
    run: Run,
    start: VAE | None = None,
    follower: Follower | None = None,
    online: Online | None = None,
    archive: Archive | None = None,
) -> Fit:
    """Train one model, and whatever is beside it, unless Ctrl-C ends the fit before.

    Parameters
    ----------
    plan, data, run, start, follower, online
        See ``fit_vae``.
    archive : Archive, optional
        Where the trainings are kept.
    """
    archive = archive or Nowhere()
    if follower is not None:
        follower.begin(plan.n_epochs)
    fit = archive.vae(partial(fit_vae, plan, data, run, start, follower, online))
    of_columns = data.of_columns if plan.beside else data
    for name in plan.beside:
        if fit.is_interrupted:
            break
        before = None if start is None else getattr(start, name)
        since = None if online is None else online.of(name)
        train = partial(train_beside, name, fit, plan, of_columns, run, before, follower, since)
        fit = with_beside(fit, name, archive.beside(name, train))
    return fit


def with_beside(fit: Fit, name: str, trained: Trained) -> Fit:
    """The fit, and a model that was trained beside it."""
    setattr(fit.vae, name, trained.model)
    online = fit.online
    if online is not None and trained.online is not None:
        online = online.with_beside(name, trained.online)
    return fit._replace(beside={**fit.beside, name: trained.history}, online=online)
