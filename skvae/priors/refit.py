"""The last step: match the prior to the posteriors that training left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.adam import adam  # the class Adam imports torch's compiler, which takes seconds and moves settings

from skvae.objectives import DiagonalNormal
from skvae.priors.base import Prior

N_EVALUATIONS = 20
BATCH_SIZE = 512
MAX_JUDGES = 10_000  # rows


class Memory(NamedTuple):
    """What Adam remembers of each parameter: running means of its gradient and of the square, and the steps so far."""

    first: list[Tensor]
    second: list[Tensor]
    steps: list[Tensor]

    @classmethod
    def of(cls, parameters: list[nn.Parameter]) -> Memory:
        """Nothing yet."""
        first, second = list(map(torch.zeros_like, parameters)), list(map(torch.zeros_like, parameters))
        return cls(first, second, [torch.zeros(()) for _ in parameters])

    @torch.no_grad()
    def move(self, parameters: list[nn.Parameter], gradients: Sequence[Tensor], learning_rate: float) -> None:
        """One step of Adam."""
        adam(
            list(parameters),
            list(gradients),
            self.first,
            self.second,
            [],
            self.steps,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )


class Best:
    """The weights at which each model of a stack did best so far.

    Parameters
    ----------
    parameters : list of Parameter
        Weights of S models, along the first axis.
    value : Tensor of shape (S,)
        How well they do now; larger is better.
    """

    def __init__(self, parameters: list[nn.Parameter], value: Tensor) -> None:
        self.parameters = parameters
        self.value = value
        self.weights = [p.detach().clone() for p in parameters]

    @torch.no_grad()
    def update(self, value: Tensor) -> None:
        """Keep the weights of the models that do better now. Shape: (S,)."""
        is_better = value > self.value  # on the device, and never where it is NaN
        self.value = torch.where(is_better, value, self.value)
        for kept, p in zip(self.weights, self.parameters, strict=True):
            kept[is_better] = p[is_better]

    @torch.no_grad()
    def restore(self) -> None:
        """Put the best weights back."""
        for kept, p in zip(self.weights, self.parameters, strict=True):
            p.copy_(kept)


def fit_prior(
    prior: Prior,
    q: DiagonalNormal,
    *,
    generator: torch.Generator,
    n_steps: int = 1000,
    learning_rate: float = 1e-2,
    held_out: float = 0.2,
) -> Tensor:
    r"""Maximise the prior's density on the aggregate posterior, the rest of each model frozen.

    .. math:: \max_p \; \frac1N \sum_n E_{q(z \mid x_n)}[\log p(z)]

    This is the prior's share of the ELBO, which grows by as much. Rows held out choose the best of several steps,
    the first among them, so that no model of the stack gets worse on them.

    Parameters
    ----------
    prior : Prior
        The prior of S models; changed in place. A VampPrior tunes its pseudo-inputs and weights, not the encoder.
    q : DiagonalNormal of shape (S, N, K)
        The posteriors of N rows; each step draws from them afresh.
    generator : torch.Generator
        Source of rows and draws, on the device of the prior.
    n_steps : int
        Steps of Adam.
    learning_rate : float
        Learning rate of the first step; it falls linearly to zero.
    held_out : float
        Share of the rows that judge.

    Returns
    -------
    Tensor of shape (S,)
        Gain on the held-out rows, nats per row; never negative.

    References
    ----------
    Ghosh et al. (2020), From Variational to Deterministic Autoencoders, on ex-post density estimation.
    """
    loc, scale = q.loc.detach(), q.scale.detach()
    parameters = list(prior.parameters())
    n_models, n_rows, n_components = loc.shape
    if not parameters or n_rows < 2:
        return loc.new_zeros(n_models)
    n_judges = min(max(1, int(held_out * n_rows)), MAX_JUDGES)
    order = torch.randperm(n_rows, generator=generator, device=loc.device)
    judges, learners = order[:n_judges], order[n_judges:]

    def draw(rows: Tensor) -> Tensor:
        size = (1, len(rows), n_components)  # models of a stack draw alike, so each is what it would be alone
        noise = torch.randn(size, generator=generator, dtype=loc.dtype, device=loc.device)
        return loc[:, rows] + scale[:, rows] * noise

    @torch.no_grad()
    def criterion() -> Tensor:
        log_prob: Tensor = prior.log_prob(unseen)
        return log_prob.mean(dim=-1)

    unseen = draw(judges)
    before = criterion()
    best, memory = Best(parameters, before), Memory.of(parameters)
    for step in range(1, n_steps + 1):
        batch = torch.randint(len(learners), (BATCH_SIZE,), generator=generator, device=loc.device)
        loss = -prior.log_prob(draw(learners[batch])).mean(dim=-1).sum()
        gradients = torch.autograd.grad(loss, parameters)  # and not of the encoder that a VampPrior looks through
        memory.move(parameters, gradients, learning_rate * (1 - (step - 1) / n_steps))
        if step % math.ceil(n_steps / N_EVALUATIONS) == 0 or step == n_steps:
            best.update(criterion())
    best.restore()
    return best.value - before
