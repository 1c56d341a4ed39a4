"""The order and the signs of the components of a fitted model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from skvae.models.loadings import Loadings
from skvae.networks import VAE
from skvae.objectives import DiagonalNormal


@dataclass(frozen=True)
class Turn:
    r"""Another order of the components, some of them turned around: :math:`z'_k = s_k z_{o_k}`.

    Attributes
    ----------
    order : Tensor of int of shape (K,)
        Where each component was before.
    signs : Tensor of shape (K,)
        -1 for a component that is turned around, else 1.
    """

    order: Tensor
    signs: Tensor

    @classmethod
    def of(cls, loadings: Loadings, *, keeps_order: bool = False) -> Turn:
        """The components in the order of the variance that they explain, signed by their largest effect.

        Largest first, and that effect positive, as ``sklearn.utils.extmath.svd_flip`` signs the rows of a PCA. Nested
        components keep the order that they have: another one would make other models of the first of them.
        """
        order = np.argsort(-loadings.explained.sum(axis=1), kind="stable")
        if keeps_order:
            order = np.arange(len(order))
        pull = loadings.pull[order]
        largest = np.take_along_axis(pull, np.abs(pull).argmax(axis=1)[:, None], axis=1)[:, 0]
        return cls(torch.from_numpy(order), torch.from_numpy(np.where(largest < 0, -1.0, 1.0)))

    def apply(self, vae: VAE) -> None:
        """Rearrange a model, a stack of one, in place."""
        device = vae.decoder.bias.device
        vae.rearrange(self.order.to(device), self.signs.to(device, vae.decoder.bias.dtype))

    @property
    def without_signs(self) -> Turn:
        """The order alone, as for squares."""
        return Turn(self.order, torch.ones_like(self.signs))

    def of_posterior(self, q: DiagonalNormal) -> DiagonalNormal:
        """That of the model that was rearranged. Shape: (S, N, K), kept."""
        order, signs = self.order.to(q.loc.device), self.signs.to(q.loc)
        return DiagonalNormal(q.loc[..., order] * signs, q.scale[..., order], q.is_blank)

    def of_loadings(self, loadings: Loadings) -> Loadings:
        """Those of the model that was rearranged."""
        return loadings.rearranged(self.order.numpy(), self.signs.numpy())


def put_in_order(vae: VAE, loadings: Loadings, *, keeps_order: bool = False) -> Turn | None:
    """Rearrange the components of a stack of one, in place, by what they do; None where they stay as they are."""
    if not vae.is_rearrangeable:
        return None
    turn = Turn.of(loadings, keeps_order=keeps_order)
    turn.apply(vae)
    return turn
