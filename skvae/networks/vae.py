"""The variational autoencoder: p(z), q(z | x) and p(x | z) in one module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.decoder import Decoder
from skvae.networks.encoder import Encoder
from skvae.networks.posterior import DiagonalNormal
from skvae.priors import StandardNormal


class VAE(nn.Module):
    """A stack of S variational autoencoders.

    Parameters
    ----------
    joint : Joint
        The likelihood of a row.
    prior : StandardNormal
        The distribution of z.
    encoder : Encoder
        x → q(z | x).
    decoder : Decoder
        z → the parameters of p(x | z).
    """

    def __init__(self, joint: Joint, prior: StandardNormal, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.joint = joint
        self.prior = prior
        self.encoder = encoder
        self.decoder = decoder

    def posterior(self, x: Tensor) -> DiagonalNormal:
        """q(z | x). Shape: (S, B, D) -> (S, B, K)."""
        q: DiagonalNormal = self.encoder(x)
        return q

    def decode(self, z: Tensor) -> Parameters:
        """Parameters of p(x | z), for each block by name. Shape: (S, B, K)."""
        parameters: Parameters = self.decoder(z)
        return parameters

    def log_likelihood(self, z: Tensor, x: Tensor) -> Tensor:
        """Log p(x | z) over the observed cells, nats. Shape: (S, B, K), (S, B, D) -> (S, B)."""
        return self.joint.log_prob(x, self.decode(z))

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws from p(x) of a stack of one. Shape: (1, n_rows, D)."""
        z = self.prior.sample(n_rows, like, generator)
        return self.joint.sample(self.decode(z), generator)
