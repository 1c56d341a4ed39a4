"""Where a fit runs, and what it says on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from sklearn.utils import check_random_state

from skvae.models.online import Online
from skvae.models.outcome import Fit
from skvae.models.plan import Plan
from skvae.training import History, intraop_threads, isolated_rng


class Follower(Protocol):
    """Who is told how a fit goes: see ``skvae.estimators._callbacks``."""

    def begin(self, n_epochs: int) -> None:
        """Training starts, and takes so many epochs at most."""

    def after_epoch(self, *, goes_on: bool, fit: Callable[[], Fit]) -> bool:
        """An epoch has ended; True ends the training.

        ``fit`` gives what training would leave behind now, without the steps after it that ``refine`` takes.
        """


class Keeper(Protocol):
    """Who keeps the state of a training: see ``skvae.files.checkpoints``."""

    def latest(self) -> dict[str, Any] | None:
        """The state that was kept last of this fit, if there is any."""

    def keep(self, state: Callable[[], dict[str, Any]]) -> None:
        """An epoch has ended; whether its state is wanted is for the keeper to say."""


@dataclass(frozen=True)
class Run:
    """Circumstances of a fit.

    Attributes
    ----------
    device : torch.device
        Device of the training.
    seed : int
        Seed of everything random.
    is_verbose : bool
        Whether a line is printed for each held-out evaluation.
    """

    device: torch.device
    seed: int
    is_verbose: bool = False

    def after(self, online: Online | None) -> Run:
        """The run with a seed of its own after so many steps, where earlier ones count."""
        return self if online is None else replace(self, seed=self.seed + online.n_steps)

    @contextmanager
    def prepared(self, plan: Plan, n_threads: int | None) -> Iterator[torch.Generator]:
        """A generator of our own, and as many threads as the matrix products want, or all."""
        rng = isolated_rng(self.seed, self.device, lends_global=plan.architecture.reads_global_rng)
        with rng as generator, intraop_threads(n_threads):
            yield generator


def seed_of(random_state: object) -> int:
    """A seed drawn from what scikit-learn takes as ``random_state``.

    Raises
    ------
    ValueError
        Where it is none of these.
    """
    try:
        return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    except ValueError as error:
        raise ValueError(
            f"random_state must be a whole number from 0 to 2**32 - 1, a RandomState of NumPy or None, got "
            f"{random_state!r}. Pass one of these."
        ) from error


def print_progress(history: History, max_iter: int | None = None, what: str = "") -> None:
    """One line for the latest epoch, of a model beside the VAE if it is named."""
    row = history.epochs[-1]
    terms = {"elbo": row["elbo"], "held-out": row["validation_elbo"], "kl": row["kl"]}
    if math.isnan(row["validation_elbo"]):
        del terms["held-out"]
    if what:
        terms = {what if name == "elbo" else name: value for name, value in terms.items() if name != "kl"}
    figures = "  ".join(f"{name} {_figure(value):>10}" for name, value in terms.items())
    print(f"{_epoch(row['epoch'], max_iter)}  {row['seconds']:6.1f} s  {figures}")


def print_kept(history: History, max_iter: int) -> None:
    """One line for the epoch whose weights are kept."""
    print(f"{_epoch(history.best_iter, max_iter)}  is kept")


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _epoch(epoch: float, max_iter: int | None) -> str:
    if max_iter is None:
        return f"epoch {epoch:4.0f}"
    return f"epoch {epoch:{len(str(max_iter))}.0f}/{max_iter}"
