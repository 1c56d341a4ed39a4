"""What a training step sees of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from skvae.objectives import Shown
from skvae.training.candidate import Candidate
from skvae.training.noise import Noise, noise_by_model
from skvae.training.objective import Aim
from skvae.training.processes import share_of
from skvae.training.trainee import Trainee


class Batch(NamedTuple):
    """What one step sees: this process's share of the rows, once for each candidate.

    Attributes
    ----------
    x : Tensor of shape (S, B, D)
        Encoded rows.
    noise : Tensor of shape (L, S or 1, B, K)
        Standard normal noise of the posterior draws.
    seen : Shown or None
        What the encoder is shown, where that is not x itself.
    weights : Tensor of shape (S, B) or None
        Weights of the rows.
    """

    x: Tensor
    noise: Tensor
    seen: Shown | None
    weights: Tensor | None


class Steps:
    """Turns rows of the data into what a step sees: drawn anew, hidden in part, with noise, shared and repeated.

    Parameters
    ----------
    vae : Trainee
        The stack.
    candidates : sequence of Candidates
        The fits in it.
    n_models : int
        Models F of each candidate.
    noise : Noise
        Source of everything random.
    objective : Aim
        What all of them maximise.
    """

    def __init__(
        self, vae: Trainee, candidates: Sequence[Candidate], n_models: int, noise: Noise, objective: Aim
    ) -> None:
        self.vae = vae
        self.n_models = n_models
        self.noise = noise
        self.objective = objective
        self.n_components = [candidate.n_components for candidate in candidates]

    def batch(self, rows: Tensor, weights: Tensor | None) -> Batch:
        """The next step's batch. Shape: rows (F, B, D), weights (F, B)."""
        x = self.vae.joint.redraw(rows, self.noise.cells)
        spread = self._spread(x)
        seen = self._seen(x, spread)
        draws = self.noise.normal(self.objective.n_draws, x.shape[1], self.n_components, x)
        noise = noise_by_model(draws, self.n_components, self.n_models, self.vae.n_components)
        return Batch(spread, share_of(noise, 2), seen, None if weights is None else self._spread(weights))

    def _seen(self, x: Tensor, spread: Tensor) -> Shown | None:
        """The two corruptions of what the encoder is shown. Shape: (F, B, D), and for every candidate (S, B, D)."""
        if self.objective.input_dropout:
            spread = self._spread(hide(x, self.objective.input_dropout, self.noise.cells))
        if self.objective.has_input_noise:
            draws = torch.randn((1, *x.shape[1:]), generator=self.noise.inputs, dtype=x.dtype, device=x.device)
            return Shown(spread, share_of(draws, 1) * self.objective.input_noise)
        return Shown(spread) if self.objective.input_dropout else None

    def _spread(self, rows: Tensor) -> Tensor:
        """The share of the rows that this process has, for every candidate. Shape: (F, B, ...) -> (S, B, ...)."""
        return repeat(share_of(rows, 1), len(self.n_components))


def repeat(rows: Tensor, n_candidates: int) -> Tensor:
    """The same rows for every candidate. Shape: (F, ...) -> (C F, ...)."""
    if n_candidates == 1:
        return rows
    return rows.repeat(n_candidates, *[1] * (rows.dim() - 1))


def hide(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Rows with this share of their cells hidden at random, the same for every model. Shape: (F, B, D), kept."""
    u = torch.rand((1, *x.shape[1:]), generator=generator, dtype=x.dtype, device=x.device)
    return x.masked_fill(u < share, torch.nan)
