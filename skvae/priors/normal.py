"""The standard normal prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skvae.objectives import DiagonalNormal, kl_to_standard_normal
from skvae.priors.base import Prior, PriorFamily, Recognition


@dataclass(frozen=True)
class Normal(PriorFamily):
    """p(z) = N(0, I): nothing to learn."""

    def build(self, n_components: int, encoder: Recognition | None, generator: torch.Generator) -> StandardNormal:  # noqa: D102
        return StandardNormal(n_components)


class StandardNormal(Prior):
    """p(z) = N(0, I), with a closed-form KL.

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.
    """

    has_closed_form_kl: ClassVar[bool] = True
    is_rearrangeable: ClassVar[bool] = True

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density. Shape: z (..., K) -> (...)."""
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=-1)

    def quantiles(self, q: Tensor) -> Tensor:
        """Quantiles, the same for each component. Shape: (Q,) -> (Q, K)."""
        quantiles: Tensor = torch.special.ndtri(q)
        return quantiles.unsqueeze(-1).expand(-1, self.n_components)

    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Nothing: all components are alike, and symmetric."""

    def kl(self, q: DiagonalNormal, z: Tensor, *, by_draw: bool = False) -> Tensor:
        """KL(q ‖ p), exact; with ``by_draw`` its gradient runs through the draw alone. Shape: (..., K)."""
        exact = kl_to_standard_normal(q.loc, q.scale)
        if not by_draw:
            return exact
        u = (z - q.loc.detach()) / q.scale.detach()
        log_ratio = 0.5 * (z.square() - u.square())  # log q(z | x) − log p(z), up to what does not depend on z
        kl: Tensor = exact.detach() + log_ratio - log_ratio.detach()
        return kl

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws, alike for every model of a stack. Shape: (1, n_rows, K)."""
        size = (1, n_rows, self.n_components)
        return torch.randn(size, generator=generator, dtype=like.dtype, device=like.device)
