"""What a training step maximises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from skvae.objectives import Bound, Shown, doubly_reparameterized, elbo, importance_weighted_bound
from skvae.training.schedules import BetaSchedule, LinearBeta
from skvae.training.trainee import Trainee

ONE = LinearBeta(end=0.0)


@dataclass(frozen=True)
class Objective:
    r"""What is maximised.

    .. math:: E_q[\log p(x \mid z)] - \beta \sum_k \max(\lambda, KL_k) \quad \text{or} \quad
              E\Big[\log \frac1L \sum_l p(x \mid z_l) \Big(\frac{p(z_l)}{q(z_l \mid x)}\Big)^\beta\Big]

    Attributes
    ----------
    name : {"elbo", "iwae"}
        The first, the ELBO at β = 1 (Kingma and Welling 2014; Higgins et al. 2017, β-VAE), or the second, the
        importance-weighted bound (Burda et al. 2016).
    beta : BetaSchedule
        Weight of the KL term.
    free_bits : float, or Tensor of shape (S, 1)
        λ, the nats that each component may use for free (Kingma et al. 2016, inverse autoregressive flow); of their
        sum, K λ, under a prior that does not factorise.
    n_draws : int
        Posterior draws L of a row and step.
    input_dropout : float
        Share of cells hidden from the encoder in training.
    input_noise : float, or Tensor of shape (S, 1, 1)
        Standard deviation of the noise on the numbers that the encoder sees in training, in the units that it sees
        them in (Vincent et al. 2010, Stacked denoising autoencoders).
    kl_by_draw : bool
        Whether the gradient of the KL runs through the draw alone (see ``elbo``).
    """

    name: Literal["elbo", "iwae"] = "elbo"
    beta: BetaSchedule = ONE
    free_bits: float | Tensor = 0.0
    n_draws: int = 1
    input_dropout: float = 0.0
    input_noise: float | Tensor = 0.0
    kl_by_draw: bool = False

    @property
    def has_free_bits(self) -> bool:
        """Whether λ is not zero."""
        return isinstance(self.free_bits, Tensor) or self.free_bits > 0

    @property
    def has_input_noise(self) -> bool:
        """Whether the standard deviation of the noise is not zero."""
        return isinstance(self.input_noise, Tensor) or self.input_noise > 0

    @property
    def n_draws_of_judge(self) -> int:
        """Pairs of opposite posterior draws by which held-out rows judge."""
        if self.name == "elbo":
            return 1
        return max(1, self.n_draws // 2)

    def step(
        self, vae: Trainee, x: Tensor, noise: Tensor, *, seen: Shown | None, weights: Tensor | None, progress: float
    ) -> tuple[Tensor, Bound]:
        """What a step maximises, averaged over the rows of each model, (S,), and the terms of the ELBO."""
        beta = self.beta(progress)
        if self.name == "iwae":
            value, bound = doubly_reparameterized(vae, x, noise, seen=seen, beta=beta)
            if weights is not None:
                value = weights * value
            return value.mean(dim=-1), bound
        bound = elbo(vae, x, noise, seen=seen, kl_by_draw=self.kl_by_draw)
        log_likelihood, kl = bound.log_likelihood, bound.kl
        if weights is not None:
            log_likelihood, kl = weights * log_likelihood, weights.unsqueeze(-1) * kl
        kl = kl.mean(dim=1)
        if self.has_free_bits:  # on their sum without components
            kl = kl.clamp(min=self.free_bits * vae.n_components / kl.shape[-1])
        value = log_likelihood.mean(dim=-1, keepdim=True) - beta * kl.sum(dim=-1, keepdim=True)
        return value.squeeze(-1), bound

    def judged(self, vae: Trainee, x: Tensor, noise: Tensor) -> tuple[Bound, Tensor]:
        """The ELBO, and the objective of each row at the final β, without free bits, (S, B)."""
        beta, bound = self.beta(1.0), elbo(vae, x, noise)
        if self.name == "iwae":
            return bound, importance_weighted_bound(vae, x, noise, beta=beta)
        return bound, bound.log_likelihood - beta * bound.kl.sum(dim=-1)


@dataclass(frozen=True)
class NestedObjective(Objective):
    r"""The same of a ``Nested``, averaged over how many components are in use.

    .. math:: \frac1K \sum_k ELBO_k

    Each row of a step has a level of its own, and the rows that judge keep theirs.
    """

    def step(  # noqa: D102
        self, vae: Trainee, x: Tensor, noise: Tensor, *, seen: Shown | None, weights: Tensor | None, progress: float
    ) -> tuple[Tensor, Bound]:
        level = vae.at(vae.levels_of_step(noise))
        return super().step(level, x, noise, seen=seen, weights=weights, progress=progress)

    def judged(self, vae: Trainee, x: Tensor, noise: Tensor) -> tuple[Bound, Tensor]:  # noqa: D102
        return super().judged(vae.at(vae.levels(x.shape[1])), x, noise)


@dataclass(frozen=True)
class LogLikelihood:
    """What is maximised where nothing is latent: the ``objective(x, noise)`` of the model, nats of each row.

    Attributes are those of ``Objective``. There is no KL.
    """

    beta: BetaSchedule = ONE
    free_bits: float = 0.0
    n_draws: int = 1
    input_dropout: float = 0.0
    input_noise: float = 0.0
    has_free_bits: ClassVar[bool] = False
    has_input_noise: ClassVar[bool] = False
    n_draws_of_judge: ClassVar[int] = 1

    def step(
        self, model: Trainee, x: Tensor, noise: Tensor, *, seen: Shown | None, weights: Tensor | None, progress: float
    ) -> tuple[Tensor, Bound]:
        """What a step maximises, averaged over the rows of each model, (S,), and what it is for each row."""
        by_row = model.objective(x, noise[0])
        bound = _without_kl(by_row.detach())
        if weights is not None:
            by_row = weights * by_row
        return by_row.mean(dim=-1), bound

    def judged(self, model: Trainee, x: Tensor, noise: Tensor) -> tuple[Bound, Tensor]:
        """The mean over all draws of noise. Shape: (S, B)."""
        by_row = torch.stack([model.objective(x, draw) for draw in noise]).mean(dim=0)
        return _without_kl(by_row), by_row


Aim = Objective | LogLikelihood
"""What a training maximises."""


def _without_kl(by_row: Tensor) -> Bound:
    return Bound(by_row, by_row.new_zeros(*by_row.shape, 0))


class BetaByModel(BetaSchedule):
    """A β for each model of a stack.

    Parameters
    ----------
    schedules : sequence of S BetaSchedules
        One by model.
    device : torch.device
        Device of the models.
    """

    def __init__(self, schedules: Sequence[BetaSchedule], device: torch.device) -> None:
        self.schedules = schedules
        self.device = device
        self.end = max(schedule.end for schedule in schedules)
        self._final = self._at(1.0)

    def __call__(self, progress: float) -> Tensor:  # type: ignore[override]
        """Shape: (S, 1)."""
        if progress >= self.end:
            return self._final
        return self._at(progress)

    def _at(self, progress: float) -> Tensor:
        return torch.tensor([[schedule(progress)] for schedule in self.schedules], device=self.device)


def objective_by_model(objectives: Sequence[Aim], n_models: int, device: torch.device) -> Aim:
    """One objective for a stack of fits, ``n_models`` models each, that differ in β, free bits and input noise only."""
    first = objectives[0]
    if all(objective == first for objective in objectives):
        return first
    assert isinstance(first, Objective), "there is one model beside a VAE"
    schedules: list[BetaSchedule] = []
    free_bits: list[list[float | Tensor]] = []
    input_noise: list[list[list[float | Tensor]]] = []
    for objective in objectives:
        schedules += [objective.beta] * n_models
        free_bits += [[objective.free_bits]] * n_models
        input_noise += [[[objective.input_noise]]] * n_models
    return replace(
        first,
        beta=BetaByModel(schedules, device),
        free_bits=_or_zero(torch.tensor(free_bits, device=device)),
        input_noise=_or_zero(torch.tensor(input_noise, device=device)),
    )


def _or_zero(by_model: Tensor) -> float | Tensor:
    """One number where it is zero for all models, so that nothing is computed for it."""
    return by_model if bool(by_model.any()) else 0.0
