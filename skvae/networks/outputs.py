"""The parameters of all cells side by side, and which of them are those of which head."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, Parameters
from skvae.networks.free import FreeHeads
from skvae.networks.levels import Smoothing


class Outputs(nn.Module):
    """What a network says of the cells of a row, one output for each parameter of each cell, and what is constant.

    Parameters
    ----------
    joint : Joint
        The blocks of columns; their families say which parameters they need.

    Shape: outputs (S, B, T) -> for each block a dict of (S, B, width), (S, 1, width) or (S, 1, 1).
    """

    def __init__(self, joint: Joint) -> None:
        super().__init__()
        self.register_module("network", None)  # of z, where there is one: the first part, as optimisers count them
        self.cell_heads: list[tuple[int, str, int]] = []  # block, name and width
        for b, block in enumerate(joint):
            self.cell_heads += [(b, name, head.width) for name, head in block.heads.items() if head.per == "cell"]
        self.n_outputs = sum(width for _, _, width in self.cell_heads)
        self.n_blocks = len(joint.blocks)
        self.bias = nn.Parameter(torch.zeros(1, 1, self.n_outputs))
        self.free = FreeHeads(joint)
        n_levels: list[int] = []
        is_ordered: list[bool] = []
        blocks = list(joint)
        for b, name, _ in self.cell_heads:
            n_levels += blocks[b].shares(name)
            is_ordered += [blocks[b].heads[name].is_ordered] * len(blocks[b].index)
        self.smoothing = Smoothing(n_levels, is_ordered)

    @property
    def n_models(self) -> int:
        """Models S of the stack."""
        return len(self.bias)

    def smoothed(self, outputs: Tensor) -> Tensor:
        """Outputs whose ordered neighbours share strength. Shape: (S, B, T), kept."""
        if not len(self.smoothing.get_buffer("roots")):
            return outputs
        smoothed: Tensor = self.smoothing(outputs.transpose(1, 2))
        return smoothed.transpose(1, 2)

    def assemble(self, outputs: Tensor) -> Parameters:
        """Divide the outputs among the heads, and add those that are free constants."""
        parameters: Parameters = [{} for _ in range(self.n_blocks)]
        widths = [width for _, _, width in self.cell_heads]
        for (b, name, _), values in zip(self.cell_heads, torch.split(outputs, widths, dim=-1), strict=True):
            parameters[b][name] = values
        for b, name, values in self.free.addressed():
            parameters[b][name] = values
        return parameters

    def output_slice(self, block: int, name: str) -> slice:
        """Where a head lies among the outputs."""
        ends = itertools.accumulate((width for _, _, width in self.cell_heads), initial=0)
        for (b, head, width), first in zip(self.cell_heads, ends, strict=False):
            if (b, head) == (block, name):
                return slice(first, first + width)
        raise KeyError(f"block {block} has no cell head {name!r}")

    @torch.no_grad()
    def set_constants(self, model: int, block: int, heads: dict[str, Tensor]) -> None:
        """Let heads of a block have these values in one model, whatever the input."""
        for name, value in heads.items():
            free = self.free.find(block, name)
            if free is not None:
                free[model, 0] = value
            else:
                self.bias[model, 0, self.output_slice(block, name)] = value
