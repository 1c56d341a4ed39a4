"""How columns see one another: the vectors of cells, which outputs are those of which column, and cells one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from skvae.likelihoods import Block, Joint, columns_of
from skvae.networks.levels import Levels, look_up
from skvae.networks.outputs import Outputs

RANK = 64  # of the dependence on other columns, in each of its two parts
DIRECT_STD, DEEP_STD = 0.1, 0.3  # of the initial weights


class ColumnHead(NamedTuple):
    """Where a head of one column is.

    Attributes
    ----------
    block, name : int, str
        The head that it is a part of.
    is_free : bool
        Whether that is a free constant; otherwise it is among the outputs.
    part : slice
        Which entries, of the constant or of all outputs, are those of the column.
    """

    block: int
    name: str
    is_free: bool
    part: slice


def heads_by_column(outputs: Outputs, joint: Joint) -> list[list[ColumnHead]]:
    """The heads of each column, in the order of the row."""
    heads_of: list[list[ColumnHead]] = [[] for _ in range(joint.n_columns)]
    for b, block in enumerate(joint):
        for name, head in block.heads.items():
            for j, part in zip(block.index, _parts(outputs, b, block, name), strict=True):
                heads_of[j].append(ColumnHead(b, name, head.per != "cell", part))
    return heads_of


def _parts(outputs: Outputs, b: int, block: Block, name: str) -> list[slice]:
    """Where each column of a block finds its own entries of a head."""
    per = block.heads[name].per
    if per == "block":
        return [slice(None)] * len(block.index)
    first = outputs.output_slice(b, name).start if per == "cell" else 0
    ends = itertools.accumulate(block.shares(name), initial=first)
    return [slice(begin, end) for begin, end in itertools.pairwise(ends)]


def outputs_among(heads: list[ColumnHead]) -> list[int]:
    """Positions of the outputs among the heads of a column."""
    positions: list[int] = []
    for head in heads:
        if not head.is_free:
            positions += range(head.part.start, head.part.stop)
    return positions


class ByColumn(Outputs):
    """Outputs of which one column can be asked for alone.

    Attributes
    ----------
    heads_of : list of lists of ColumnHeads
        The heads of each column: see ``heads_by_column``.
    """

    heads_of: list[list[ColumnHead]]

    def heads_at(self, j: int, outputs: Callable[[slice], Tensor]) -> dict[str, Tensor]:
        """The heads of column j, given a function of where outputs are that evaluates these."""
        return {
            head.name: self.free.at(head.block, head.name)[..., head.part] if head.is_free else outputs(head.part)
            for head in self.heads_of[j]
        }

    @property
    def widths(self) -> list[int]:
        """How many outputs each column has."""
        return [len(outputs_among(heads)) for heads in self.heads_of]

    def shift_column(self, j: int, shift: Tensor) -> None:
        """Add to the biases of the only cell head of column j. Shape: (width,)."""
        self.bias[..., outputs_among(self.heads_of[j])] += shift


def fill_column(
    joint: Joint, j: int, block: Block, x: Tensor, heads: dict[str, Tensor], generator: torch.Generator | None
) -> None:
    """Draw the gaps of column j from its heads, in place; they stay gaps where its indicator says so."""
    cells = x[..., j : j + 1]
    is_gap = cells.isnan()
    if is_gap.any():
        cells = torch.where(is_gap, block.draw(generator, block.with_constants(heads)).to(x.dtype), cells)
    if j in joint.indicators:
        cells = cells.masked_fill(x[..., joint.indicators[j], None] >= 1, torch.nan)
    x[..., j : j + 1] = cells


def log_prob_of_column(j: int, block: Block, x: Tensor, heads: dict[str, Tensor]) -> Tensor:
    """Log-probability of column j under its heads, nats; a gap adds nothing. Shape: (S, B, D) -> (S, B)."""
    cells = x[..., j : j + 1]
    shown = cells.nan_to_num(nan=block.family.anywhere)
    log_prob = block.family.log_prob(shown, **block.with_constants(heads))
    return log_prob.masked_fill(cells.isnan(), 0.0).squeeze(-1)


class Context(nn.Module):
    """The vector that each cell adds to the context of later columns: its direct part, then its deep one.

    Parameters
    ----------
    joint : Joint
        The blocks of columns.
    generator : torch.Generator
        Source of the initial weights.

    Shape: (S, B, D) with NaN -> (S, B, D, 2 R).
    """

    def __init__(self, joint: Joint, generator: torch.Generator) -> None:
        super().__init__()
        self.numbers = joint.numbers()
        self.number_index = columns_of(self.numbers)
        std = torch.tensor([DIRECT_STD, DEEP_STD]).repeat_interleave(RANK)
        size = (1, len(self.number_index), 2 * RANK)
        self.slopes = nn.Parameter(std * torch.randn(size, generator=generator))
        self.gap_vectors = nn.Parameter(torch.zeros(size))
        self.levels, order = None, list(self.number_index)
        if len(self.number_index) < joint.n_columns:
            self.levels = Levels.of(joint, 2 * RANK, 1.0, generator)
            self.levels.vectors.data *= std
            order += self.levels.index
        self.register_buffer("order", torch.tensor(order).argsort())

    def table(self) -> Tensor | None:
        """The vectors of all levels, for ``cell``."""
        if self.levels is None:
            return None
        return self.levels.table()

    def forward(self, x: Tensor) -> Tensor:
        """Vectors of all cells."""
        if not self.numbers:  # it is the codes that are put in order: their vectors are many times as large
            assert self.levels is not None
            return look_up(self.levels.table(), self.levels.codes(x).index_select(2, self.get_buffer("order")))
        features = torch.cat([block.features(x) for block in self.numbers], dim=-1)
        parts = [multiples(features, self.slopes, self.gap_vectors)]
        if self.levels is not None:
            parts.append(look_up(self.levels.table(), self.levels.codes(x)))
        return torch.cat(parts, dim=2).index_select(2, self.get_buffer("order"))

    def cell(self, x: Tensor, column: int, block: Block, table: Tensor | None) -> Tensor:
        """Vectors of one column, which is ``block`` alone. Shape: (S, B, D) -> (S, B, 2 R)."""
        if column not in self.number_index:
            assert self.levels is not None and table is not None
            return look_up(table, self.levels.codes(x, column))[:, :, 0]
        n = self.number_index.index(column)
        features = block.features(x[..., column : column + 1])
        return multiples(features, self.slopes[:, n : n + 1], self.gap_vectors[:, n : n + 1])[:, :, 0]


def multiples(features: Tensor, slopes: Tensor, gap_vectors: Tensor) -> Tensor:
    """A multiple of its column's vector for each number. Shape: (S, B, C), (S, C, R) twice -> (S, B, C, R)."""
    features = features.unsqueeze(-1)
    vectors = features.nan_to_num(nan=0.0) * slopes.unsqueeze(1)
    return torch.where(features.isnan(), gap_vectors.unsqueeze(1), vectors)


def sum_of_earlier(cells: Tensor) -> Tensor:
    """The sum of the vectors of earlier columns, for each column. Shape: (S, B, D, R), kept."""
    if cells.device.type != "cpu":
        return cells.cumsum(dim=2) - cells
    sums: Tensor = _SumOfEarlier.apply(cells)  # type: ignore[no-untyped-call]
    return sums


class _SumOfEarlier(torch.autograd.Function):
    """The same, rounded alike, a column at a time: on a CPU the sum of torch takes one number after another."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor) -> Tensor:
        return _sums_on_the_way(cells, range(cells.shape[2]))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _sums_on_the_way(gradient, reversed(range(gradient.shape[2])))


def _sums_on_the_way(cells: Tensor, order: Iterable[int]) -> Tensor:
    """The sum of the vectors of the columns that come before each, in some order. Shape: (S, B, D, R), kept."""
    sums, total = torch.empty_like(cells), torch.zeros_like(cells[:, :, 0], dtype=torch.float64)
    for d in order:
        total += cells[:, :, d]
        sums[:, :, d] = total
    return sums.sub_(cells)


class OutputsByColumn(nn.Module):
    """Each output is the product of its own weights with the hidden vector of its column.

    Columns of a similar number of outputs are multiplied as one batch, so that a column with thousands of levels does
    not widen the others.

    Parameters
    ----------
    outputs_of : list of lists of int
        Positions of the outputs of each column.

    Shape: hidden (S, B, D, R), weights (S, n_outputs, R) -> (S, B, n_outputs).
    """

    def __init__(self, outputs_of: list[list[int]]) -> None:
        super().__init__()
        n_outputs = sum(map(len, outputs_of))
        by_size: dict[int, list[int]] = {}
        for j, outputs in enumerate(outputs_of):
            by_size.setdefault(len(outputs).bit_length(), []).append(j)
        self.n_groups, place = len(by_size), []
        for group, columns in enumerate(by_size.values()):
            widest = max(len(outputs_of[j]) for j in columns)
            padded = []
            for j in columns:
                padded.append(outputs_of[j] + [n_outputs] * (widest - len(outputs_of[j])))
                place += padded[-1]
            self.register_buffer(f"columns{group}", torch.tensor(columns))
            self.register_buffer(f"outputs{group}", torch.tensor(padded))
        where = {t: at for at, t in enumerate(place)}
        self.register_buffer("where", torch.tensor([where[t] for t in range(n_outputs)]))

    def forward(self, hidden: Tensor, weights: Tensor) -> Tensor:
        """Evaluate all outputs."""
        padded = nn.functional.pad(weights, (0, 0, 0, 1))
        parts = []
        for group in range(self.n_groups):
            columns, outputs = self.get_buffer(f"columns{group}"), self.get_buffer(f"outputs{group}")
            of_columns = hidden.index_select(2, columns).transpose(1, 2)  # (S, C, B, R)
            of_outputs = padded.index_select(1, outputs.flatten()).view(len(padded), *outputs.shape, -1).mT
            parts.append(torch.matmul(of_columns, of_outputs).transpose(1, 2).flatten(2))
        return torch.cat(parts, dim=-1).index_select(-1, self.get_buffer("where"))
