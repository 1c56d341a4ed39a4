"""The variational autoencoder: p(z), q(z | x) and p(x | z) in one module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.chain import Chain
from skvae.networks.decoder import Decoder
from skvae.networks.encoder import Encoder
from skvae.networks.mlp import MLP
from skvae.networks.reader import Reader
from skvae.networks.stack import components_in, restack
from skvae.objectives import DiagonalNormal
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

    Attributes
    ----------
    chain, reader : Chain or None, Reader or None
        Models beside it, of the same rows with their gaps shown: p(x_d | x_<d), and p(x_d | x_V) for any V.
    """

    def __init__(self, joint: Joint, prior: Prior, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.joint = joint
        self.prior = prior
        self.encoder = encoder
        self.decoder = decoder
        self.chain: Chain | None = None
        self.reader: Reader | None = None

    @property
    def n_models(self) -> int:
        """Models S of the stack."""
        return self.decoder.n_models

    @property
    def n_components(self) -> int:
        """Dimension K of z."""
        return self.encoder.n_components

    @property
    def n_outputs(self) -> int:
        """Outputs of the decoder, for each row."""
        return self.decoder.n_outputs

    def assume_complete(self, *, cells: bool, seen: bool) -> None:
        """Say whether no cell will be missing at all, and none of what the encoder is shown."""
        self.joint.is_complete, self.encoder.is_complete = cells, seen

    @property
    def is_rearrangeable(self) -> bool:
        """Whether the components can be put in another order: not those of a flow, nor of a network of the user's."""
        networks = (self.encoder.network, self.decoder.network)
        return self.prior.is_rearrangeable and all(isinstance(network, MLP) for network in networks)

    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Become the same model with z'_k = s_k z_{o_k} for z, in place, where ``is_rearrangeable``. Shape: (K,), (K,).

        What is linear in the weights, such as the running mean of their gradient, is rearranged as they are.
        """
        for part in (self.prior, self.encoder, self.decoder):
            part.rearrange(order, signs)

    def posterior(self, x: Tensor, noise: Tensor | None = None) -> DiagonalNormal:
        """q(z | x), in training with noise on what the encoder sees of numbers. Shape: (S, B, D) -> (S, B, K)."""
        q: DiagonalNormal = self.encoder(x, noise)
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

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator, *, gaps: bool = True) -> Tensor:
        """Draws from p(x) of a stack of one, with gaps where they are modelled or without. Shape: (1, n_rows, D)."""
        if self.chain is not None:
            return self.chain.sample(n_rows, like, generator, gaps=gaps)
        return self.generate(self.prior.sample(n_rows, like, generator), generator, gaps=gaps)


def join(vaes: Sequence[VAE], widest: VAE) -> VAE:
    """One stack of several, whose models keep their own numbers of components.

    Parameters
    ----------
    vaes : sequence of VAE
        Alike but for the number of components, with a prior that needs no weights; stacks of equal size.
    widest : VAE
        Any model with as many components as the widest of them; becomes the stack.
    """
    n_models, n_components = len(vaes[0].decoder.bias), widest.encoder.n_components
    restack(widest, [0] * n_models * len(vaes))
    for parameter in widest.parameters():
        parameter.data.zero_()
    sizes = torch.tensor([vae.encoder.n_components for vae in vaes]).repeat_interleave(n_models)
    is_component = torch.arange(n_components) < sizes[:, None, None]
    widest.encoder.is_component = None if bool(is_component.all()) else is_component.to(widest.decoder.bias.device)
    for c, vae in enumerate(vaes):
        for small, large in zip(vae.parameters(), widest.parameters(), strict=True):
            part = large.data[c * n_models : (c + 1) * n_models]
            part[components_in(small, part, vae.encoder.n_components, n_components)] = small.data
    for one, other in zip(vaes[0].buffers(), widest.buffers(), strict=True):
        other.copy_(one)
    return widest


def alone(vae: VAE) -> VAE:
    """The VAE without the models beside it, in place."""
    vae.chain = vae.reader = None
    return vae


def take_models(vae: VAE, models: list[int]) -> VAE:
    """Make ``vae`` the stack of the models with these positions, in place."""
    restack(vae, models)
    if vae.encoder.is_component is not None:
        vae.encoder.is_component = vae.encoder.is_component[models]
    return vae


def narrow(vae: VAE, like: VAE) -> VAE:
    """The same models without the components that they have not: as many as ``like``, which becomes them, has."""
    for large, small in zip(vae.parameters(), like.parameters(), strict=True):
        small.data = small.data.expand(len(large), *small.shape[1:])
        part = components_in(small, large, like.encoder.n_components, vae.encoder.n_components)
        small.data = large.data[part].clone()
    for one, other in zip(vae.buffers(), like.buffers(), strict=True):
        other.copy_(one)
    return like.eval()
