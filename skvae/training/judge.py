"""What the held-out rows say of a fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding, pad

from skvae.training.candidate import Candidate
from skvae.training.device import autocast
from skvae.training.noise import Noise, noise_by_model
from skvae.training.objective import Aim
from skvae.training.split import Split
from skvae.training.steps import repeat
from skvae.training.stopping import is_clear_gain, trimmed_mean
from skvae.training.trainee import Trainee

CHUNK = 4_000_000  # cells evaluated at once


class Verdict(NamedTuple):
    """What the held-out rows say of one candidate.

    Attributes
    ----------
    criterion : float
        A trimmed mean of the objective, by which the best weights are chosen; −∞ where it is not a number.
    elbo : float
        Mean ELBO.
    is_clear : bool
        Whether the rows have clearly gained since the first evaluation.
    gain : float
        Mean gain of the objective since then, no row left out.
    """

    criterion: float
    elbo: float
    is_clear: bool
    gain: float


class Judge:
    """The held-out criterion, with the same noise at every evaluation.

    Parameters
    ----------
    vae : Trainee
        The stack.
    x, weights : Tensor of shape (N, D), and (N,) or None
        All rows; where they are themselves a distribution, one draw of them judges.
    split : Split
        Which rows judge which models of a candidate.
    noise : Noise
        Source of everything random.
    candidates : list of Candidates
        The fits that will be judged.
    dtype : torch.dtype
        Precision of the networks' matrix products.
    """

    def __init__(
        self,
        vae: Trainee,
        x: Tensor,
        weights: Tensor | None,
        split: Split,
        noise: Noise,
        candidates: list[Candidate],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dtype = dtype
        if not split.held_out:
            return
        n_rows = max(len(rows) for rows in split.held_out)
        padded = [pad(rows, (0, n_rows - len(rows)), value=-1) for rows in split.held_out]
        nobody = [torch.full_like(padded[0], -1)] * (len(split.train) - len(split.held_out))
        self.rows = torch.stack(padded + nobody)  # (F, V); -1 pads
        rows = self.rows.clamp(min=0)
        self.weights = torch.ones_like(rows, dtype=x.dtype) if weights is None else weights[rows]
        self.x = vae.joint.redraw(embedding(rows, x), noise.cells)  # (F, V, D)
        n_components = [candidate.n_components for candidate in candidates]
        halves = noise.normal(candidates[0].objective.n_draws_of_judge, n_rows, n_components, self.x)
        self.draws = {k: torch.cat([half, -half]) for k, half in halves.items()}  # antithetic

    @torch.no_grad()
    def __call__(self, vae: Trainee, candidates: Sequence[Candidate], objective: Aim) -> list[Verdict]:
        """A verdict on each candidate; the objective is that of the whole stack."""
        vae.eval()
        n_components = [candidate.n_components for candidate in candidates]
        noise = noise_by_model(self.draws, n_components, len(self.rows), vae.n_components)
        widest = max(self.x.shape[-1], vae.n_outputs)
        size = max(1, CHUNK // (vae.n_models * widest))
        parts = []
        with autocast(self.x.device, self.dtype):
            for rows, part in zip(torch.split(self.x, size, 1), torch.split(noise, size, 2), strict=True):
                bound, by_row = objective.judged(vae, repeat(rows, len(candidates)), part)
                parts.append((bound.elbo, bound.kl, by_row))
            figures = [torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True)]
            of_candidates = [torch.split(tensor, len(self.rows)) for tensor in figures]
            return [self._verdict(*own) for own in zip(candidates, *of_candidates, strict=True)]

    def _verdict(self, candidate: Candidate, elbos: Tensor, kl: Tensor, rows: Tensor) -> Verdict:
        """The verdict on one candidate. Shape: ELBO (F, V), KL (F, V, K), objective of each row (F, V)."""
        objective, is_row = candidate.objective, self.rows >= 0
        kl = kl[..., : candidate.n_components]  # others are padding
        elbos, kl, rows, weights = elbos[is_row], kl[is_row], rows[is_row], self.weights[is_row]
        mean_kl = torch.einsum("n,nk->k", weights, kl) / weights.sum()
        if objective.has_free_bits:  # what λ adds to the KL of the rows
            free_bits = objective.free_bits * candidate.n_components / len(mean_kl)
            rows = rows - objective.beta(1.0) * (free_bits - mean_kl).clamp(min=0.0).sum()
        if candidate.at_start is None:
            candidate.at_start = rows
        mean_elbo = (elbos * weights).sum() / weights.sum()
        mean_gain = ((rows - candidate.at_start) * weights).sum() / weights.sum()
        criterion, mean, gain = torch.stack([trimmed_mean(rows, weights), mean_elbo, mean_gain]).tolist()
        if math.isnan(criterion):
            criterion = -math.inf
        return Verdict(criterion, mean, is_clear_gain(rows - candidate.at_start, weights), gain)
