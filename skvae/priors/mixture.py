"""A mixture of Gaussians with independent components, its modes learned."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from skvae.priors.base import Prior, PriorFamily, Recognition

SCALE_MIN = math.exp(-4)  # a narrower mode would be a spike, and its squares would cancel in float32
SPREAD = 1.0  # length of the modes' means at the start, in standard deviations of z


@dataclass(frozen=True)
class Mixture(PriorFamily):
    """A mixture of Gaussians with independent components, learned with the rest of the model.

    Training starts next to N(0, I), whatever the number of modes. See ``DiagonalMixture`` for the equation.

    Parameters
    ----------
    n_modes : int, default=100
        Number of Gaussians.

    Examples
    --------
    >>> prior = Mixture(n_modes=3).build(2, encoder=None, generator=torch.Generator().manual_seed(0))
    >>> prior.sample(5, torch.zeros(1), torch.Generator().manual_seed(0)).shape
    torch.Size([1, 5, 2])
    """

    n_modes: int = 100

    def build(self, n_components: int, encoder: Recognition | None, generator: torch.Generator) -> FreeMixture:  # noqa: D102
        return FreeMixture(n_components, self.n_modes, generator)


class DiagonalMixture(Prior):
    r"""A mixture of Gaussians with independent components, wherever its modes come from.

    .. math:: p(z) = \sum_c \pi_c \, N(z; \mu_c, diag \, \sigma_c^2)

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.
    n_modes : int
        Number C of Gaussians.
    """

    is_rearrangeable: ClassVar[bool] = True

    def __init__(self, n_components: int, n_modes: int) -> None:
        super().__init__(n_components)
        self.logits = nn.Parameter(torch.zeros(1, n_modes))  # of π

    @abstractmethod
    def modes(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each Gaussian. Shape: (S, C, K) both."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density. Shape: z (..., S, B, K) -> (..., S, B)."""
        loc, scale = self.modes()
        with torch.autocast(z.device.type, enabled=False):
            scale = scale.clamp(min=SCALE_MIN)
            precision = scale.pow(-2)
            # all squares (z − μ)² / σ² = z² / σ² − 2 z μ / σ² + μ² / σ² in one matrix product
            constant = self.logits.log_softmax(dim=-1) - (0.5 * (loc / scale).square() + scale.log()).sum(dim=-1)
            weight = torch.cat([-0.5 * precision, loc * precision], dim=-1).transpose(-1, -2)
            by_mode = torch.cat([z.square(), z], dim=-1) @ weight + constant.unsqueeze(-2)
            return by_mode.logsumexp(dim=-1) - 0.5 * self.n_components * math.log(2 * math.pi)

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws. Shape: (S, n_rows, K)."""
        loc, scale = self.modes()
        chosen = torch.multinomial(self.logits.softmax(dim=-1), n_rows, replacement=True, generator=generator)
        index = chosen.unsqueeze(-1).expand(-1, -1, self.n_components)
        noise = torch.randn(index.shape, generator=generator, dtype=like.dtype, device=like.device)
        return (loc.gather(1, index) + scale.clamp(min=SCALE_MIN).gather(1, index) * noise).to(like.dtype)


class FreeMixture(DiagonalMixture):
    """A mixture whose modes are free parameters.

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.
    n_modes : int
        Number C of Gaussians.
    generator : torch.Generator
        Source of the first means.
    """

    def __init__(self, n_components: int, n_modes: int, generator: torch.Generator) -> None:
        super().__init__(n_components, n_modes)
        loc = torch.randn(1, n_modes, n_components, generator=generator)
        loc = SPREAD / math.sqrt(n_components + SPREAD**2) * (loc - loc.mean(dim=1, keepdim=True))
        variance = (1 - loc.square().mean(dim=1, keepdim=True)).clamp(min=0.1)  # with the means' it adds up to 1
        self.loc = nn.Parameter(loc)
        self.log_scale = nn.Parameter(0.5 * variance.log().expand_as(loc).clone())

    def modes(self) -> tuple[Tensor, Tensor]:  # noqa: D102
        return self.loc, self.log_scale.exp()

    @torch.no_grad()
    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Put the components of every mode in order, and turn their means around. Shape: (K,), (K,)."""
        self.loc.copy_(self.loc[..., order] * signs)
        self.log_scale.copy_(self.log_scale[..., order])
