"""Whoever is told how a training goes: the terminal, callbacks, and what keeps its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from skvae.models.outcome import Fit
from skvae.models.run import Follower, Keeper, Run, print_progress
from skvae.training import History, Training, global_rng_states, set_global_rng_states


@dataclass(frozen=True)
class Telling:
    """The terminal, the follower and the keeper of one training.

    Attributes
    ----------
    run : Run
        Circumstances of the fit.
    n_epochs : int
        Epochs at most.
    fit : callable
        What the fit would be if the training stopped now.
    follower, keeper : Follower and Keeper, optional
        See ``fit``.
    reads_global_rng : bool
        Whether the model draws from torch's own generator.
    what : str
        Name of a model beside the VAE.
    """

    run: Run
    n_epochs: int
    fit: Callable[[Training], Fit]
    follower: Follower | None
    keeper: Keeper | None
    reads_global_rng: bool
    what: str = ""

    def progress(self) -> Callable[[History], None] | None:
        """What prints a line for each evaluation, if that was asked for."""
        if not self.run.is_verbose:
            return None
        return partial(print_progress, max_iter=self.n_epochs, what=self.what)

    def epochs(self) -> Callable[[Training], bool] | None:
        """What tells the follower and the keeper of each epoch, if there is one of them."""
        if self.follower is None and self.keeper is None:
            return None
        return self._after_epoch

    def resume(self, training: Training) -> None:
        """Have a training go on from the state that was kept last, if there is any."""
        kept = None if self.keeper is None else self.keeper.latest()
        if kept is None:
            return
        training.load_state_dict(kept["training"])
        if self.reads_global_rng:
            set_global_rng_states(kept["global_rng"], self.run.device)

    def _after_epoch(self, training: Training) -> bool:
        """Tell both of an epoch, and answer whether the follower ends the training."""
        goes_on = bool(training.running) and training.epoch < self.n_epochs
        ends = self.follower is not None and self._tell(self.follower, training, goes_on)
        if self.keeper is not None and goes_on and not ends:
            self.keeper.keep(partial(self._state, training))
        return ends

    def _state(self, training: Training) -> dict[str, Any]:
        """What a training needs to go on."""
        global_rng = global_rng_states(self.run.device) if self.reads_global_rng else []
        return {"training": training.state_dict(), "global_rng": global_rng}

    def _tell(self, follower: Follower, training: Training, goes_on: bool) -> bool:
        """Tell the follower of an epoch; what it does with torch's own generator is undone."""
        gpus = [self.run.device] if self.run.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus, enabled=self.reads_global_rng):
            return follower.after_epoch(goes_on=goes_on, fit=partial(self.fit, training))
