"""Categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, Likelihood, uniform_like


@dataclass(frozen=True)
class Categorical(Likelihood):
    """Categories: x_d | z ~ Categorical(softmax(logits_d(z))), where x_d is the code of a level.

    The levels of all columns lie side by side in one axis of length T = Σ_d n_levels_d, so that a column with
    thousands of levels costs no more than its own.
    """

    name: ClassVar[str] = "categorical"
    support: ClassVar[str] = "categories"

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        return {"logits": Head("cell", int(columns.n_levels.sum()))}

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        n_levels = columns.n_levels
        return {
            "first_level": n_levels.cumsum(0) - n_levels,  # (D,): where the levels of a column begin
            "column": torch.repeat_interleave(torch.arange(len(n_levels)), n_levels),  # (T,): whose level it is
        }

    def start(self, x: Tensor, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        first_level = self.constants(columns)["first_level"].to(x.device)
        levels = (x + first_level)[~x.isnan()].long()
        counts = torch.bincount(levels, minlength=int(columns.n_levels.sum())) + 0.5
        totals = torch.stack([c.sum() for c in torch.split(counts, columns.n_levels.tolist())])
        return {"logits": (counts / totals.repeat_interleave(columns.n_levels.to(x.device))).log().to(x.dtype)}

    def log_prob(  # type: ignore[override]
        self, x: Tensor, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """Log probability of each cell. Shape: x (S, B, D), logits (S, B, T) -> (S, B, D)."""
        chosen = logits.gather(-1, x.long() + first_level)
        return chosen - logsumexp_by_column(logits, column, len(first_level))

    def mean(  # type: ignore[override]
        self, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """The most probable level. Shape: (S, B, D)."""
        is_best = logits == max_by_column(logits, column, len(first_level))[..., column]
        position = torch.arange(len(column), device=logits.device).expand(logits.shape)
        first_best = torch.full_like(position, len(column)).where(~is_best, position)
        best = position.new_full((*logits.shape[:-1], len(first_level)), len(column))
        best = best.scatter_reduce(-1, column.expand(logits.shape), first_best, "amin")
        return (best - first_level).to(logits.dtype)

    def sample(  # type: ignore[override]
        self, generator: torch.Generator, *, logits: Tensor, first_level: Tensor, column: Tensor
    ) -> Tensor:
        """A draw of a level: the Gumbel-max trick. Shape: (S, B, D)."""
        gumbel = -torch.log(-torch.log(uniform_like(logits, generator)))
        return self.mean(logits=logits + gumbel, first_level=first_level, column=column)


def max_by_column(logits: Tensor, column: Tensor, n_columns: int) -> Tensor:
    """Largest logit of each column. Shape: (..., T) -> (..., D)."""
    lowest = logits.new_full((*logits.shape[:-1], n_columns), -torch.inf)
    return lowest.scatter_reduce(-1, column.expand(logits.shape), logits, "amax")


def logsumexp_by_column(logits: Tensor, column: Tensor, n_columns: int) -> Tensor:
    """Log of the softmax's denominator of each column. Shape: (..., T) -> (..., D)."""
    peak = max_by_column(logits.detach(), column, n_columns)
    terms = torch.exp(logits - peak[..., column])
    return peak + torch.zeros_like(peak).scatter_add(-1, column.expand(logits.shape), terms).log()
