"""p(x | z) of a whole row: blocks of columns, one family each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skvae.likelihoods.base import Columns, Likelihood

Parameters = list[dict[str, Tensor]]  # for each block, the decoder's heads by name


class Block(nn.Module):
    """The columns of one family, evaluated as one tensor operation.

    Parameters
    ----------
    family : Likelihood
        The family of these columns.
    index : list of int
        Their positions in the row.
    columns : Columns
        What the table knows of them.
    """

    def __init__(self, family: Likelihood, index: list[int], columns: Columns) -> None:
        super().__init__()
        self.family = family
        self.index = index
        self.heads = family.heads(columns)
        self.columns = columns
        self.constant_names = tuple(family.constants(columns))
        for name, value in family.constants(columns).items():
            self.register_buffer(name, value)
        self.register_buffer("_index", torch.tensor(index))

    @property
    def position(self) -> slice | Tensor:
        """Where the columns are: a slice where they are neighbours, which copies nothing."""
        first, last = self.index[0], self.index[-1]
        return slice(first, last + 1) if self.index == list(range(first, last + 1)) else self.get_buffer("_index")

    def shares(self, name: str) -> list[int]:
        """How many entries of a cell's or a column's head each column has, in their order."""
        single = [self.columns.take(i) for i in range(len(self.index))]
        return [self.family.heads(columns)[name].width for columns in single]

    def alone(self, i: int) -> Block:
        """Column i of the block alone, as the only one of its row."""
        return Block(self.family, [0], self.columns.take(i))

    def complete(self, heads: dict[str, Tensor]) -> dict[str, Any]:
        """All parameters of the family: the decoder's and the fixed ones."""
        return heads | {name: self.get_buffer(name) for name in self.constant_names}


class Joint(nn.Module):
    """p(x | z) = Π_d p(x_d | z) over the observed cells of a row.

    Parameters
    ----------
    blocks : list of Block
        Each column belongs to exactly one.
    indicators : dict of int to int
        For a column, by position, the earlier column that is 1 where it has a gap.
    """

    def __init__(self, blocks: list[Block], indicators: dict[int, int] | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.indicators = indicators or {}
        self.is_complete = False  # training knows when no cell is missing; then nothing is masked
        self.n_columns = sum(len(block.index) for block in blocks)

    def __iter__(self) -> Any:
        return iter(self.blocks)

    def log_prob(self, x: Tensor, parameters: Parameters) -> Tensor:
        """Log-probability of each row, nats; a missing cell adds nothing. Shape: (S, B, D) -> (S, B)."""
        total = x.new_zeros(())
        for block, heads in zip(self, parameters, strict=True):
            cells = x[..., block.position]
            if self.is_complete:
                total = total + block.family.log_prob(cells, **block.complete(heads)).sum(dim=-1)
                continue
            missing = cells.isnan()
            # 0 lies in the support of every family, so no NaN can reach a gradient
            log_prob = block.family.log_prob(cells.masked_fill(missing, 0.0), **block.complete(heads))
            total = total + log_prob.masked_fill(missing, 0.0).sum(dim=-1)
        return total

    def mean(self, parameters: Parameters) -> Tensor:
        """E[x | z], or the mode for categories. Shape: (S, B, D)."""
        return self._join([b.family.mean(**b.complete(h)) for b, h in zip(self, parameters, strict=True)])

    def sample(self, parameters: Parameters, generator: torch.Generator) -> Tensor:
        """A draw of x | z. Shape: (S, B, D)."""
        draws = [b.family.sample(generator, **b.complete(h)) for b, h in zip(self, parameters, strict=True)]
        return self._join(draws)

    def redraw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The training rows of one step (see ``Likelihood.redraw``). Shape: kept."""
        return self._join([block.family.redraw(x[..., block.position], generator) for block in self])

    def _join(self, cells: list[Tensor]) -> Tensor:
        """Put the columns of all blocks back in the order of the row."""
        if len(cells) == 1:
            return cells[0]
        x = cells[0].new_empty((*cells[0].shape[:-1], self.n_columns))
        for block, values in zip(self, cells, strict=True):
            x[..., block.position] = values
        return x
