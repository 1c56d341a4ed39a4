"""Cells → vectors: one for each level of a category or histogram, one for each gap."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint, columns_of

LENGTH_SCALE = 0.3  # of the correlation between levels, as a share of all levels
OWN_SHARE = 0.05  # of a level's variance that its neighbours do not share
SMOOTH_FROM, SMOOTH_UP_TO = 4, 256  # levels; more have no strength to share, and a large matrix


class Smoothing(nn.Module):
    r"""Neighbouring levels of an ordered column share strength.

    Weights w with independent entries become S w with the covariance

    .. math:: S S' = C, \qquad C_{ab} = (1 - v) \exp(-|u_a - u_b| / \ell) + v \, 1[a = b],

    where u is the rank of a level, from 0 to 1. What is learned of one level then moves its neighbours too.

    Parameters
    ----------
    n_levels : list of int
        Levels of each column; all columns lie side by side, T in all.
    is_ordered : list of bool
        Which columns are smoothed; those of fewer than 4 or more than 256 levels are not.
    """

    def __init__(self, n_levels: list[int], is_ordered: list[bool]) -> None:
        super().__init__()
        first = list(itertools.accumulate(n_levels, initial=0))
        smooth = [d for d, n in enumerate(n_levels) if is_ordered[d] and SMOOTH_FROM <= n <= SMOOTH_UP_TO]
        widest = max([n_levels[d] for d in smooth], default=0)
        roots = torch.zeros(len(smooth), widest, widest)
        index = torch.full((len(smooth), widest), sum(n_levels))  # a level beyond all others pads
        for row, d in enumerate(smooth):
            n = n_levels[d]
            rank = (torch.arange(n, dtype=torch.float64) + 0.5) / n
            covariance = (1 - OWN_SHARE) * torch.exp(-(rank[:, None] - rank).abs() / LENGTH_SCALE)
            values, axes = torch.linalg.eigh(covariance + OWN_SHARE * torch.eye(n))
            roots[row, :n, :n] = (axes * values.sqrt()) @ axes.T
            index[row, :n] = torch.arange(first[d], first[d] + n)
        self.register_buffer("roots", roots)
        self.register_buffer("index", index.flatten())

    def forward(self, weights: Tensor) -> Tensor:
        """Smooth along the levels. Shape: (S, T, R) -> (S, T, R)."""
        return self._along(weights, self.get_buffer("roots"))

    def undone(self, smoothed: Tensor) -> Tensor:
        """The weights that become these when they are smoothed. Shape: (S, T, R) -> (S, T, R)."""
        roots = self.get_buffer("roots").double()
        return self._along(smoothed.double(), torch.linalg.pinv(roots, hermitian=True)).to(smoothed.dtype)

    @torch.no_grad()
    def begin_at(self, weights: Tensor, model: int, first: Tensor) -> None:
        """Let the first numbers of all levels be these when smoothed, in one model, in place. (S, T, R), (T, r)."""
        begun = self(weights)[model].clone()
        begun[:, : first.shape[1]] = first.to(begun)
        weights[model] = self.undone(begun.unsqueeze(0))[0]

    def _along(self, weights: Tensor, matrices: Tensor) -> Tensor:
        """Products with the matrix of each smoothed column, padded to one width. Shape: (S, T, R), (C, n, n), kept."""
        index = self.get_buffer("index")
        if not len(matrices):
            return weights
        padded = nn.functional.pad(weights, (0, 0, 0, 1))
        n_models, _, width = padded.shape
        rows = padded[:, index].view(n_models, *matrices.shape[:2], width)
        products = torch.matmul(matrices, rows).view(n_models, -1, width)
        return padded.index_copy(1, index, products)[:, :-1]


class Levels(nn.Module):
    """One vector for each level of some columns of a row, and one for a gap, zero until training needs it.

    Parameters
    ----------
    index, n_levels, is_ordered : lists of C ints, ints and bools
        Positions of the columns, how many levels each has, and whether these are in order.
    width : int
        Length R of a vector.
    std : float
        Standard deviation of the initial weights.
    generator : torch.Generator
        Source of the initial weights.

    Shape: x (S, B, D) -> codes (S, B, C) of the C coded columns and a table of vectors (S, T + C, R).
    """

    def __init__(
        self,
        index: list[int],
        n_levels: list[int],
        is_ordered: list[bool],
        width: int,
        std: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.index = index
        self.register_buffer("position", torch.tensor(self.index, dtype=torch.long))
        self.register_buffer("first", torch.tensor(n_levels).cumsum(0) - torch.tensor(n_levels))
        self.n_levels, self.width = sum(n_levels), width
        self.smoothing = Smoothing(n_levels, is_ordered)
        self.vectors = nn.Parameter(std * torch.randn(1, self.n_levels, width, generator=generator))
        self.gap_vectors = nn.Parameter(torch.zeros(1, len(n_levels), width))

    @classmethod
    def of(cls, joint: Joint, width: int, std: float, generator: torch.Generator) -> Levels:
        """Those of the coded columns, whose families have levels."""
        coded = joint.coded()
        n_levels: list[int] = []
        is_ordered: list[bool] = []
        for block in coded:
            n_levels += block.columns.n_levels.tolist()
            is_ordered += [block.family.levels == "ordered"] * len(block.index)
        return cls(columns_of(coded), n_levels, is_ordered, width, std, generator)

    def table(self) -> Tensor:
        """The vectors of all levels and, after them, of the gap of each column. Shape: (S, T + C, R)."""
        return torch.cat([self.smoothing(self.vectors), self.gap_vectors], dim=1)

    def codes(self, x: Tensor, column: int | None = None) -> Tensor:
        """Row of the table of each coded cell, or of those of one column. Shape: (S, B, D) -> (S, B, C or 1)."""
        chosen = slice(None)
        if column is not None:
            i = self.index.index(column)
            chosen = slice(i, i + 1)
        cells = x[..., self.get_buffer("position")[chosen]]
        gap = self.n_levels + torch.arange(len(self.index), device=x.device)[chosen]
        return torch.where(cells.isnan(), gap, cells.nan_to_num(nan=0.0).long() + self.get_buffer("first")[chosen])


def look_up(table: Tensor, codes: Tensor) -> Tensor:
    """A vector for each code. Shape: (S, T, R), (S, B, C) -> (S, B, C, R)."""
    return nn.functional.embedding(_by_model(table, codes), table.flatten(0, 1))


def look_up_sum(table: Tensor, codes: Tensor) -> Tensor:
    """The sum of the vectors of a row's codes. Shape: (S, T, R), (S, B, C) -> (S, B, R)."""
    if torch.onnx.is_in_onnx_export():  # which makes a loop of a bag
        return look_up(table, codes).sum(dim=2)
    rows = _by_model(table, codes)
    bags = nn.functional.embedding_bag(rows.flatten(0, 1), table.flatten(0, 1), mode="sum")
    return bags.view(*codes.shape[:2], table.shape[-1])


def _by_model(table: Tensor, codes: Tensor) -> Tensor:
    """Codes of a table in which the models of the stack lie one after another."""
    return codes + torch.arange(len(table), device=codes.device).view(-1, 1, 1) * table.shape[1]


def embedding_std(joint: Joint) -> float:
    """Size of initial vectors whose sum over the coded columns has unit variance."""
    return 1 / math.sqrt(max(len(columns_of(joint.coded())), 1))
