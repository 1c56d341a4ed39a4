"""Categories."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar, Literal

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, Likelihood, uniform_like

POSITION_MAX = 0.999  # of a cell in its level: float32 must not round it into the next one
MAX_LEVELS = 2**15  # of a column: from here on, float32 rounds even POSITION_MAX up


@dataclass(frozen=True)
class Softmax(Likelihood):
    """Levels: the whole part of x_d | z is the code of a level, drawn from softmax(logits_d(z)).

    The levels of all columns lie side by side in one axis of length T = Σ_d n_levels_d, so that a column with
    thousands of levels costs no more than its own. Where a level stands for several values, the fractional part of
    x_d says which, and any is as likely as it is frequent.
    """

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        return {"logits": Head("cell", int(columns.n_levels.sum()), is_ordered=self.levels == "ordered")}

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        return columns.places_of_levels()

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        first_level = self.constants(columns)["first_level"].to(x.device)
        is_known = ~x.isnan()
        levels, times = (x.floor() + first_level)[is_known].long(), None
        if weights is not None:  # counted on the CPU: a GPU adds fractions in any order
            levels, times = levels.cpu(), (weights / weights.mean())[:, None].expand_as(x)[is_known].cpu()
        counts = torch.bincount(levels, times, minlength=int(columns.n_levels.sum())).to(x.device) + 0.5
        totals = torch.stack([c.sum() for c in torch.split(counts, columns.n_levels.tolist())])
        return {"logits": (counts / totals.repeat_interleave(columns.n_levels.to(x.device))).log().to(x.dtype)}

    def log_prob(  # type: ignore[override]
        self, x: Tensor, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """Log probability of each cell's level. Shape: x (S, B, D), logits (S, B, T) -> (S, B, D)."""
        chosen = logits.gather(-1, x.long() + first_level)
        return chosen - logsumexp_by_column(logits, column, len(first_level))

    def mean(  # type: ignore[override]
        self, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """The most probable level. Shape: (S, B, D)."""
        return most_probable_level(logits, first_level, column)

    def sample(  # type: ignore[override]
        self, generator: torch.Generator, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """A draw of a level, by the inverse distribution function, and of a position in it. Shape: (S, B, D)."""
        peak = max_by_column(logits, column, len(first_level))
        share = torch.exp(logits - (peak if len(first_level) == 1 else peak[..., column]))
        reached = share.cumsum(dim=-1, dtype=torch.float64)  # over all columns, one after another
        last = torch.cat([first_level[1:], first_level.new_tensor([len(column)])]) - 1
        start, end = reached[..., first_level] - share[..., first_level], reached[..., last]
        u = uniform_like(peak, generator)
        level = torch.searchsorted(reached, start + u * (end - start)).clamp(first_level, last) - first_level
        return level + POSITION_MAX * uniform_like(peak, generator)


@dataclass(frozen=True)
class Categorical(Softmax):
    """Categories: x_d | z ~ Categorical(softmax(logits_d(z))).

    Parameters
    ----------
    max_categories : int, default=1000
        Levels of a column, 32,768 at most; the rarest categories beyond share one, as in
        ``sklearn.preprocessing.OneHotEncoder``.
    """

    max_categories: int = 1000

    name: ClassVar[str] = "categorical"
    support: ClassVar[str] = "categories"
    levels: ClassVar[Literal["none", "nominal", "ordered"]] = "nominal"
    cells = "categories"

    def __post_init__(self) -> None:
        check_number_of_levels(self, "max_categories", self.max_categories, MAX_LEVELS)

    def probabilities(  # type: ignore[override]
        self, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """Probability of each level. Shape: (S, B, T)."""
        return torch.exp(logits - logsumexp_by_column(logits, column, len(first_level))[..., column])


def check_number_of_levels(family: Likelihood, name: str, value: int, most: int) -> None:
    """Refuse more levels than float32 can tell apart, and none."""
    if not isinstance(value, Integral) or not 1 <= value <= most:
        raise ValueError(
            f"{type(family).__name__} needs a whole number from 1 to {most} as {name}, got {value!r}. "
            f"Use {name}={min(most, 1000)}, say."
        )


def most_probable_level(logits: Tensor, first_level: Tensor, column: Tensor) -> Tensor:
    """Code of the level with the largest logit in each column. Shape: (..., T) -> (..., D)."""
    if len(first_level) == 1:
        return logits.argmax(dim=-1, keepdim=True).to(logits.dtype)
    is_best = logits == max_by_column(logits, column, len(first_level))[..., column]
    position = torch.arange(len(column), device=logits.device).expand(logits.shape)
    first_best = torch.full_like(position, len(column)).where(~is_best, position)
    best = position.new_full((*logits.shape[:-1], len(first_level)), len(column))
    best = best.scatter_reduce(-1, column.expand(logits.shape), first_best, "amin")
    return (best - first_level).to(logits.dtype)


def max_by_column(logits: Tensor, column: Tensor, n_columns: int) -> Tensor:
    """Largest logit of each column. Shape: (..., T) -> (..., D)."""
    if n_columns == 1:
        return logits.amax(dim=-1, keepdim=True)
    lowest = logits.new_full((*logits.shape[:-1], n_columns), -torch.inf)
    return lowest.scatter_reduce(-1, column.expand(logits.shape), logits, "amax")


def logsumexp_by_column(logits: Tensor, column: Tensor, n_columns: int) -> Tensor:
    """Log of the softmax's denominator of each column. Shape: (..., T) -> (..., D)."""
    if n_columns == 1:
        return logits.logsumexp(dim=-1, keepdim=True)
    peak = max_by_column(logits.detach(), column, n_columns)
    terms = torch.exp(logits - peak[..., column])
    return peak + torch.zeros_like(peak).scatter_add(-1, column.expand(logits.shape), terms).log()
