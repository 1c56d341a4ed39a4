"""One fit among those that are trained in one stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from skvae.training.history import History
from skvae.training.objective import Aim
from skvae.training.recipe import Recipe
from skvae.training.stopping import EarlyStopping
from skvae.training.trainee import Trainee


class Candidate:
    """One fit of a stack: what it maximises and how fast, and what has become of it.

    Parameters
    ----------
    recipe, objective : Recipe, Aim
        How it is trained and what it maximises. Candidates of one stack may differ in learning rate, weight decay, β,
        free bits and input noise.
    n_components : int
        Dimension K of z.
    offset : float
        Number that its history adds to every log-likelihood (see ``History``).

    Attributes
    ----------
    stopping : EarlyStopping
        Its best weights so far.
    history : History
        Its epochs so far.
    at_start : Tensor or None
        The objective of each held-out row at the first evaluation.
    vae : VAE or None
        Its models alone, once it has stopped before others.
    """

    def __init__(self, recipe: Recipe, objective: Aim, n_components: int, offset: float = 0.0) -> None:
        self.recipe = recipe
        self.objective = objective
        self.n_components = n_components
        self.stopping = EarlyStopping(patience=recipe.n_iter_no_change, tol=recipe.tol)
        self.history = History(offset)
        self.history.add(0.0, None)
        self.at_start: Tensor | None = None
        self.vae: Trainee = None

    def state_dict(self) -> dict[str, Any]:
        """What has become of it so far, beside its weights."""
        return {
            "stopping": self.stopping.state_dict(),
            "history": self.history.state_dict(),
            "at_start": self.at_start,
        }

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from there, on a device."""
        self.stopping.load_state_dict(state["stopping"])
        self.history = History.from_state_dict(state["history"])
        if state["at_start"] is not None:
            self.at_start = state["at_start"].to(device)
