"""z and earlier columns → the parameters of p(x_d | x_<d, z)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from skvae.likelihoods import Block, Joint, Parameters, columns_of
from skvae.networks.decoder import Decoder, Weigh
from skvae.networks.encoder import Trunk
from skvae.networks.levels import Levels, look_up

Tune = Callable[[int, Block, Tensor, dict[str, Tensor]], dict[str, Tensor]]

RANK = 64  # of the dependence on earlier columns, in each of its two parts
DIRECT_STD, DEEP_STD, GATE_STD = 0.1, 0.3, 0.05  # of the initial weights


class State(NamedTuple):
    """What is known of the rows before the next column is drawn.

    Attributes
    ----------
    z : Tensor of shape (S, B, K)
        Latent coordinates.
    context : Tensor of shape (S, B, 2 R)
        Sum over the columns so far.
    origin : Tensor of shape (B,)
        Which of the first rows each row comes from.
    """

    z: Tensor
    context: Tensor
    origin: Tensor

    def take(self, rows: Tensor) -> State:
        """These rows. Shape: (n,)."""
        return State(self.z[:, rows], self.context[:, rows], self.origin[rows])


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


class AutoregressiveDecoder(Decoder):
    r"""The generative model in which columns see earlier columns, in the order of the row.

    .. math:: p(x \mid z) = \prod_d p(x_d \mid x_{<d}, z), \qquad
              \eta_d = o_d(z) + U_d \big[(c_d + b_d) \odot (1 + G_d z)\,;\; f(c'_d + b'_d + A z)\big], \qquad
              c_d = \sum_{i<d} V_i(x_i), \quad c'_d = \sum_{i<d} V'_i(x_i)

    Each cell adds one vector to the context of later columns: that of its level or gap, or a multiple of its column's.
    What the context says is low-rank, direct where z chooses which dependences act, and deep through one network f
    that all columns share. Training evaluates all columns at once, sampling one after another.

    Parameters
    ----------
    joint, n_components, trunk, linear, generator
        See ``Decoder``.
    context_trunk : callable (n_in, n_out) -> nn.Module
        Makes the network f.

    References
    ----------
    Uria, Côté, Gregor, Murray and Larochelle (2016), Neural Autoregressive Distribution Estimation; Chen et al.
    (2017), Variational Lossy Autoencoder, for the division of labour between z and the columns. DIFFERS from both in
    the direct path, which z gates.
    """

    sees_columns: ClassVar[bool] = True

    def __init__(
        self,
        joint: Joint,
        n_components: int,
        trunk: Trunk,
        context_trunk: Trunk,
        *,
        linear: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__(joint, n_components, trunk, linear=linear, generator=generator)
        n_columns = joint.n_columns

        def normal(*size: int, std: float) -> nn.Parameter:
            return nn.Parameter(std * torch.randn(1, *size, generator=generator))

        self.context = Context(joint, generator)
        self.deep = context_trunk(RANK, RANK)
        self.b = nn.Parameter(torch.zeros(1, 1, n_columns, RANK))
        self.b_deep = normal(1, n_columns, RANK, std=DIRECT_STD)
        self.G = normal(n_components, n_columns * RANK, std=GATE_STD)
        self.A = normal(n_components, RANK, std=1 / math.sqrt(n_components))
        self.U = nn.Parameter(torch.zeros(1, self.bias.shape[-1], 2 * RANK))
        self.heads_of = self._divide(joint)
        self.by_column = OutputsByColumn(self._owners(), n_columns)

    def forward(self, z: Tensor, x: Tensor | None = None) -> Parameters:
        """The heads of each block, by name. Shape: (S, B, K), (S, B, D)."""
        assert x is not None, "columns see earlier columns"
        cells = self.context(x)
        before = cells.cumsum(dim=2) - cells
        hidden = self.hidden(before, z, slice(None))
        return self.assemble(self.outputs(z) + self.by_column(hidden, self.smoothing(self.U)).to(z.dtype))

    def hidden(self, context: Tensor, z: Tensor, columns: slice) -> Tensor:
        """What the context says to these columns. Shape: (S, B, C, 2 R), (S, B, K) -> (S, B, C, 2 R)."""
        direct, deep = context.chunk(2, dim=-1)
        G = self.G.view(*self.G.shape[:2], -1, RANK)[:, :, columns].flatten(2)
        direct = (direct + self.b[:, :, columns]) * (1 + torch.bmm(z, G).view(direct.shape))
        deep = deep + self.b_deep[:, :, columns] + torch.bmm(z, self.A).unsqueeze(2)
        deep = self.deep(deep.flatten(1, 2)).view(deep.shape)
        return torch.cat([direct.to(deep.dtype), deep], dim=-1)

    def complete(
        self,
        joint: Joint,
        z: Tensor,
        x: Tensor,
        generator: torch.Generator | None,
        weigh: Weigh | None = None,
        tune: Tune | None = None,
    ) -> Tensor:
        """Fill the gaps of rows, column by column (see ``Decoder.complete``).

        Parameters
        ----------
        tune : callable, optional
            Function of a column's position, its block alone, the rows so far and its heads, that says what its heads
            should be.
        """
        x, outputs = x.clone(), self.outputs(z)
        state = State(z, z.new_zeros(*z.shape[:2], 2 * RANK), torch.arange(z.shape[1], device=z.device))
        table, weights, blocks = self.context.table(), self.smoothing(self.U), list(joint)
        for j, (b, i) in enumerate(_column_order(joint)):
            block = blocks[b].alone(i).to(x)
            heads = self._heads_of_column(j, state, outputs, weights)
            if tune is not None:
                heads = tune(j, block, x, heads)
            parameters = block.with_constants(heads)
            cells = x[..., j : j + 1]
            is_gap = cells.isnan()
            if is_gap.any():
                cells = torch.where(is_gap, block.draw(generator, parameters).to(x.dtype), cells)
            if j in joint.indicators:
                cells = cells.masked_fill(x[..., joint.indicators[j], None] >= 1, torch.nan)
            x[..., j : j + 1] = cells
            state = state._replace(context=state.context + self.context.cell(x, j, table))
            if weigh is not None and not is_gap.all():
                log_prob = block.family.log_prob(cells.nan_to_num(nan=block.family.anywhere), **parameters)
                rows = weigh(log_prob.masked_fill(is_gap, 0.0)[0, :, 0])
                if rows is not None:
                    x, state = x[:, rows], state.take(rows)
        return x

    def _heads_of_column(self, j: int, state: State, outputs: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """The heads of column j after the columns so far. Shape: outputs (S, B, T), their weights (S, T, R)."""
        hidden = self.hidden(state.context.unsqueeze(2), state.z, slice(j, j + 1))[:, :, 0]
        heads = {}
        for head in self.heads_of[j]:
            if head.is_free:
                heads[head.name] = self.free.at(head.block, head.name)[..., head.part]
            else:
                by_context = torch.bmm(hidden, weights[:, head.part].mT)
                heads[head.name] = outputs[..., head.part][:, state.origin] + by_context
        return heads

    def shift_column(self, j: int, shift: Tensor) -> None:
        """Add to the biases of the only cell head of column j. Shape: (width,)."""
        (part,) = [head.part for head in self.heads_of[j] if not head.is_free]
        self.bias[..., part] += shift

    def _divide(self, joint: Joint) -> list[list[ColumnHead]]:
        """The heads of each column, in the order of the row."""
        heads_of: list[list[ColumnHead]] = [[] for _ in range(joint.n_columns)]
        for b, block in enumerate(joint):
            for name, head in block.heads.items():
                for j, part in zip(block.index, self._parts(b, block, name), strict=True):
                    heads_of[j].append(ColumnHead(b, name, head.per != "cell", part))
        return heads_of

    def _parts(self, b: int, block: Block, name: str) -> list[slice]:
        """Where each column of a block finds its own entries of a head."""
        per = block.heads[name].per
        if per == "block":
            return [slice(None)] * len(block.index)
        first = self.output_slice(b, name).start if per == "cell" else 0
        ends = itertools.accumulate(block.shares(name), initial=first)
        return [slice(begin, end) for begin, end in itertools.pairwise(ends)]

    def _owners(self) -> list[int]:
        """Column of each output."""
        owner = [-1] * self.bias.shape[-1]
        for j, heads in enumerate(self.heads_of):
            for head in heads:
                if not head.is_free:
                    owner[head.part] = [j] * (head.part.stop - head.part.start)
        return owner


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
            self.levels = Levels(joint, 2 * RANK, 1.0, generator)
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
        parts = []
        if self.numbers:
            features = torch.cat([block.features(x) for block in self.numbers], dim=-1)
            parts.append(multiples(features, self.slopes, self.gap_vectors))
        if self.levels is not None:
            parts.append(look_up(self.levels.table(), self.levels.codes(x)))
        return torch.cat(parts, dim=2)[:, :, self.get_buffer("order")]

    def cell(self, x: Tensor, column: int, table: Tensor | None) -> Tensor:
        """Vectors of one column. Shape: (S, B, D) -> (S, B, 2 R)."""
        if column not in self.number_index:
            assert self.levels is not None and table is not None
            return look_up(table, self.levels.codes(x, column))[:, :, 0]
        n = self.number_index.index(column)
        family = next(block.family for block in self.numbers if column in block.index)
        features = family.features(x[..., column : column + 1])
        return multiples(features, self.slopes[:, n : n + 1], self.gap_vectors[:, n : n + 1])[:, :, 0]


def multiples(features: Tensor, slopes: Tensor, gap_vectors: Tensor) -> Tensor:
    """A multiple of its column's vector for each number. Shape: (S, B, C), (S, C, R) twice -> (S, B, C, R)."""
    features = features.unsqueeze(-1)
    vectors = features.nan_to_num(nan=0.0) * slopes.unsqueeze(1)
    return torch.where(features.isnan(), gap_vectors.unsqueeze(1), vectors)


class OutputsByColumn(nn.Module):
    """Each output is the product of its own weights with the hidden vector of its column.

    Columns of a similar number of outputs are multiplied as one batch, so that a column with thousands of levels does
    not widen the others.

    Parameters
    ----------
    owner : list of int
        Column of each output.
    n_columns : int
        Number of columns D.

    Shape: hidden (S, B, D, R), weights (S, n_outputs, R) -> (S, B, n_outputs).
    """

    def __init__(self, owner: list[int], n_columns: int) -> None:
        super().__init__()
        outputs_of: list[list[int]] = [[] for _ in range(n_columns)]
        for t, column in enumerate(owner):
            outputs_of[column].append(t)
        by_size: dict[int, list[int]] = {}
        for j, outputs in enumerate(outputs_of):
            by_size.setdefault(len(outputs).bit_length(), []).append(j)
        self.n_groups, place = len(by_size), []
        for group, columns in enumerate(by_size.values()):
            widest = max(len(outputs_of[j]) for j in columns)
            padded = []
            for j in columns:
                padded.append(outputs_of[j] + [len(owner)] * (widest - len(outputs_of[j])))
                place += padded[-1]
            self.register_buffer(f"columns{group}", torch.tensor(columns))
            self.register_buffer(f"outputs{group}", torch.tensor(padded))
        where = {t: at for at, t in enumerate(place)}
        self.register_buffer("where", torch.tensor([where[t] for t in range(len(owner))]))

    def forward(self, hidden: Tensor, weights: Tensor) -> Tensor:
        """Evaluate all outputs."""
        padded = nn.functional.pad(weights, (0, 0, 0, 1))
        parts = []
        for group in range(self.n_groups):
            of_columns = hidden[:, :, self.get_buffer(f"columns{group}")].transpose(1, 2)  # (S, C, B, R)
            of_outputs = padded[:, self.get_buffer(f"outputs{group}")].mT  # (S, C, R, widest)
            parts.append(torch.matmul(of_columns, of_outputs).transpose(1, 2).flatten(2))
        return torch.cat(parts, dim=-1)[..., self.get_buffer("where")]


def _column_order(joint: Joint) -> list[tuple[int, int]]:
    """Block, and position in it, of each column in the order of the row."""
    places = [(0, 0)] * joint.n_columns
    for b, block in enumerate(joint):
        for i, j in enumerate(block.index):
            places[j] = (b, i)
    return places
