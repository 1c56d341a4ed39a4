"""z → the parameters of p(x | z), columns independent given z."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.encoder import Trunk


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

    Shape: (S, B, K) -> for each block a dict of (S, B, width), (S, 1, width) or (S, 1, 1).
    """

    def __init__(
        self, joint: Joint, n_components: int, trunk: Trunk, *, linear: bool, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.cell_heads = [
            (b, name, head.width)
            for b, block in enumerate(joint)
            for name, head in block.heads.items()
            if head.per == "cell"
        ]
        n_outputs = sum(width for _, _, width in self.cell_heads)
        self.n_blocks = len(joint.blocks)
        self.network = trunk(n_components, n_outputs)
        self.bias = nn.Parameter(torch.zeros(1, 1, n_outputs))
        self.linear = linear
        if linear:
            bound = 1 / math.sqrt(n_components)
            start = torch.empty(1, n_components, n_outputs).uniform_(-bound, bound, generator=generator)
            self.loadings = nn.Parameter(start)
        self.free = nn.ParameterDict(
            {
                f"{b}/{name}": nn.Parameter(torch.zeros(1, 1, head.width))
                for b, block in enumerate(joint)
                for name, head in block.heads.items()
                if head.per != "cell"
            }
        )

    def forward(self, z: Tensor) -> Parameters:
        """The heads of each block, by name."""
        outputs = self.network(z).to(z.dtype)
        if self.linear:
            with torch.autocast(z.device.type, enabled=False):
                outputs = outputs + torch.baddbmm(self.bias, z, self.loadings)
        else:
            outputs = outputs + self.bias
        parameters: Parameters = [{} for _ in range(self.n_blocks)]
        widths = [width for _, _, width in self.cell_heads]
        for (b, name, _), values in zip(self.cell_heads, torch.split(outputs, widths, dim=-1), strict=True):
            parameters[b][name] = values
        for key, value in self.free.items():
            position, name = key.split("/")
            parameters[int(position)][name] = value
        return parameters

    def silence(self) -> None:
        """Leave the outputs to the linear path."""
        self.network.silence()

    def output_slice(self, block: int, name: str) -> slice:
        """Where a head lies among the outputs."""
        first = 0
        for b, head, width in self.cell_heads:
            if (b, head) == (block, name):
                return slice(first, first + width)
            first += width
        raise KeyError(f"block {block} has no cell head {name!r}")
