"""What an objective asks of a model."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor

from skvae.objectives.posterior import DiagonalNormal


class Density(Protocol):
    """A distribution of z."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density, nats. Shape: z (..., S, B, K) -> (..., S, B)."""


class Shown(NamedTuple):
    """What an encoder is shown in training, where that is not the rows themselves.

    Attributes
    ----------
    x : Tensor of shape (S, B, D)
        Encoded rows, with more cells missing.
    noise : Tensor of shape (1 or S, B, D) or None
        What is added to numbers, in the units that the encoder sees them in.
    """

    x: Tensor
    noise: Tensor | None = None


class LatentModel(Protocol):
    """A stack of S latent variable models with an encoder."""

    @property
    def prior(self) -> Density:
        """p(z)."""

    def posterior(self, x: Tensor, noise: Tensor | None = None) -> DiagonalNormal:
        """q(z | x), with noise on the numbers (see ``Shown``). Shape: (S, B, D) -> (S, B, K)."""

    def log_likelihood(self, z: Tensor, x: Tensor) -> Tensor:
        """Log p(x | z) over the observed cells, nats. Shape: (S, B, K), (S, B, D) -> (S, B)."""
