"""What a model is made of, before it has weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self

import torch
from torch import nn

from skvae.networks import MLP, VAE, AutoregressiveDecoder, Chain, Decoder, Encoder, Reader, Replicas, Trunk
from skvae.priors import PRIORS, PriorFamily
from skvae.tables import Table

BESIDE = ("chain", "reader")
"""The models beside the VAE whose columns see one another, by the name that they have in it."""

Beside = Chain | Reader
Network = str | Callable[[int, int], nn.Module]


@dataclass(frozen=True)
class Architecture:
    """The parts of a model and their sizes; with a table, all that its weights need to be made anew.

    Attributes
    ----------
    n_components : int
        Dimension K of z.
    hidden_layer_sizes : tuple of int
        Widths of the encoder's hidden layers; the decoder has them in reverse.
    activation : str
        Name of the function between layers.
    dropout : float
        Share of hidden units silenced in training.
    encoder : "mlp" or callable
        Network of the encoder, or what makes a user's own.
    decoder : "auto", "factorized", "conditional", "autoregressive" or callable
        Decoder, or what makes a user's own network of a factorized one.
    prior : str or PriorFamily
        Family of p(z).
    sizes_beside : tuple of int
        Widths of the hidden layers of the models beside the VAE.
    """

    n_components: int
    hidden_layer_sizes: tuple[int, ...]
    activation: str
    dropout: float
    encoder: Network
    decoder: Network
    prior: str | PriorFamily
    sizes_beside: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, parameters: Mapping[str, Any], hidden_layer_sizes: Sequence[int], sizes_beside: Sequence[int] = ()
    ) -> Self:
        """From the parameters of an estimator, among others, and the sizes that "auto" came to."""
        named = {name: parameters[name] for name in cls.parameters()}
        sizes = {"hidden_layer_sizes": tuple(hidden_layer_sizes), "sizes_beside": tuple(sizes_beside)}
        return cls(**named | sizes)

    @classmethod
    def parameters(cls) -> list[str]:
        """The fields that are parameters of an estimator."""
        return [field.name for field in fields(cls) if field.name != "sizes_beside"]

    @property
    def is_autoregressive(self) -> bool:
        """Whether columns see earlier columns."""
        return self.decoder == "autoregressive"

    @property
    def reads_global_rng(self) -> bool:
        """Whether something in the model draws from torch's own generator."""
        return self.dropout > 0 or callable(self.encoder) or callable(self.decoder)

    def build(self, table: Table, seed: int) -> VAE:
        """The untrained module, a stack of one, on the CPU."""
        generator = torch.Generator().manual_seed(seed)
        joint = table.joint()
        has_linear_path = any(family.is_linear for family in table.families)
        encoder = Encoder(
            joint,
            self.n_components,
            self._trunk(self.encoder, self.hidden_layer_sizes, generator),
            gaps=table.gaps.tolist(),
            linear=has_linear_path,
            generator=generator,
        )
        make_decoder = self._decoder_class(generator)
        decoder = make_decoder(joint, self.n_components, linear=has_linear_path, generator=generator)
        prior = self._prior_family().build(self.n_components, encoder, generator)
        return VAE(joint, prior, encoder, decoder).float()

    def build_beside(self, name: str, table: Table, seed: int) -> Beside:
        """An untrained model beside the VAE, a stack of one, on the CPU."""
        generator, table = torch.Generator().manual_seed(seed), table.of_columns
        if name == "reader":
            return Reader(table.joint(given_others=True), self.sizes_beside, generator).float()
        trunk = self._trunk("mlp", self.sizes_beside, generator)
        return Chain(table.joint(), trunk, generator, table.rulers()).float()

    def _trunk(self, network: Network, sizes: Sequence[int], generator: torch.Generator) -> Trunk:
        """What makes a network of given widths."""
        if callable(network):
            return partial(Replicas, network)
        return partial(
            MLP, hidden_layer_sizes=sizes, activation=self.activation, dropout=self.dropout, generator=generator
        )

    def _decoder_class(self, generator: torch.Generator) -> Callable[..., Decoder]:
        """What makes the decoder, given the columns and the number of components."""
        sizes = self.hidden_layer_sizes[::-1]
        if self.is_autoregressive:
            trunk = self._trunk("mlp", sizes, generator)
            return partial(AutoregressiveDecoder, trunk=trunk, context_trunk=trunk)
        return partial(Decoder, trunk=self._trunk(self.decoder, sizes, generator))

    def _prior_family(self) -> PriorFamily:
        if isinstance(self.prior, PriorFamily):
            return self.prior
        return PRIORS[self.prior]()
