"""z → the parameters of p(x | z), columns independent given z."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.encoder import Trunk
from skvae.networks.mlp import MLP
from skvae.networks.outputs import Outputs

Weigh = Callable[[Tensor], Tensor | None]  # log p(a cell) of each row -> the rows that go on, (B,), or None for all


class Decoder(Outputs):
    """The generative model: a linear path plus a network, one output for each parameter of each cell.

    Parameters
    ----------
    joint : Joint
        The blocks of columns; their families say which parameters they need.
    n_components : int
        Dimension K of z.
    trunk : callable (n_in, n_out) -> nn.Module
        Makes the network.
    linear : bool
        Whether there is a linear path.
    generator : torch.Generator
        Source of the initial weights.

    Shape: z (S, B, K) -> for each block a dict of (S, B, width), (S, 1, width) or (S, 1, 1).
    """

    sees_columns: ClassVar[bool] = False  # whether columns see one another, so that z holds little

    def __init__(
        self, joint: Joint, n_components: int, trunk: Trunk, *, linear: bool, generator: torch.Generator
    ) -> None:
        super().__init__(joint)
        self.network = trunk(n_components, self.n_outputs)
        self.linear = linear
        if linear:
            bound = 1 / math.sqrt(n_components)
            start = torch.empty(1, n_components, self.n_outputs).uniform_(-bound, bound, generator=generator)
            self.loadings = nn.Parameter(start)

    def forward(self, z: Tensor, x: Tensor | None = None) -> Parameters:
        """The heads of each block, by name; columns do not see x."""
        return self.assemble(self.outputs(z))

    def outputs(self, z: Tensor) -> Tensor:
        """All parameters of all cells side by side. Shape: (S, B, K) -> (S, B, n_outputs)."""
        outputs = self.smoothed(self.network(z).to(z.dtype))
        if not self.linear:
            return outputs + self.bias
        with torch.autocast(z.device.type, enabled=False):
            return outputs + torch.baddbmm(self.bias, z, self.loadings)

    def complete(
        self, joint: Joint, z: Tensor, x: Tensor, generator: torch.Generator | None, weigh: Weigh | None = None
    ) -> Tensor:
        """Fill the gaps of rows, of a stack of one.

        Parameters
        ----------
        joint : Joint
            The families.
        z : Tensor of shape (1, B, K)
            Latent coordinates.
        x : Tensor of shape (1, B, D)
            Rows; NaN marks a cell to fill.
        generator : torch.Generator or None
            Source of draws from p(x_d | ·); None takes expectations, and the mode for categories.
        weigh : callable, optional
            Function that is told the log-probability of the observed cells of each row, and says which rows go on.

        Returns
        -------
        Tensor of shape (1, B, D)
            The rows without gaps, but where an indicator says that there is one.
        """
        parameters: Parameters = self(z)
        rows = None if weigh is None else weigh(joint.log_prob(x, parameters)[0])
        if rows is not None:
            z, x = z[:, rows], x[:, rows]
            parameters = self(z)
        filled = joint.mean(parameters) if generator is None else joint.sample(parameters, generator)
        filled = torch.where(x.isnan(), filled.to(x.dtype), x)
        for column, indicator in joint.indicators.items():
            filled[..., column].masked_fill_(filled[..., indicator] >= 1, torch.nan)
        return filled

    @torch.no_grad()
    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Read z'_k = s_k z_{o_k} where z was read, in place. Shape: (K,), (K,)."""
        for weight in self.weights_of_z():
            weight.copy_(weight[:, order] * signs[:, None])

    def weights_of_z(self) -> list[Tensor]:
        """The matrices that z is multiplied by, (S, K, ...) each, where the network is one of ours."""
        assert isinstance(self.network, MLP), "a network of the user's reads z as it likes"
        weights: list[Tensor] = [self.network.first.weight]
        if self.linear:
            weights.append(self.loadings)
        return weights

    def silence(self) -> None:
        """Leave the outputs to the linear path."""
        self.network.silence()
