"""What a prior is, and what a family of priors is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn


class Prior(nn.Module, ABC):
    """p(z) of a stack of S models; weights, if there are any, have the leading axis S.

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.
    """

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.n_components = n_components

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Log density, nats. Shape: z (..., S, B, K) -> (..., S, B)."""

    @abstractmethod
    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws. Shape: (S, n_rows, K), in the dtype and on the device of ``like``."""

    def kl(self, q: Any, z: Tensor) -> Tensor:
        """KL(q ‖ p) from one draw z of q: log q(z | x) − log p(z), unbiased. Shape: z (S, B, K) -> (S, B, 1)."""
        kl: Tensor = q.log_prob(z) - self.log_prob(z)
        return kl.unsqueeze(-1)  # no closed form, so no terms by component


class PriorFamily(ABC):
    """What ``prior=`` takes: a pure, immutable description, which ``build`` turns into a module with weights.

    A new family is one subclass, a frozen dataclass, beside its module.
    """

    @abstractmethod
    def build(self, n_components: int, encoder: Any, generator: torch.Generator) -> Prior:
        """The untrained prior of a stack of one.

        Parameters
        ----------
        n_components : int
            Dimension K of the latent space.
        encoder : Encoder
            x → q(z | x), for priors that look through it.
        generator : torch.Generator
            Source of the initial weights.
        """
