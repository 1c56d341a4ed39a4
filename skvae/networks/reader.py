"""Any visible cells → the parameters of p(x_d | x_V) of all others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, silu

from skvae.likelihoods import Columns, Joint, Parameters, columns_of
from skvae.networks.columns import ByColumn, fill_column, heads_by_column, log_prob_of_column
from skvae.networks.encoder import side_by_side
from skvae.networks.levels import Levels, embedding_std, look_up_sum
from skvae.networks.mlp import Linear

N_STEPS = 16  # of a number: it reaches as many of them as levels lie below it
OUTPUT_STD = 0.01  # of the initial weights
HIDDEN_POWER = 2.0  # the share of hidden cells is a uniform number to this power


class Residual(nn.Module):
    """A layer that adds to what it is given: x + silu(norm(x) W) V.

    Shape: (S, B, width), kept.
    """

    def __init__(self, width: int, n_hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.inner, self.outer = Linear(width, n_hidden, generator), Linear(n_hidden, width, generator)
        nn.init.zeros_(self.outer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Add to x."""
        added: Tensor = self.outer(silu(self.inner(layer_norm(x, x.shape[-1:]))))
        return x + added


class Reader(ByColumn):
    r"""The distribution of every cell of a row given any set V of visible ones, by one network for all sets.

    .. math:: \eta_d = a_d + W_d \, h\Big(\sum_{i \in V} E_i(x_i)\Big)

    Each visible cell adds a vector to the input: that of its level, or a piecewise linear function of its rank.
    Training hides a random set of cells of each row and asks for them: a few mostly, now and then nearly all.

    Parameters
    ----------
    joint : Joint
        The blocks of columns.
    sizes : sequence of int
        Widths of the residual layers inside the network h.
    generator : torch.Generator
        Source of the initial weights.

    References
    ----------
    Uria, Murray and Larochelle (2014), A Deep and Tractable Density Estimator, for one network for all orders;
    Gorishniy, Rubachev and Babenko (2022), On Embeddings for Numerical Features in Tabular Deep Learning, section 3.2,
    for piecewise linear functions.

    Shape: (S, B, D) with NaN where a cell is not visible.
    """

    is_cell: Tensor  # whether each column is one of cells, and not of indicators of gaps

    def __init__(self, joint: Joint, sizes: Sequence[int], generator: torch.Generator) -> None:
        super().__init__(joint)
        self.joint = joint
        self.n_components = 2 + joint.n_columns  # random numbers of a row in training
        self.indicated, self.indicators = list(joint.indicators), list(joint.indicators.values())
        is_cell = torch.ones(joint.n_columns, dtype=torch.bool)
        is_cell[self.indicators] = False
        self.register_buffer("is_cell", is_cell)
        self.numbers = joint.numbers()
        self.n_features = len(columns_of(self.numbers)) * (1 + N_STEPS) + joint.n_columns
        width = max(sizes, default=64)
        self.input = Linear(self.n_features, width, generator)
        self.levels = self._make_levels(width, generator)
        self.layers = nn.Sequential(*(Residual(width, size, generator) for size in sizes))
        self.output = Linear(width, self.n_outputs, generator)
        self.output.weight.data.normal_(std=OUTPUT_STD, generator=generator)
        self.heads_of = heads_by_column(self, joint)

    def _make_levels(self, width: int, generator: torch.Generator) -> Levels | None:
        """Vectors for the levels of categories, and of numbers most of which are values that many rows hold."""
        index, n_levels = columns_of(self.joint.coded()), list[int]()
        for block in self.joint.coded():
            n_levels += block.columns.n_levels.tolist()
        n_coded = sum(n_levels)
        for block in self.numbers:
            for i, column in enumerate(block.index):
                if share_of_atoms(block.columns.take(i)) > 0.5:
                    index.append(column)
                    n_levels.append(int(block.columns.n_levels[i]))
        if not index:
            return None
        levels = Levels(index, n_levels, [False] * len(index), width, embedding_std(self.joint), generator)
        levels.vectors.data[:, n_coded:] = 0.0  # numbers have steps already
        return levels

    def forward(self, x: Tensor) -> Parameters:
        """The heads of each block, by name."""
        return self.assemble(self.outputs(x))

    def outputs(self, x: Tensor) -> Tensor:
        """All parameters of all cells side by side. Shape: (S, B, D) -> (S, B, n_outputs)."""
        return self.bias + self.smoothed(self.output(self.hidden(x)).to(x.dtype))

    def hidden(self, x: Tensor) -> Tensor:
        """What the visible cells say to all columns. Shape: (S, B, D) -> (S, B, width)."""
        hidden = self.input(self.features(x))
        if self.levels is not None:
            hidden = hidden + look_up_sum(self.levels.table(), self.levels.codes(x))
        return silu(layer_norm(self.layers(hidden), hidden.shape[-1:]))

    def features(self, x: Tensor) -> Tensor:
        """What the network sees of the numbers, and which cells are visible. Shape: (S, B, D) -> (S, B, n_features)."""
        parts = [(~x.isnan()).to(x.dtype)]
        if self.numbers:
            scores = side_by_side([block.features(x) for block in self.numbers])
            ranks = side_by_side([block.rank(x) for block in self.numbers])
            steps = torch.arange(N_STEPS, dtype=x.dtype, device=x.device)
            reached = (N_STEPS * ranks.unsqueeze(-1) - steps).clamp(0, 1)
            parts += [scores.nan_to_num(nan=0.0), reached.nan_to_num(nan=0.0).flatten(-2)]
        return torch.cat(parts, dim=-1)

    def objective(self, x: Tensor, noise: Tensor) -> Tensor:
        """Log-probability of the hidden cells of each row, times columns over hidden columns, and so of its indicators.

        A set of columns is hidden, whichever of their cells are gaps, and in half of the rows their indicators with
        them: neither that a cell is not visible nor the weight of a row says whether it is a gap.

        Shape: x (S, B, D), noise (S or 1, B, 2 + D) -> (S, B).
        """
        is_hidden = hidden_columns(self.is_cell, noise[..., :1], noise[..., 2:])
        is_unsaid = torch.zeros_like(is_hidden)
        is_unsaid[..., self.indicators] = is_hidden[..., self.indicated] & (noise[..., 1:2] > 0)
        asked = is_hidden | is_unsaid
        weights = weights_of_asked(is_hidden, self.is_cell) + weights_of_asked(is_unsaid, ~self.is_cell)
        parameters = self(x.masked_fill(asked, torch.nan))
        return self.joint.log_prob(x.masked_fill(~asked, torch.nan), parameters, weights)

    def assume_complete(self, *, cells: bool, seen: bool) -> None:
        """Cells are always hidden in training."""

    def complete(self, x: Tensor, generator: torch.Generator, *, gaps: bool) -> Tensor:
        """Draw the missing cells of rows of a stack of one, each given all that are visible by then. Shape: (1, B, D).

        Parameters
        ----------
        gaps : bool
            Whether it is drawn, too, which of them are gaps; else all are filled.
        """
        return self.propose(x, self.joint.n_columns, generator, gaps=gaps)[0]

    def propose(self, x: Tensor, n: int, generator: torch.Generator, *, gaps: bool) -> tuple[Tensor, Tensor]:
        """Rows whose first n columns are completed, and the log-probability of what was drawn, nats.

        Shape: (1, B, D) -> (1, B, D), (1, B).
        """
        x = x.clone()
        log_q = x.new_zeros(x.shape[:-1])
        for j in range(n):
            if j in self.indicators and not gaps:
                continue
            rows = x[0, :, j].isnan().nonzero().squeeze(-1)
            if len(rows):
                some, block = x[:, rows], self.joint.alone(j, x)
                heads = self.heads_of_column(j, some)
                fill_column(self.joint, j, block, some, heads, generator)
                x[:, rows, j] = some[..., j]
                log_q[:, rows] += log_prob_of_column(j, block, some, heads)
            if not gaps and j in self.joint.indicators:  # from now on it is a cell like those that are observed
                x[..., self.joint.indicators[j]] = 0.0
        return x, log_q

    def expect(self, x: Tensor, n: int) -> Tensor:
        """So many rows for each, the means of whose cells are those of its gaps, each given its visible cells alone.

        Shape: (1, B, D) -> (n, B, D).
        """
        rows, outputs = x.repeat(n, 1, 1), self.outputs(x)
        rows[..., self.indicators] = 0.0
        for j in range(self.joint.n_columns):
            is_gap = x[0, :, j].isnan()
            if is_gap.any() and j not in self.indicators:
                block = self.joint.alone(j, x)
                heads = self._heads_among(outputs[:, is_gap], j)
                cells = block.family.equally_likely(n, **block.with_constants(heads))
                rows[:, is_gap, j] = cells[:, 0, :, 0].to(x.dtype)
        return rows

    def log_shares(self, x: Tensor, j: int) -> Tensor:
        """Log-probability of each level of column j given the visible cells. Shape: (1, B, D) -> (1, B, n_levels)."""
        block = self.joint.alone(j, x)
        heads, n_levels = self.heads_of_column(j, x), int(block.columns.n_levels)
        return block.family.log_shares(x[..., j : j + 1], n_levels, **block.with_constants(heads))

    def heads_of_column(self, j: int, x: Tensor) -> dict[str, Tensor]:
        """The heads of column j alone. Shape: (S, B, D)."""
        hidden, weights = self.hidden(x), self.smoothing(self.output.weight.mT)
        bias = self.bias + self.smoothed(self.output.bias)
        return self.heads_at(j, lambda part: torch.baddbmm(bias[..., part], hidden, weights[:, part].mT))

    def _heads_among(self, outputs: Tensor, j: int) -> dict[str, Tensor]:
        """The heads of column j among all outputs."""
        return self.heads_at(j, lambda part: outputs[..., part])


def hidden_columns(is_cell: Tensor, share: Tensor, order: Tensor) -> Tensor:
    """Which columns of each row are hidden: one at least of those that are cells, a few mostly, now and then all.

    Shape: (D,), standard normal share (S or 1, B, 1) and order (S or 1, B, D) -> (S or 1, B, D).
    """
    n_hidden = (torch.special.ndtr(share) ** HIDDEN_POWER * is_cell.sum()).floor().long() + 1
    order = order.masked_fill(~is_cell, torch.inf)
    last = order.sort(dim=-1).values.gather(-1, n_hidden.clamp(max=order.shape[-1]) - 1)
    hidden: Tensor = is_cell & (order <= last)
    return hidden


def weights_of_asked(asked: Tensor, among: Tensor) -> Tensor:
    """How much each asked column counts: of each row they sum to the number of all among which is asked.

    Shape: asked (..., D), among (D,) -> (..., D).
    """
    return asked * (among.sum() / asked.sum(dim=-1, keepdim=True).clamp(min=1))


def share_of_atoms(columns: Columns) -> float:
    """Share of the training rows that hold values which are levels of their own."""
    is_atom = columns.edges[:, 0] == columns.edges[:, 1]
    return float(columns.shares[is_atom].sum())
