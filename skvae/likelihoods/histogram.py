"""Numbers of any shape, as a histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns
from skvae.likelihoods.categorical import (
    MAX_LEVELS,
    Softmax,
    check_number_of_levels,
    logsumexp_by_column,
)
from skvae.likelihoods.score_mixture import ScoreMixture
from skvae.likelihoods.scores import code_of

MAX_BINS = MAX_LEVELS // 3  # each of as many atoms is a level, and begins another bin


@dataclass(frozen=True)
class Histogram(Softmax):
    """Numbers: x_d | z falls into a level with probability softmax(logits_d(z)), and anywhere in it alike.

    A level is a quantile bin, or a single value that many rows hold. The table encodes a number as the code of its
    level plus its position in it, from 0 to 1, so that the density in the units of the data is the probability over
    the width of the bin. Several peaks, hard limits and repeated values cost nothing; a value outside the observed
    range is never produced, and scored as the end it lies beyond.

    Parameters
    ----------
    n_bins : int, default=100
        Quantile bins of a column, at most; few rows have fewer. No more than 10,922.

    References
    ----------
    van den Oord, Kalchbrenner and Kavukcuoglu (2016), Pixel Recurrent Neural Networks, section 3.1, for numbers as
    levels.
    """

    n_bins: int = 100

    name: ClassVar[str] = "histogram"
    support: ClassVar[str] = "numbers"
    levels: ClassVar[Literal["none", "nominal", "ordered"]] = "ordered"
    cells = "bins"

    def __post_init__(self) -> None:
        check_number_of_levels(self, "n_bins", self.n_bins, MAX_BINS)

    @property
    def given_others(self) -> ScoreMixture:
        """A few places of each number, for answers that are sharp."""
        return ScoreMixture()

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        centers = columns.centers if len(columns.centers) else columns.edges.mean(dim=1)
        return super().constants(columns) | {"edges": columns.edges, "centers": centers}

    def log_prob(  # type: ignore[override]
        self, x: Tensor, *, edges: Tensor, centers: Tensor, **parameters: Tensor
    ) -> Tensor:
        """Log probability of each cell's level; the table divides by its width. Shape: (S, B, D)."""
        return super().log_prob(x, **parameters)

    def mean(  # type: ignore[override]
        self, *, logits: Tensor, first_level: Tensor, column: Tensor, edges: Tensor, centers: Tensor
    ) -> Tensor:
        """E[x | z], as the level that it lies in and its position there. Shape: (S, B, D)."""
        normalizer = logsumexp_by_column(logits, column, len(first_level))
        shares = torch.exp(logits - normalizer[..., column]) * centers
        mean = torch.zeros_like(normalizer).scatter_add(-1, column.expand(logits.shape), shares)
        return code_of(mean, edges, first_level, column)

    def sample(  # type: ignore[override]
        self, generator: torch.Generator, *, edges: Tensor, centers: Tensor, **parameters: Tensor
    ) -> Tensor:
        """A draw of a level and of a position in it. Shape: (S, B, D)."""
        return super().sample(generator, **parameters)
