"""Levels and normal scores: where one lies among the other."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from skvae.likelihoods.base import Columns
from skvae.likelihoods.categorical import POSITION_MAX

BEYOND = 1e4  # stands for the infinite ends: ∞ times a gradient of 0 is not a number


def cuts(columns: Columns) -> Tensor:
    """Where each level lies among the normal scores of its column: its two ends, and the scores of its first and last.

    The score of a level is the mean of a normal variable within it. An atom has no other; a bin spreads from end to
    end, and the outermost bins as far beyond that mean as within. Shape: (T, 4).
    """
    n_levels = columns.n_levels.tolist()
    by_column = zip(torch.split(columns.shares, n_levels), torch.split(columns.edges, n_levels), strict=True)
    return torch.cat([_cuts_of_column(shares.double(), edges) for shares, edges in by_column]).clamp(-BEYOND, BEYOND)


def _cuts_of_column(shares: Tensor, edges: Tensor) -> Tensor:
    """The cuts of one column. Shape: (T,), (T, 2) -> (T, 4)."""
    ends, score = _ends(shares), normal_scores(shares)
    below, above = ends[:-1], ends[1:]
    low = torch.where(below.isfinite(), below, 2 * score - above.nan_to_num(posinf=1.0))
    high = torch.where(above.isfinite(), above, 2 * score - below.nan_to_num(neginf=-1.0))
    is_atom = edges[:, 0] == edges[:, 1]
    return torch.stack([below, above, torch.where(is_atom, score, low), torch.where(is_atom, score, high)], dim=1)


def normal_scores(shares: Tensor) -> Tensor:
    """Mean of a standard normal variable in each level, between the quantiles of its ends. Shape: (T,), kept."""
    density = torch.exp(-0.5 * _ends(shares).square()) / math.sqrt(2 * math.pi)
    return (density[:-1] - density[1:]) / shares


def _ends(shares: Tensor) -> Tensor:
    """The normal quantiles that levels lie between. Shape: (T,) -> (T + 1,)."""
    infinite = shares.new_tensor([torch.inf])
    return torch.cat([-infinite, torch.special.ndtri(shares.cumsum(0)[:-1]), infinite])


def log_between(below: Tensor, above: Tensor, loc: Tensor, log_scale: Tensor) -> Tensor:
    """Log-probability that a logistic variable lies between two ends. Shape: broadcast."""
    precision = torch.exp(-log_scale)
    # σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)): no cancellation, however narrow the step
    gap = torch.log(-torch.expm1(-(above - below) * precision))
    return logsigmoid((above - loc) * precision) + logsigmoid((loc - below) * precision) + gap


def between(below: Tensor, above: Tensor, loc: Tensor, precision: Tensor) -> Tensor:
    """Probability that a logistic variable lies between two ends, as ``log_between``. Shape: broadcast."""
    share = torch.sigmoid((above - loc) * precision) * torch.sigmoid((loc - below) * precision)
    return share * -torch.expm1(-(above - below) * precision)


def code_of(values: Tensor, edges: Tensor, first_level: Tensor, column: Tensor) -> Tensor:
    """The level that each value lies in, or the nearer of two that it lies between, and its position there.

    Shape: values (..., D), edges (T, 2), first_level (D,), column (T,) -> (..., D).
    """
    is_below = (edges[:, 0] <= values[..., column]).to(values.dtype)
    level = torch.zeros_like(values).scatter_add(-1, column.expand(is_below.shape), is_below) - 1
    level = level.clamp(min=0)
    last = torch.cat([first_level[1:], first_level.new_tensor([len(column)])]) - first_level - 1
    above = torch.minimum(level + 1, last.to(level.dtype))
    overshoot = values - edges[level.long() + first_level, 1]
    level = torch.where(edges[above.long() + first_level, 0] - values < overshoot, above, level)
    begin, end = edges[level.long() + first_level].unbind(dim=-1)
    position = torch.where(end > begin, (values - begin) / (end - begin), 0.5)
    return level + POSITION_MAX * position.clamp(0, 1)
