"""p(x | z) of a whole row: blocks of columns, one family each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from skvae.likelihoods.base import Columns, Likelihood, LocationFamily

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
        constants = family.constants(columns)
        self.constant_names = tuple(constants)
        for name, value in constants.items():
            self.register_buffer(name, value)
        self.register_buffer("_index", torch.tensor(index))

    @property
    def position(self) -> slice | Tensor:
        """Where the columns are: a slice where they are neighbours, which copies nothing."""
        first, last = self.index[0], self.index[-1]
        if self.index == list(range(first, last + 1)):
            return slice(first, last + 1)
        return self.get_buffer("_index")

    def shares(self, name: str) -> list[int]:
        """How many entries of a cell's or a column's head each column has, in their order."""
        single = [self.columns.take(i) for i in range(len(self.index))]
        return [self.family.heads(columns)[name].width for columns in single]

    def alone(self, i: int) -> Block:
        """Column i of the block alone, as the only one of its row."""
        return Block(self.family, [0], self.columns.take(i))

    def constants(self) -> dict[str, Tensor]:
        """The parameters that the columns fix."""
        return {name: self.get_buffer(name) for name in self.constant_names}

    def with_constants(self, heads: dict[str, Tensor]) -> dict[str, Any]:
        """All parameters of the family: those that the decoder supplies, and those that the columns fix."""
        return heads | self.constants()

    def features(self, x: Tensor) -> Tensor:
        """What the encoder's network sees of its cells in rows. Shape: (..., D) -> (..., width)."""
        return self.family.features(x[..., self.position], **self.constants())

    def rank(self, x: Tensor) -> Tensor:
        """Where each of its numbers lies among those of its column. Shape: (..., D) -> (..., width)."""
        return self.family.rank(x[..., self.position], **self.constants())

    def draw(self, generator: torch.Generator | None, parameters: dict[str, Any]) -> Tensor:
        """Cells drawn from the family, or expected ones without a generator. Shape: (S, B, D)."""
        if generator is None:
            return self.family.mean(**parameters)
        return self.family.sample(generator, **parameters)


def columns_of(blocks: Iterable[Block]) -> list[int]:
    """Positions in the row of the columns of some blocks, one block after another."""
    return list(itertools.chain.from_iterable(block.index for block in blocks))


class Joint(nn.Module):
    """p(x | z) = Π_d p(x_d | z) over the observed cells of a row.

    Parameters
    ----------
    blocks : list of Block
        Each column belongs to exactly one.
    indicators : dict of int to int
        Positions of columns, each with that of the earlier column that is 1 where it has a gap.
    """

    def __init__(self, blocks: list[Block], indicators: dict[int, int] | None = None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.indicators = indicators or {}
        self.is_complete = False  # training knows when no cell is missing; then nothing is masked
        self.n_columns = sum(len(block.index) for block in blocks)

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)  # type: ignore[arg-type]

    def alone(self, j: int, like: Tensor) -> Block:
        """Column j as a block of its own, of the dtype and on the device of a tensor; made once for each of these."""
        key = (j, like.dtype, like.device)
        if key not in self._alone:
            block = next(block for block in self if j in block.index)
            self._alone[key] = block.alone(block.index.index(j)).to(like)
        return self._alone[key]

    @cached_property
    def _alone(self) -> dict[tuple[int, torch.dtype, torch.device], Block]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_alone"}

    def numbers(self) -> list[Block]:
        """The blocks whose cells are numbers."""
        return [block for block in self if block.family.levels == "none"]

    def coded(self) -> list[Block]:
        """The blocks whose cells are codes of levels."""
        return [block for block in self if block.family.levels != "none"]

    def linear_blocks(self) -> list[tuple[int, Block, LocationFamily]]:
        """Position, block and family of the columns that a linear model of z can start."""
        located = [(b, block, block.family) for b, block in enumerate(self)]
        return [(b, block, family) for b, block, family in located if isinstance(family, LocationFamily)]

    def log_prob(self, x: Tensor, parameters: Parameters, weights: Tensor | None = None) -> Tensor:
        """Log-probability of each row, nats, or a weighted sum over its cells; a missing one adds nothing.

        Shape: (S, B, D), weights too -> (S, B).
        """
        total = x.new_zeros(())
        for block, heads in zip(self, parameters, strict=True):
            cells = x[..., block.position]
            known = block.with_constants(heads)
            if self.is_complete and weights is None:
                total = total + block.family.log_prob(cells, **known).sum(dim=-1)
                continue
            missing = cells.isnan()
            shown = cells.masked_fill(missing, block.family.anywhere)  # in the support: no NaN can reach a gradient
            log_prob = block.family.log_prob(shown, **known)
            log_prob = log_prob.masked_fill(missing, 0.0)
            if weights is not None:
                log_prob = log_prob * weights[..., block.position]
            total = total + log_prob.sum(dim=-1)
        return total

    def mean(self, parameters: Parameters) -> Tensor:
        """E[x | z], or the mode for categories. Shape: (S, B, D)."""
        return self._join([block.family.mean(**each) for block, each in self._with_constants(parameters)])

    def sample(self, parameters: Parameters, generator: torch.Generator) -> Tensor:
        """A draw of x | z. Shape: (S, B, D)."""
        return self._join([block.family.sample(generator, **each) for block, each in self._with_constants(parameters)])

    def redraw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The training rows of one step (see ``Likelihood.redraw``). Shape: kept."""
        return self._join([block.family.redraw(x[..., block.position], generator) for block in self])

    def _with_constants(self, parameters: Parameters) -> Iterator[tuple[Block, dict[str, Any]]]:
        """Each block, and all parameters of its family."""
        for block, heads in zip(self, parameters, strict=True):
            yield block, block.with_constants(heads)

    def _join(self, cells: list[Tensor]) -> Tensor:
        """Put the columns of all blocks back in the order of the row."""
        if len(cells) == 1:
            return cells[0]
        x = cells[0].new_empty((*cells[0].shape[:-1], self.n_columns))
        for block, values in zip(self, cells, strict=True):
            x[..., block.position] = values
        return x
