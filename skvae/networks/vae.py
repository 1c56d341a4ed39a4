"""The variational autoencoder: p(z), q(z | x) and p(x | z) in one module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.decoder import Decoder
from skvae.networks.encoder import Encoder
from skvae.networks.posterior import DiagonalNormal
from skvae.priors import Prior


class VAE(nn.Module):
    """A stack of S variational autoencoders.

    Parameters
    ----------
    joint : Joint
        The likelihood of a row.
    prior : Prior
        The distribution of z.
    encoder : Encoder
        x → q(z | x).
    decoder : Decoder
        z → the parameters of p(x | z).
    """

    def __init__(self, joint: Joint, prior: Prior, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.joint = joint
        self.prior = prior
        self.encoder = encoder
        self.decoder = decoder

    def posterior(self, x: Tensor) -> DiagonalNormal:
        """q(z | x). Shape: (S, B, D) -> (S, B, K)."""
        q: DiagonalNormal = self.encoder(x)
        return q

    def decode(self, z: Tensor, x: Tensor | None = None) -> Parameters:
        """Parameters of p(x | z), for each block by name. Shape: (S, B, K), (S, B, D).

        An autoregressive decoder needs x: each column sees the earlier ones.
        """
        parameters: Parameters = self.decoder(z, x)
        return parameters

    def log_likelihood(self, z: Tensor, x: Tensor) -> Tensor:
        """Log p(x | z) over the observed cells, nats. Shape: (S, B, K), (S, B, D) -> (S, B)."""
        return self.joint.log_prob(x, self.decode(z, x))

    def generate(self, z: Tensor, generator: torch.Generator | None, *, gaps: bool) -> Tensor:
        """Rows drawn from p(x | z), or expected without a generator, of a stack of one. Shape: (1, B, K) -> (1, B, D).

        With ``gaps``, cells are missing where an indicator that was drawn says so.
        """
        x = z.new_full((*z.shape[:2], self.joint.n_columns), torch.nan)
        if not gaps:
            x[..., list(self.joint.indicators.values())] = 0.0
        rows: Tensor = self.decoder.complete(self.joint, z, x, generator)
        return rows

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws from p(x) of a stack of one. Shape: (1, n_rows, D)."""
        return self.generate(self.prior.sample(n_rows, like, generator), generator, gaps=True)
