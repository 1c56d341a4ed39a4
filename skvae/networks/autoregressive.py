"""z and earlier columns → the parameters of p(x_d | x_<d, z)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from skvae.likelihoods import Block, Joint, Parameters
from skvae.networks.columns import (
    DIRECT_STD,
    RANK,
    ByColumn,
    Context,
    OutputsByColumn,
    fill_column,
    heads_by_column,
    outputs_among,
    sum_of_earlier,
)
from skvae.networks.decoder import Decoder, Weigh
from skvae.networks.encoder import Trunk

Tune = Callable[[int, Block, Tensor, dict[str, Tensor]], dict[str, Tensor]]

GATE_STD = 0.05  # of the initial weights


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


class AutoregressiveDecoder(ByColumn, Decoder):
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
        self.heads_of = heads_by_column(self, joint)
        self.by_column = OutputsByColumn(list(map(outputs_among, self.heads_of)))

    def forward(self, z: Tensor, x: Tensor | None = None) -> Parameters:
        """The heads of each block, by name. Shape: (S, B, K), (S, B, D)."""
        assert x is not None, "columns see earlier columns"
        hidden = self.hidden(sum_of_earlier(self.context(x)), z, slice(None))
        return self.assemble(self.outputs(z) + self.by_column(hidden, self.smoothing(self.U)).to(z.dtype))

    def weights_of_z(self) -> list[Tensor]:  # noqa: D102
        return [*super().weights_of_z(), self.G, self.A]

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
        table, weights = self.context.table(), self.smoothing(self.U)
        for j in range(joint.n_columns):
            block = joint.alone(j, x)
            heads = self._heads_of_column(j, state, outputs, weights)
            if tune is not None:
                heads = tune(j, block, x, heads)
            is_gap = x[..., j : j + 1].isnan()
            fill_column(joint, j, block, x, heads, generator)
            state = state._replace(context=state.context + self.context.cell(x, j, block, table))
            if weigh is not None and not is_gap.all():
                cells = x[..., j : j + 1].nan_to_num(nan=block.family.anywhere)
                log_prob = block.family.log_prob(cells, **block.with_constants(heads))
                rows = weigh(log_prob.masked_fill(is_gap, 0.0)[0, :, 0])
                if rows is not None:
                    x, state = x[:, rows], state.take(rows)
        return x

    def _heads_of_column(self, j: int, state: State, outputs: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """The heads of column j after the columns so far. Shape: outputs (S, B, T), their weights (S, T, R)."""
        hidden = self.hidden(state.context.unsqueeze(2), state.z, slice(j, j + 1))[:, :, 0]
        return self.heads_at(
            j, lambda part: outputs[..., part][:, state.origin] + torch.bmm(hidden, weights[:, part].mT)
        )
