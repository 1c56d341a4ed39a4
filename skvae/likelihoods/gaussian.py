"""Gaussian columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skvae.likelihoods.location_scale import LocationScale


@dataclass(frozen=True)
class Gaussian(LocationScale):
    """Real numbers: x_d | z ~ N(μ_d(z), σ²).

    With one shared scale and a linear decoder this is probabilistic PCA (Tipping and Bishop 1999); with a scale
    per column, factor analysis. The learned scale calibrates the decoder (Rybkin et al. 2021, σ-VAE).

    Parameters
    ----------
    scale : {"shared", "column", "row"} or float, default="shared"
        One learned scale for all columns; one for each; one for each times a bounded factor for each row; or a
        fixed number, in the units of the data.

    Examples
    --------
    >>> Gaussian().log_prob(torch.zeros(1), loc=torch.zeros(1), log_scale=torch.zeros(1))
    tensor([-0.9189])
    """

    name: ClassVar[str] = "gaussian"

    def log_prob(  # type: ignore[override]
        self, x: Tensor, *, loc: Tensor, log_scale: Tensor, row_factor: Tensor | None = None
    ) -> Tensor:
        """Log density of each cell. Shape: (S, B, D)."""
        log_scale = self.log_scale(log_scale, row_factor)
        u = (x - loc) * torch.exp(-log_scale)
        return -0.5 * u.square() - log_scale - 0.5 * math.log(2 * math.pi)

    def sample(  # type: ignore[override]
        self, generator: torch.Generator, *, loc: Tensor, log_scale: Tensor, row_factor: Tensor | None = None
    ) -> Tensor:
        """A draw of x | z. Shape: (S, B, D)."""
        epsilon = torch.randn(loc.shape, generator=generator, dtype=loc.dtype, device=loc.device)
        return loc + self.log_scale(log_scale, row_factor).exp() * epsilon
