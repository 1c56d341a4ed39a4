"""Earlier columns → the parameters of p(x_d | x_<d), without latent variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from skvae.likelihoods import Block, Joint, Parameters, Ruler
from skvae.networks.autoregressive import Tune
from skvae.networks.columns import (
    DIRECT_STD,
    RANK,
    ByColumn,
    Context,
    OutputsByColumn,
    fill_column,
    heads_by_column,
    log_prob_of_column,
    outputs_among,
    sum_of_earlier,
)
from skvae.networks.encoder import Trunk
from skvae.networks.relative import RelativeLogits
from skvae.networks.rulers import comparable


class Prefixes(NamedTuple):
    """What is known of rows before their next column, once for all rows whose levels so far are the same.

    Attributes
    ----------
    context : Tensor of shape (1, P, 2 R)
        Sum over the columns so far.
    of_row : Tensor of shape (B,) or None
        Which of the prefixes is that of each row; None where every row has its own.
    """

    context: Tensor
    of_row: Tensor | None

    def by_row(self, values: Tensor) -> Tensor:
        """The values of each row's prefix. Shape: (1, P, ...) -> (1, B, ...)."""
        return values if self.of_row is None else values.index_select(1, self.of_row)


class Chain(ByColumn):
    r"""The distribution of a row, column by column in the order of the table: it is exact, and draws are direct.

    .. math:: p(x) = \prod_d p(x_d \mid x_{<d}), \qquad
              \eta_d = a_d + U_d \big[c_d + b_d\,;\; f(c'_d + b'_d)\big], \qquad
              c_d = \sum_{i<d} V_i(x_i), \quad c'_d = \sum_{i<d} V'_i(x_i)

    and what earlier values say of the levels of η_d by their distance: see ``RelativeLogits``.

    Each cell adds one vector to the context of later columns: that of its level or gap, or a multiple of its column's.
    What the context says is low-rank, direct, and deep through one network f that all columns share. Training
    evaluates all columns at once, sampling one after another.

    Parameters
    ----------
    joint : Joint
        The blocks of columns.
    trunk : callable (n_in, n_out) -> nn.Module
        Makes the network f.
    generator : torch.Generator
        Source of the initial weights.
    rulers : sequence of Rulers, optional
        The levels of numbers, by which columns are compared.

    References
    ----------
    Uria, Côté, Gregor, Murray and Larochelle (2016), Neural Autoregressive Distribution Estimation.
    """

    n_components: ClassVar[int] = 0  # of latent variables

    def __init__(self, joint: Joint, trunk: Trunk, generator: torch.Generator, rulers: Sequence[Ruler] = ()) -> None:
        super().__init__(joint)
        self.joint = joint
        self.context = Context(joint, generator)
        self.deep = trunk(RANK, RANK)
        self.b = nn.Parameter(torch.zeros(1, 1, joint.n_columns, RANK))
        self.b_deep = nn.Parameter(DIRECT_STD * torch.randn(1, 1, joint.n_columns, RANK, generator=generator))
        self.U = nn.Parameter(torch.zeros(1, self.n_outputs, 2 * RANK))
        self.heads_of = heads_by_column(self, joint)
        outputs_of = list(map(outputs_among, self.heads_of))
        self.by_column = OutputsByColumn(outputs_of)
        compared = comparable(rulers)
        first_output = {ruler.column: outputs_of[ruler.column][0] for ruler in compared}
        self.relative = RelativeLogits(compared, first_output, 2 * RANK, generator) if compared else None

    def forward(self, x: Tensor) -> Parameters:
        """The heads of each block, by name. Shape: (S, B, D)."""
        hidden = self.hidden(sum_of_earlier(self.context(x)), slice(None))
        outputs = self.bias + self.by_column(hidden, self.smoothing(self.U)).to(self.bias.dtype)
        if self.relative is not None:
            outputs = self.relative(x, hidden, outputs)
        return self.assemble(outputs)

    def log_prob(self, x: Tensor, n_known: int = 0) -> Tensor:
        """Log p over the observed cells, given the first few of them, nats. Shape: (S, B, D) -> (S, B)."""
        is_known = torch.arange(x.shape[-1], device=x.device) < n_known
        return self.joint.log_prob(x.masked_fill(is_known, torch.nan), self(x))

    def objective(self, x: Tensor, noise: Tensor) -> Tensor:
        """What training maximises for each row: its log-probability; there is no noise in it. Shape: (S, B)."""
        return self.joint.log_prob(x, self(x))

    def assume_complete(self, *, cells: bool, seen: bool) -> None:
        """Say whether no cell will be missing at all."""
        self.joint.is_complete = cells

    @torch.no_grad()
    def begin_at(self, model: int, vectors: Tensor, weights: Tensor) -> None:
        """Let the first numbers of the direct context be of these vectors of levels and weights, in one model.

        Shape: (T, r), (n_outputs, r).
        """
        rank = vectors.shape[1]
        assert self.context.levels is not None and rank <= RANK
        self.context.slopes[model, :, :rank] = 0.0
        self.context.levels.smoothing.begin_at(self.context.levels.vectors, model, vectors)
        self.smoothing.begin_at(self.U, model, weights)

    def hidden(self, context: Tensor, columns: slice) -> Tensor:
        """What the context says to these columns. Shape: (S, B, C, 2 R), kept."""
        direct, deep = context.chunk(2, dim=-1)
        direct, deep = direct + self.b[:, :, columns], deep + self.b_deep[:, :, columns]
        deep = self.deep(deep.flatten(1, 2)).view(deep.shape)
        return torch.cat([direct.to(deep.dtype), deep], dim=-1)

    def sample(self, n_rows: int, like: Tensor, generator: torch.Generator, *, gaps: bool) -> Tensor:
        """Draws of a stack of one, with gaps or without. Shape: (1, n_rows, D)."""
        return self.complete(like.new_full((1, n_rows, self.joint.n_columns), torch.nan), generator, gaps=gaps)

    def complete(self, x: Tensor, generator: torch.Generator, *, gaps: bool = True, tune: Tune | None = None) -> Tensor:
        """Draw the gaps of rows of a stack of one, each column after the earlier ones alone. Shape: (1, B, D), kept.

        Parameters
        ----------
        gaps : bool
            Whether rows may have gaps; else it is said that there are none.
        tune : callable, optional
            See ``AutoregressiveDecoder.complete``.
        """
        x = self._said(x, gaps=gaps)
        return self._visit(x, torch.zeros_like(x, dtype=torch.bool), self.joint.n_columns, generator, tune)[0]

    def propose(self, x: Tensor, n: int, generator: torch.Generator, *, gaps: bool) -> tuple[Tensor, Tensor]:
        """Rows whose first n columns are completed, and the log-probability of the cells that were known, nats.

        Each cell is given the earlier ones alone, so that of complete rows it is log p of these columns.

        Parameters
        ----------
        gaps : bool
            Whether rows may have gaps; else it is said that there are none, which adds no probability.

        Shape: (1, B, D) -> (1, B, D), (1, B).
        """
        is_asked = ~x.isnan()
        if not gaps:
            is_asked[..., list(self.joint.indicators.values())] = False
        return self._visit(self._said(x, gaps=gaps), is_asked, n, generator)

    def _said(self, x: Tensor, *, gaps: bool) -> Tensor:
        """A copy of rows that says, unless they may have gaps, that there are none. Shape: (1, B, D), kept."""
        x = x.clone()
        if not gaps:
            x[..., list(self.joint.indicators.values())] = 0.0
        return x

    def _visit(
        self, x: Tensor, is_asked: Tensor, n: int, generator: torch.Generator, tune: Tune | None = None
    ) -> tuple[Tensor, Tensor]:
        """Fill the first n columns in place, one by one, and the log-probability of the known cells that are asked for.

        Shape: (1, B, D) both -> (1, B, D), (1, B).
        """
        n_rows, log_prob = x.shape[1], x.new_zeros(x.shape[:2])
        prefixes = Prefixes(x.new_zeros(1, 1, 2 * RANK), x.new_zeros(n_rows, dtype=torch.long))
        table, weights = self.context.table(), self.smoothing(self.U)
        for j in range(n):
            block = self.joint.alone(j, x)
            asked = is_asked[..., j]
            if asked.any() or x[..., j].isnan().any():
                heads = self._heads_of_column(j, x, prefixes, weights)
                if tune is not None:
                    heads = tune(j, block, x, heads)
                if asked.any():
                    log_prob = log_prob + log_prob_of_column(j, block, x, heads).masked_fill(~asked, 0.0)
                fill_column(self.joint, j, block, x, heads, generator)
            prefixes = self._after(j, x, block, prefixes, table)
        return x, log_prob

    def _heads_of_column(self, j: int, x: Tensor, prefixes: Prefixes, weights: Tensor) -> dict[str, Tensor]:
        """The heads of column j after the columns so far. Shape: x (1, B, D), weights (1, T, 2 R)."""
        hidden = self.hidden(prefixes.context.unsqueeze(2), slice(j, j + 1))[:, :, 0]

        def outputs(part: slice) -> Tensor:
            return prefixes.by_row(self.bias[..., part] + torch.bmm(hidden, weights[:, part].mT))

        heads = self.heads_at(j, outputs)
        if self.relative is not None and self.relative.tells(j):
            heads["logits"] = self.relative.of_column(j, x, prefixes.by_row(hidden), heads["logits"])
        return heads

    def _after(self, j: int, x: Tensor, block: Block, prefixes: Prefixes, table: Tensor | None) -> Prefixes:
        """What is known once column j is there, too. Shape: x (1, B, D), table (1, T, 2 R)."""
        if prefixes.of_row is not None and table is not None and j not in self.context.number_index:
            assert self.context.levels is not None
            code, n_codes = self.context.levels.codes(x, j).flatten(), table.shape[1]
            distinct, of_row = torch.unique(prefixes.of_row * n_codes + code, return_inverse=True)
            if 2 * len(distinct) <= len(of_row):  # for more, the look-up costs what it spares
                before, added = prefixes.context[:, distinct // n_codes], table[:, distinct % n_codes]
                return Prefixes(before + added, of_row)
        return Prefixes(prefixes.by_row(prefixes.context) + self.context.cell(x, j, block, table), None)
