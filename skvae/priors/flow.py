"""A normalizing flow: N(0, I), bent by a chain of invertible layers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from skvae.priors.base import Prior, PriorFamily, Recognition
from skvae.priors.normal import StandardNormal

LOG_SCALE_CAP = 2.0  # DIFFERS from Dinh et al. 2017, whose bound is learned: a layer stretches by e² at most


@dataclass(frozen=True)
class Flow(PriorFamily):
    """A normalizing flow of affine couplings. Training starts at N(0, I). See ``RealNVP`` for the equation.

    Parameters
    ----------
    n_layers : int, default=8
        Number of couplings.
    width : int, default=64
        Hidden units in each.
    """

    n_layers: int = 8
    width: int = 64

    def build(self, n_components: int, encoder: Recognition | None, generator: torch.Generator) -> RealNVP:  # noqa: D102
        return RealNVP(n_components, self.n_layers, self.width, generator)


class RealNVP(Prior):
    r"""A chain of affine couplings, each of which shifts and scales one half of z by functions of the other half.

    .. math:: \log p(z) = \log N(u(z); 0, I) + \log |\det \partial u / \partial z|, \qquad
              u_t = reverse\big(z_a, \; (z_b - m_t(z_a)) \odot e^{-s_t(z_a)}\big)

    A coupling reads the first half of z and writes the second, so that another order of the components would be another
    flow: they stay as training left them.

    A coupling leaves z_a as it is, so it is inverted by reading m and s from z_a again: both directions cost the same.

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space. A single component is only shifted and scaled.
    n_layers : int
        Number T of couplings.
    width : int
        Hidden units of the network (m, s) in each.
    generator : torch.Generator
        Source of the initial weights.

    References
    ----------
    Dinh, Sohl-Dickstein and Bengio (2017), Density estimation using Real NVP, eq. (6) to (8).
    """

    def __init__(self, n_components: int, n_layers: int, width: int, generator: torch.Generator) -> None:
        super().__init__(n_components)
        self.base = StandardNormal(n_components)
        self.n_read = n_components // 2  # of z_a
        n_written = n_components - self.n_read
        bound = 1 / math.sqrt(max(self.n_read, 1))  # as torch.nn.Linear
        start = torch.empty(1, n_layers, self.n_read, width).uniform_(-bound, bound, generator=generator)
        self.weight_in = nn.Parameter(start)
        self.bias_in = nn.Parameter(torch.zeros(1, n_layers, 1, width))
        self.weight_out = nn.Parameter(torch.zeros(1, n_layers, width, 2 * n_written))
        self.bias_out = nn.Parameter(torch.zeros(1, n_layers, 1, 2 * n_written))

    def couplings(self) -> list[tuple[Tensor, ...]]:
        """The weights of each coupling. Shape: as the parameters, without the axis T."""
        weights = (self.weight_in, self.bias_in, self.weight_out, self.bias_out)
        return list(zip(*(p.unbind(dim=1) for p in weights), strict=True))

    def normalize(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """u(z) and the log-determinant of its slope. Shape: (..., S, B, K) -> (..., S, B, K), (..., S, B)."""
        log_det = z.new_zeros(())
        for weights in self.couplings():
            z_read, z_written = z[..., : self.n_read], z[..., self.n_read :]
            shift, log_scale = shift_and_log_scale(z_read, *weights)
            z = torch.cat([z_read, (z_written - shift) * torch.exp(-log_scale)], dim=-1).flip(-1)
            log_det = log_det - log_scale.sum(dim=-1)
        return z, log_det

    def generate(self, u: Tensor) -> Tensor:
        """z(u), the inverse of ``normalize``. Shape: (..., S, B, K), kept."""
        for weights in reversed(self.couplings()):
            u = u.flip(-1)
            z_read, u_written = u[..., : self.n_read], u[..., self.n_read :]
            shift, log_scale = shift_and_log_scale(z_read, *weights)
            u = torch.cat([z_read, u_written * torch.exp(log_scale) + shift], dim=-1)
        return u

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density. Shape: z (..., S, B, K) -> (..., S, B)."""
        with torch.autocast(z.device.type, enabled=False):
            u, log_det = self.normalize(z)
            return self.base.log_prob(u) + log_det

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws. Shape: (S, n_rows, K)."""
        u = self.base.sample(n_rows, self.bias_in, generator).expand(len(self.bias_in), -1, -1)
        return self.generate(u).to(like.dtype)


def shift_and_log_scale(
    z_read: Tensor, weight_in: Tensor, bias_in: Tensor, weight_out: Tensor, bias_out: Tensor
) -> tuple[Tensor, Tensor]:
    """Shift m and log-scale s of one coupling. Shape: (..., S, B, n_read) -> (..., S, B, n_written) both."""
    shift, log_scale = (silu(z_read @ weight_in + bias_in) @ weight_out + bias_out).chunk(2, dim=-1)
    return shift, LOG_SCALE_CAP * torch.tanh(log_scale / LOG_SCALE_CAP)
