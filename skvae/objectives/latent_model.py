"""What an objective asks of a model."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from skvae.objectives.posterior import DiagonalNormal


class Density(Protocol):
    """A distribution of z."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density, nats. Shape: z (..., S, B, K) -> (..., S, B)."""


class LatentModel(Protocol):
    """A stack of S latent variable models with an encoder."""

    @property
    def prior(self) -> Density:
        """p(z)."""

    def posterior(self, x: Tensor) -> DiagonalNormal:
        """q(z | x). Shape: (S, B, D) -> (S, B, K)."""

    def log_likelihood(self, z: Tensor, x: Tensor) -> Tensor:
        """Log p(x | z) over the observed cells, nats. Shape: (S, B, K), (S, B, D) -> (S, B)."""
