"""A mixture of the encoder's posteriors at learned pseudo-inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from skvae.priors.base import PriorFamily, Recognition
from skvae.priors.mixture import DiagonalMixture


@dataclass(frozen=True)
class VampPrior(PriorFamily):
    """Variational mixture of posteriors. See ``MixtureOfPosteriors`` for the equation.

    Parameters
    ----------
    n_modes : int, default=100
        Number of pseudo-inputs.
    """

    n_modes: int = 100

    def build(self, n_components: int, encoder: Recognition | None, generator: torch.Generator) -> MixtureOfPosteriors:  # noqa: D102
        assert encoder is not None, "pseudo-inputs are seen by an encoder"
        return MixtureOfPosteriors(n_components, self.n_modes, encoder, generator)


class MixtureOfPosteriors(DiagonalMixture):
    r"""The aggregate posterior of a few pseudo-inputs, which are learned.

    .. math:: p(z) = \sum_c \pi_c \, q(z \mid u_c)

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.
    n_modes : int
        Number C of pseudo-inputs.
    encoder : Recognition
        The encoder that turns pseudo-inputs into distributions of z.
    generator : torch.Generator
        Source of the first pseudo-inputs.

    References
    ----------
    Tomczak and Welling (2018), VAE with a VampPrior, eq. (9).
    """

    def __init__(self, n_components: int, n_modes: int, encoder: Recognition, generator: torch.Generator) -> None:
        super().__init__(n_components, n_modes)  # DIFFERS from the paper: weights π are learned, theirs are equal
        # DIFFERS: u lives behind the embedding of categories, where a row of standardised cells is near N(0, I)
        self.pseudo_inputs = nn.Parameter(torch.randn(1, n_modes, encoder.n_features, generator=generator))
        self._encoder = (encoder,)  # a tuple hides a module: its weights belong to the VAE and are stacked there

    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Nothing: the modes are the encoder's, which is rearranged with the prior."""

    def modes(self) -> tuple[Tensor, Tensor]:  # noqa: D102
        q = self._encoder[0].from_features(self.pseudo_inputs)
        return q.loc, q.scale
