"""Numbers of any shape, as what a mixture makes of their normal scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, Likelihood, uniform_like
from skvae.likelihoods.categorical import POSITION_MAX
from skvae.likelihoods.scores import code_of, cuts, log_between

LOG_SCALE_MIN, LOG_SCALE_MAX = -5.0, 3.0
RESOLUTION = 0.01  # of a normal score
RANK_MIN = 2e-5  # share of rows beyond the outermost score


@dataclass(frozen=True)
class ScoreMixture(Likelihood):
    r"""Numbers: the normal score of x_d is drawn from a mixture of logistic variables.

    .. math:: p(s) = \sum_m w_m \, F'\Big(\frac{s - \mu_m}{\sigma_m}\Big) / \sigma_m, \qquad
              s = \Phi^{-1}(\text{share of rows below } x)

    Cells are the levels of ``Histogram`` and positions in them. A few numbers for each cell say where it lies, also
    within the outermost levels, how sharply, and between which of several places the choice is. Draws have the range,
    the precision and the repeated values of the column.

    Parameters
    ----------
    n_modes : int, default=5
        Logistic variables of each cell.

    References
    ----------
    Salimans, Karpathy, Chen and Kingma (2017), PixelCNN++, section 2.1, for the discretized mixture of logistics.
    DIFFERS in what is mixed: normal scores, of which every column has the same distribution.
    """

    name: ClassVar[str] = "score_mixture"
    support: ClassVar[str] = "numbers"
    cells = "bins"
    n_modes: int = 5

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        width = len(columns.n_levels) * self.n_modes
        return {name: Head("cell", width) for name in ("weight", "loc", "log_scale")}

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        n_levels = columns.n_levels
        by_column = torch.split(columns.shares, n_levels.tolist())
        begin = [shares.cumsum(0) - shares for shares in by_column]
        return columns.places_of_levels() | {
            "cuts": cuts(columns)[:, :2],
            "ranks": torch.stack([torch.cat(begin), columns.shares], dim=1),  # (T, 2): where a level begins, its share
            "is_atom": columns.edges[:, 0] == columns.edges[:, 1],
            "levels_of_column": n_levels,  # (D,)
            "edges": columns.edges,
            "centers": columns.centers,
        }

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        places = torch.special.ndtri((torch.arange(self.n_modes) + 0.5) / self.n_modes).to(x).repeat(x.shape[1])
        variance = 1 - float(places.square().mean())  # of each mode, so that all together are as wide as a normal one
        scale = math.sqrt(3 * variance) / math.pi
        return {
            "weight": torch.zeros_like(places),
            "loc": places,
            "log_scale": torch.full_like(places, math.log(scale)),
        }

    def features(  # type: ignore[override]
        self, x: Tensor, *, ranks: Tensor, is_atom: Tensor, first_level: Tensor, **_: Tensor
    ) -> Tensor:
        """Normal scores of codes; NaN stays NaN. Shape: (..., D), kept."""
        level, position = level_and_position(x, is_atom, first_level)
        begin, share = ranks[level + first_level].to(x.dtype).unbind(dim=-1)
        score: Tensor = torch.special.ndtri((begin + share * position).clamp(RANK_MIN, 1 - RANK_MIN))
        return score

    def rank(  # type: ignore[override]
        self, x: Tensor, *, is_atom: Tensor, first_level: Tensor, levels_of_column: Tensor, **_: Tensor
    ) -> Tensor:
        """Where a cell lies among the levels of its column, from 0 to 1; NaN stays NaN. Shape: (..., D), kept."""
        level, position = level_and_position(x, is_atom, first_level)
        return (level + position) / levels_of_column

    def log_prob(  # type: ignore[override]
        self,
        x: Tensor,
        *,
        weight: Tensor,
        loc: Tensor,
        log_scale: Tensor,
        cuts: Tensor,
        ranks: Tensor,
        is_atom: Tensor,
        first_level: Tensor,
        **_: Tensor,
    ) -> Tensor:
        """Log probability of each cell's level and density of its position there. Shape: (S, B, D)."""
        place = x.long() + first_level
        score = self.features(x, ranks=ranks, is_atom=is_atom, first_level=first_level)
        is_single = is_atom[place]
        below, above = cuts[place].to(loc.dtype).unbind(dim=-1)
        below = torch.where(is_single, below, score - RESOLUTION)
        above = torch.where(is_single, above, score + RESOLUTION)
        log_mass = log_between(below[..., None], above[..., None], *self._located(loc, log_scale))
        modes = log_mass + self._log_weights(weight)
        usual = torch.special.ndtr(above) - torch.special.ndtr(below)  # of all rows
        within = torch.where(is_single, 0.0, ranks[place, 1].to(loc.dtype).log() - usual.log())
        return modes.logsumexp(dim=-1) + within

    def log_shares(self, like: Tensor, n_levels: int, **parameters: Tensor) -> Tensor:
        """Log-probability of each level of the only column. Shape: (S, B, n_levels)."""
        return self._log_shares(**parameters)

    def _log_shares(
        self, *, weight: Tensor, loc: Tensor, log_scale: Tensor, cuts: Tensor, column: Tensor, **_: Tensor
    ) -> Tensor:
        """Log-probability of each level of each column. Shape: (S, B, T)."""
        below, above = cuts.to(loc.dtype).unbind(dim=-1)
        locs, scales = self._located(loc, log_scale)
        of_level = log_between(below[:, None], above[:, None], locs[..., column, :], scales[..., column, :])
        weights = self._log_weights(weight)[..., column, :]
        return (of_level + weights).logsumexp(dim=-1)

    def mean(self, *, edges: Tensor, centers: Tensor, **parameters: Tensor) -> Tensor:  # type: ignore[override]
        """E[x | ·], as the level that it lies in and its position there. Shape: (S, B, D)."""
        first_level, column = parameters["first_level"], parameters["column"]
        shares = self._log_shares(**parameters).exp()
        mean = shares.new_zeros(*shares.shape[:-1], len(first_level))
        mean = mean.scatter_add(-1, column.expand(shares.shape), shares * centers.to(shares.dtype))
        return code_of(mean, edges.to(shares.dtype), first_level, column)

    def equally_likely(self, n: int, **parameters: Tensor) -> Tensor:
        """Quantiles of the mixture, mode by mode. Shape: (n, S, B, D)."""
        loc = parameters["loc"]
        like = loc.new_empty(*loc.shape[:-1], loc.shape[-1] // self.n_modes)
        return torch.stack([self.at(torch.full_like(like, (i + 0.5) / n), **parameters) for i in range(n)])

    def sample(self, generator: torch.Generator, **parameters: Tensor) -> Tensor:
        """A draw of a normal score, as the level that it falls into and its position there. Shape: (S, B, D)."""
        loc = parameters["loc"]
        like = loc.new_empty(*loc.shape[:-1], loc.shape[-1] // self.n_modes)
        return self.at(uniform_like(like, generator), **parameters)

    def at(
        self,
        u: Tensor,
        *,
        weight: Tensor,
        loc: Tensor,
        log_scale: Tensor,
        cuts: Tensor,
        ranks: Tensor,
        first_level: Tensor,
        column: Tensor,
        **_: Tensor,
    ) -> Tensor:
        """The cell that a uniform number leads to: first to a mode, then to a quantile of it. Shape: kept."""
        locs, scales = self._located(loc, log_scale)
        reached = self._log_weights(weight).exp().cumsum(dim=-1)
        mode = (reached < u[..., None] * reached[..., -1:]).sum(dim=-1, keepdim=True).clamp(max=self.n_modes - 1)
        end = reached.gather(-1, mode)
        begin = torch.where(mode > 0, reached.gather(-1, (mode - 1).clamp(min=0)), 0.0)
        eps = torch.finfo(u.dtype).eps
        rest = ((u[..., None] - begin) / (end - begin).clamp(min=eps)).clamp(eps, 1 - eps)
        score = (locs.gather(-1, mode) + scales.gather(-1, mode).exp() * rest.logit()).squeeze(-1)
        is_below = (cuts[:, 1].to(score.dtype) < score[..., column]).to(score.dtype)
        level = torch.zeros_like(score).scatter_add(-1, column.expand(is_below.shape), is_below)
        start, share = ranks[level.long() + first_level].to(score.dtype).unbind(dim=-1)
        position: Tensor = (torch.special.ndtr(score) - start) / share
        return level + POSITION_MAX * position.clamp(0, 1)

    def _located(self, loc: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
        """Place and log-scale of each mode. Shape: (S, B, D M) -> (S, B, D, M) both."""
        shape = (*loc.shape[:-1], -1, self.n_modes)
        return loc.view(shape), log_scale.clamp(LOG_SCALE_MIN, LOG_SCALE_MAX).view(shape)

    def _log_weights(self, weight: Tensor) -> Tensor:
        """Logarithm of the share of each mode. Shape: (S, B, D M) -> (S, B, D, M)."""
        return weight.view(*weight.shape[:-1], -1, self.n_modes).log_softmax(dim=-1)


def level_and_position(x: Tensor, is_atom: Tensor, first_level: Tensor) -> tuple[Tensor, Tensor]:
    """Level of each cell and its position there, .5 in an atom; a gap is level 0 at NaN. Shape: (..., D), kept."""
    level = x.nan_to_num(nan=0.0).long()
    position = torch.where(is_atom[level + first_level] & ~x.isnan(), 0.5, (x - level) / POSITION_MAX)
    return level, position
