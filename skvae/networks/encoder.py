"""Mixed columns with gaps → q(z | x)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from skvae.likelihoods import Block, Joint, columns_of
from skvae.networks.levels import Levels, embedding_std, look_up_sum
from skvae.networks.mlp import MLP
from skvae.networks.stack import Replicas
from skvae.objectives import DiagonalNormal

Trunk = Callable[[int, int], MLP | Replicas]  # (n_in, n_out) -> a module from (S, B, n_in) to (S, B, n_out)

LOG_VAR_MIN, LOG_VAR_MAX = -12.0, 6.0
EMBEDDING_WIDTH = 128  # at most; a table with fewer levels needs no more than one direction for each


class Encoder(nn.Module):
    r"""The recognition model, a linear Gaussian posterior plus a network's correction.

    .. math:: \lambda_k = 1 + \sum_{d \in obs} \Lambda_{dk}, \qquad
              \mu_k = \lambda_k^{-1} \Big(b_k + \sum_{d \in obs} x_d A_{dk}\Big) + f_k(x), \qquad
              \log \sigma_k^2 = -\log \lambda_k + g_k(x)

    Each observed cell adds evidence and precision to the prior's, as in the posterior of a linear Gaussian model;
    a missing cell adds neither, and a row of gaps has the posterior N(0, I) that the prior implies.

    Parameters
    ----------
    joint : Joint
        The blocks of columns.
    n_components : int
        Dimension K of z.
    trunk : callable (n_in, n_out) -> nn.Module
        Makes the network (f, g).
    gaps : sequence of bool
        Which columns may be missing: of those the network is told so.
    linear : bool
        Whether there is a linear path; it reads the columns of the linear families.
    generator : torch.Generator
        Source of the initial weights.

    Shape: (S, B, D) with NaN -> DiagonalNormal of shape (S, B, K).
    """

    def __init__(
        self,
        joint: Joint,
        n_components: int,
        trunk: Trunk,
        *,
        gaps: Sequence[bool],
        linear: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.is_complete = False  # training knows when no cell is missing; then nothing is masked
        self.n_components = n_components
        self.is_component: Tensor | None = None  # (S, 1, K), where the models of a stack differ in their number
        self.numbers = joint.numbers()
        number_index = columns_of(self.numbers)
        self.register_buffer("gaps", torch.tensor([j for j in number_index if gaps[j]], dtype=torch.long))
        self.register_buffer("center", torch.zeros(len(number_index)))

        n_features = len(number_index) + len(self.get_buffer("gaps"))
        n_levels = sum(int(block.columns.n_levels.sum()) for block in joint.coded())
        self.embedding = None
        if n_levels:
            width = min(EMBEDDING_WIDTH, n_levels)
            self.embedding = Levels.of(joint, width, embedding_std(joint), generator)
            self.level_inputs = slice(n_features, n_features + width)  # of the network, what the embedding says
            n_features += width
        self.network = trunk(n_features, 2 * n_components)
        self.n_features = n_features

        # no narrower than the smallest noise can make a posterior: a finer code of one column would only crowd z
        self.located = [(block, family) for _, block, family in joint.linear_blocks()]
        self.log_var_min = min([LOG_VAR_MIN, *(2 * family.floor - 2 for _, family in self.located)])
        self.linear = linear
        if linear:
            n_linear = len(columns_of(block for block, _ in self.located))
            bound = 1 / math.sqrt(n_linear)
            start = torch.empty(1, n_linear, n_components).uniform_(-bound, bound, generator=generator)
            self.evidence = nn.Parameter(start)  # A
            self.log_precision = nn.Parameter(torch.full((1, n_linear, n_components), -math.log(n_linear)))  # log Λ
            self.bias = nn.Parameter(torch.zeros(1, 1, n_components))
            self.n_features += n_linear

    def silence(self) -> None:
        """Leave the posterior to the linear path."""
        self.network.silence()

    @torch.no_grad()
    def rearrange(self, order: Tensor, signs: Tensor) -> None:
        """Say z'_k = s_k z_{o_k} where z was said, in place. Shape: (K,), (K,)."""
        assert isinstance(self.network, MLP), "a network of the user's has an order of its own"
        last = self.network.last
        places, factors = torch.cat([order, order + self.n_components]), torch.cat([signs, torch.ones_like(signs)])
        for p in (last.weight, last.bias):  # of means, then of log-variances
            p.copy_(p[..., places] * factors)
        if self.linear:
            for p in (self.evidence, self.bias):
                p.copy_(p[..., order] * signs)
            self.log_precision.copy_(self.log_precision[..., order])

    def numeric_features(self, x: Tensor) -> Tensor:
        """What the network sees of the numbers, before centring; NaN stays NaN. Shape: (..., D_numbers)."""
        return side_by_side([block.features(x) for block in self.numbers])

    def linear_cells(self, x: Tensor) -> Tensor:
        """What the linear path sees; NaN stays NaN. Shape: (..., D) -> (..., D_linear)."""
        cells = [family.evidence(x[..., block.position], **block.constants()) for block, family in self.located]
        return side_by_side(cells)

    def features(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """The network's input. Shape: (S, B, n_features)."""
        parts = []
        if self.numbers:
            centred = moved(self.numeric_features(x), noise, self.numbers) - self.get_buffer("center")
            if not self.is_complete:
                centred = centred.nan_to_num(nan=0.0)
            parts.append(centred)
            if len(self.get_buffer("gaps")):
                parts.append(x[..., self.get_buffer("gaps")].isnan().to(x.dtype))
        if self.embedding is not None:
            parts.append(look_up_sum(self.embedding.table(), self.embedding.codes(x)))
        return side_by_side(parts)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> DiagonalNormal:
        """The posterior of each row, with the same noise on a number wherever it is seen, and none on a gap.

        Shape: x (S, B, D), noise (S or 1, B, D).
        """
        cells = None
        if self.linear:
            cells = moved(self.linear_cells(x), noise, [block for block, _ in self.located])
        q = self._together(self.features(x, noise), cells)
        if self.is_complete:
            return q
        is_blank = x.isnan().all(dim=-1)
        without = is_blank.unsqueeze(-1)
        return DiagonalNormal(q.loc.masked_fill(without, 0.0), q.scale.masked_fill(without, 1.0), is_blank)

    def from_features(self, features: Tensor) -> DiagonalNormal:
        """The distribution of z for pseudo-inputs: what the network sees, and beside it what the linear path sees.

        Shape: (S, C, n_features), without gaps -> DiagonalNormal of shape (S, C, K).
        """
        if not self.linear:
            return self._together(features, None)
        n_linear = self.evidence.shape[1]
        features, cells = features.split_with_sizes([self.n_features - n_linear, n_linear], dim=-1)
        return self._together(features, cells)

    def _together(self, features: Tensor, cells: Tensor | None) -> DiagonalNormal:
        """Network and linear path together; NaN in cells marks a gap."""
        loc, log_var = self.network(features).to(features.dtype).chunk(2, dim=-1)
        if cells is not None:
            with torch.autocast(cells.device.type, enabled=False):
                if self.is_complete:  # then all rows have the same precision
                    precision = 1 + self.log_precision.exp().sum(dim=1, keepdim=True)
                else:
                    observed = (~cells.isnan()).to(cells.dtype)
                    precision = torch.baddbmm(torch.ones_like(self.bias), observed, self.log_precision.exp())
                    cells = cells.nan_to_num(nan=0.0)
                loc = loc + torch.baddbmm(self.bias, cells, self.evidence) / precision
                log_var = log_var - precision.log()
        scale = (0.5 * log_var.clamp(self.log_var_min, LOG_VAR_MAX)).exp()
        if self.is_component is not None:  # those that a model has not are at the prior, and never move
            is_absent = ~self.is_component
            loc, scale = loc.masked_fill(is_absent, 0.0), scale.masked_fill(is_absent, 1.0)
        return DiagonalNormal(loc, scale)


def moved(numbers: Tensor, noise: Tensor | None, blocks: list[Block]) -> Tensor:
    """Numbers of some blocks with the noise of their columns; NaN stays NaN. Shape: (S, B, D_blocks), kept."""
    if noise is None:
        return numbers
    return numbers + side_by_side([noise[..., block.position] for block in blocks])


def side_by_side(parts: list[Tensor]) -> Tensor:
    """The parts along the last axis; a single one is not copied."""
    if len(parts) == 1:
        return parts[0]
    return torch.cat(parts, dim=-1)
