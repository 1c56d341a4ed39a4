"""z → the parameters of p(x | z), columns independent given z."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.encoder import Trunk
from skvae.networks.free import FreeHeads
from skvae.networks.levels import Smoothing

Weigh = Callable[[Tensor], Tensor | None]  # log p(a cell) of each row -> the rows that go on, (B,), or None for all


class Decoder(nn.Module):
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
        super().__init__()
        self.cell_heads: list[tuple[int, str, int]] = []  # block, name and width
        for b, block in enumerate(joint):
            self.cell_heads += [(b, name, head.width) for name, head in block.heads.items() if head.per == "cell"]
        n_outputs = sum(width for _, _, width in self.cell_heads)
        self.n_blocks = len(joint.blocks)
        self.network = trunk(n_components, n_outputs)
        self.bias = nn.Parameter(torch.zeros(1, 1, n_outputs))
        self.linear = linear
        if linear:
            bound = 1 / math.sqrt(n_components)
            start = torch.empty(1, n_components, n_outputs).uniform_(-bound, bound, generator=generator)
            self.loadings = nn.Parameter(start)
        self.free = FreeHeads(joint)
        n_levels: list[int] = []
        is_ordered: list[bool] = []
        blocks = list(joint)
        for b, name, _ in self.cell_heads:
            n_levels += blocks[b].shares(name)
            is_ordered += [blocks[b].heads[name].is_ordered] * len(blocks[b].index)
        self.smoothing = Smoothing(n_levels, is_ordered)

    def forward(self, z: Tensor, x: Tensor | None = None) -> Parameters:
        """The heads of each block, by name; columns do not see x."""
        return self.assemble(self.outputs(z))

    def outputs(self, z: Tensor) -> Tensor:
        """All parameters of all cells side by side. Shape: (S, B, K) -> (S, B, n_outputs)."""
        outputs: Tensor = self.network(z).to(z.dtype)
        if len(self.smoothing.get_buffer("roots")):
            outputs = self.smoothing(outputs.transpose(1, 2)).transpose(1, 2)
        if not self.linear:
            return outputs + self.bias
        with torch.autocast(z.device.type, enabled=False):
            return outputs + torch.baddbmm(self.bias, z, self.loadings)

    def assemble(self, outputs: Tensor) -> Parameters:
        """Divide the outputs among the heads, and add those that are free constants."""
        parameters: Parameters = [{} for _ in range(self.n_blocks)]
        widths = [width for _, _, width in self.cell_heads]
        for (b, name, _), values in zip(self.cell_heads, torch.split(outputs, widths, dim=-1), strict=True):
            parameters[b][name] = values
        for b, name, values in self.free.addressed():
            parameters[b][name] = values
        return parameters

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

    def silence(self) -> None:
        """Leave the outputs to the linear path."""
        self.network.silence()

    def output_slice(self, block: int, name: str) -> slice:
        """Where a head lies among the outputs."""
        ends = itertools.accumulate((width for _, _, width in self.cell_heads), initial=0)
        for (b, head, width), first in zip(self.cell_heads, ends, strict=False):
            if (b, head) == (block, name):
                return slice(first, first + width)
        raise KeyError(f"block {block} has no cell head {name!r}")
