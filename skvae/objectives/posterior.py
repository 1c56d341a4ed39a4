"""q(z | x): what an encoder returns."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor


class DiagonalNormal(NamedTuple):
    """A Gaussian with independent components.

    Attributes
    ----------
    loc, scale : Tensor of shape (S, B, K)
        Mean and standard deviation.
    is_blank : Tensor of shape (S, B) or None
        Rows without a single observed cell: their posterior is the prior, whatever that is.
    """

    loc: Tensor
    scale: Tensor
    is_blank: Tensor | None = None

    def detach(self) -> DiagonalNormal:
        """The same distribution, without a gradient."""
        return DiagonalNormal(self.loc.detach(), self.scale.detach(), self.is_blank)

    def at(self, noise: Tensor) -> Tensor:
        """Reparameterised draw z = μ + σ ε. Shape: broadcast of (S, B, K) and noise."""
        return self.loc + self.scale * noise  # Kingma & Welling 2014, section 2.4

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density. Shape: z (..., K) -> (...)."""
        u = (z - self.loc) / self.scale
        return -(0.5 * u.square() + self.scale.log() + 0.5 * math.log(2 * math.pi)).sum(dim=-1)
