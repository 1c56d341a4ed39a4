"""What a prior is, and what a family of priors is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from numbers import Integral
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from skvae.objectives import DiagonalNormal


class Recognition(Protocol):
    """What a prior may ask of the encoder."""

    n_features: int

    def from_features(self, features: Tensor) -> DiagonalNormal:
        """The distribution of z for pseudo-inputs. Shape: (S, C, n_features) -> (S, C, K)."""


class Prior(nn.Module, ABC):
    """p(z) of a stack of S models; weights, if there are any, have the leading axis S.

    Parameters
    ----------
    n_components : int
        Dimension K of the latent space.

    Attributes
    ----------
    has_closed_form_kl : bool
        Whether ``kl`` is exact, a term for each component, and reads no draw but for its gradient.
    kl_min : float
        KL of a component that says nothing, nats: the smallest that a Gaussian posterior can have.
    is_rearrangeable : bool
        Whether ``rearrange`` can put the components in another order, and turn some of them around.
    """

    has_closed_form_kl: ClassVar[bool] = False
    kl_min: ClassVar[float] = 0.0
    is_rearrangeable: ClassVar[bool] = False

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.n_components = n_components

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Log density, nats. Shape: z (..., S, B, K) -> (..., S, B)."""

    @abstractmethod
    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draws. Shape: (S, n_rows, K), in the dtype and on the device of ``like``."""

    @property
    def is_learned(self) -> bool:
        """Whether there are weights to fit."""
        return any(True for _ in self.parameters())

    def quantiles(self, q: Tensor) -> Tensor | None:
        """Quantiles of each component, of a stack of one, where they are known. Shape: (Q,) -> (Q, K)."""
        return None

    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Become the distribution of z'_k = s_k z_{o_k}, in place, where ``is_rearrangeable``. Shape: (K,), (K,)."""
        raise NotImplementedError(f"{type(self).__name__} keeps its components in their order")

    def kl(self, q: DiagonalNormal, z: Tensor, *, by_draw: bool = True) -> Tensor:
        """KL(q ‖ p) from one draw z of q: log q(z | x) − log p(z), unbiased. Shape: z (S, B, K) -> (S, B, 1).

        Its gradient runs through the draw alone: that of log q(z | x) for a fixed z is zero on average, and noise
        (Roeder, Wu and Duvenaud 2017, Sticking the Landing, eq. 7).
        """
        kl: Tensor = q.detach().log_prob(z) - self.log_prob(z)
        return kl.unsqueeze(-1)  # no closed form, so no terms by component


@dataclass(frozen=True)
class PriorFamily(ABC):
    """What ``prior=`` takes: a pure, immutable description, which ``build`` turns into a module.

    A new family is one subclass in one file, beside its module. Its fields are sizes.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            size = getattr(self, field.name)
            if not (isinstance(size, Integral) and int(size) >= 1):
                raise ValueError(
                    f"{type(self).__name__} needs a positive integer as {field.name}, got {size!r}. "
                    f"Use {field.name}={field.default!r}, say."
                )

    @abstractmethod
    def build(self, n_components: int, encoder: Recognition | None, generator: torch.Generator) -> Prior:
        """The untrained prior of a stack of one.

        Parameters
        ----------
        n_components : int
            Dimension K of the latent space.
        encoder : Recognition
            The encoder, for priors that look through it.
        generator : torch.Generator
            Source of the initial weights.
        """
