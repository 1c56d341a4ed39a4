"""Ordered categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad, softplus

from skvae.likelihoods.base import Columns, Head, Likelihood, uniform_like
from skvae.likelihoods.categorical import Categorical, most_probable_level

LOG_SCALE_CAP = 10.0  # beyond, a column is decided by z, or not at all
STEP_MIN = 1e-30  # between thresholds, in units of the scale: its logarithm and its slope fit into float32


@dataclass(frozen=True)
class Ordinal(Likelihood):
    """Ordered categories: P(x_d ≤ k | z) = sigmoid((θ_dk − η_d(z)) / σ_d), where x_d is the code of a level.

    A logistic variable around η_d = loc_d(z), cut at thresholds θ_d0 < θ_d1 < … of the column: one parameter for each
    cell however many levels there are (the cumulative logit or proportional odds model). A column with a single
    level has no threshold and is certain. The thresholds of all columns lie side by side in one axis of length
    T = Σ_d (n_levels_d − 1); a column's first entry of the head is its first threshold, and each later one says
    through a softplus how far the next threshold is.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data.

    Examples
    --------
    >>> family, one = Ordinal(), torch.ones(1)
    >>> columns = Columns(scale=one, n_levels=torch.tensor([3]), lower=0 * one, upper=2 * one)
    >>> x = torch.tensor([[0.0], [1.0], [1.0], [2.0]])
    >>> heads = family.start(x, columns)  # the frequencies of the levels, with half a row added to each
    >>> family.log_prob(x[:3], **heads, **family.constants(columns)).exp().flatten()
    tensor([0.2727, 0.4545, 0.4545])
    """

    name: ClassVar[str] = "ordinal"
    support: ClassVar[str] = "ordered categories"
    levels: ClassVar[Literal["none", "nominal", "ordered"]] = "ordered"
    cells = "categories"

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        n_columns = len(columns.scale)
        return {
            "loc": Head("cell", n_columns),
            "thresholds": Head("column", int((columns.n_levels - 1).sum())),
            # DIFFERS from McCullagh 1980, where σ = 1: a factor of η and θ changes no model, but as z comes to explain
            # a column all its thresholds move apart, and one shared parameter learns that sooner than each of them
            "log_scale": Head("column", n_columns),
        }

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        top = columns.n_levels - 1
        return {
            "top": top,  # (D,): code of the highest level, which is also the number of thresholds
            "first_threshold": top.cumsum(0) - top,  # (D,): where the thresholds of a column begin
            "column": torch.repeat_interleave(torch.arange(len(top)), top),  # (T,): whose threshold it is
        }

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        frequencies = Categorical().start(x, columns, weights)["logits"].double().exp()
        by_column = torch.split(frequencies, columns.n_levels.tolist())
        thresholds = torch.cat([thresholds_between(column) for column in by_column]).to(x.dtype)
        zeros = x.new_zeros(x.shape[-1])
        return {"loc": zeros, "thresholds": thresholds, "log_scale": zeros.clone()}

    def log_prob(  # type: ignore[override]
        self,
        x: Tensor,
        *,
        loc: Tensor,
        thresholds: Tensor,
        log_scale: Tensor,
        top: Tensor,
        first_threshold: Tensor,
        column: Tensor,
    ) -> Tensor:
        """Log probability of each cell. Shape: x and loc (S, B, D), thresholds (S, 1, T) -> (S, B, D)."""
        eta, theta, gap = standardize(loc, thresholds, log_scale, first_threshold, column)
        return log_mass(x.long(), eta, theta, gap, top, first_threshold)

    def mean(  # type: ignore[override]
        self,
        *,
        loc: Tensor,
        thresholds: Tensor,
        log_scale: Tensor,
        top: Tensor,
        first_threshold: Tensor,
        column: Tensor,
    ) -> Tensor:
        """The most probable level. Shape: (S, B, D)."""
        logits = log_probabilities(loc, thresholds, log_scale, top, first_threshold, column)
        first_level, owner = places_of_levels(top, first_threshold)
        return most_probable_level(logits, first_level, owner)

    def probabilities(  # type: ignore[override]
        self,
        *,
        loc: Tensor,
        thresholds: Tensor,
        log_scale: Tensor,
        top: Tensor,
        first_threshold: Tensor,
        column: Tensor,
    ) -> Tensor:
        """Probability of each level. Shape: (S, B, T)."""
        return log_probabilities(loc, thresholds, log_scale, top, first_threshold, column).exp()

    def sample(  # type: ignore[override]
        self,
        generator: torch.Generator,
        *,
        loc: Tensor,
        thresholds: Tensor,
        log_scale: Tensor,
        top: Tensor,
        first_threshold: Tensor,
        column: Tensor,
    ) -> Tensor:
        """A draw of a level: the number of thresholds below a logistic variable. Shape: (S, B, D)."""
        eta, theta, _ = standardize(loc, thresholds, log_scale, first_threshold, column)
        draw = eta + uniform_like(eta, generator).logit()
        is_below = theta < draw[..., column]
        return torch.zeros_like(draw).scatter_add(-1, column.expand(is_below.shape), is_below.to(draw.dtype))


def standardize(
    loc: Tensor, thresholds: Tensor, log_scale: Tensor, first_threshold: Tensor, column: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """η / σ, θ / σ, and log(1 − exp(−step / σ)) of the step up to each θ. Shape: (..., D), (..., T), (..., T)."""
    precision = torch.exp(-log_scale.clamp(-LOG_SCALE_CAP, LOG_SCALE_CAP))
    first, step = first_threshold[column], softplus(thresholds)
    is_first = first == torch.arange(len(column), device=column.device)
    # over all columns at once, and from there back to the first of each: float32 would lose digits
    total = pad(torch.where(is_first, thresholds, step).double().cumsum(-1), (1, 0))
    theta = (total[..., 1:] - total[..., first]).to(thresholds.dtype)
    gap = torch.log(-torch.expm1(-(step * precision[..., column]).clamp(min=STEP_MIN)))
    return loc * precision, theta * precision[..., column], gap


def places_of_levels(top: Tensor, first_threshold: Tensor) -> tuple[Tensor, Tensor]:
    """Where the levels of each column begin, all side by side, and whose level each is. Shape: (D,) -> (D,), (T,)."""
    position = torch.arange(len(top), device=top.device)
    return first_threshold + position, position.repeat_interleave(top + 1)


def log_probabilities(
    loc: Tensor, thresholds: Tensor, log_scale: Tensor, top: Tensor, first_threshold: Tensor, column: Tensor
) -> Tensor:
    """Log probability of every level of every column. Shape: loc (..., D), thresholds (..., T') -> (..., T)."""
    eta, theta, gap = standardize(loc, thresholds, log_scale, first_threshold, column)
    first_level, owner = places_of_levels(top, first_threshold)
    codes = torch.arange(len(owner), device=eta.device) - first_level[owner]
    eta = eta[..., owner]
    return log_mass(codes.expand(eta.shape), eta, theta, gap, top[owner], first_threshold[owner])


def log_mass(code: Tensor, eta: Tensor, theta: Tensor, gap: Tensor, top: Tensor, first_threshold: Tensor) -> Tensor:
    """Log-probability of a level. Shape: code and eta (..., D), theta and gap (..., T), columns (D,) -> (..., D)."""
    size = (*code.shape[:-1], theta.shape[-1] + 1)  # one more, so that there is something to read without any
    theta, gap = pad(theta, (0, 1)).expand(size), pad(gap, (0, 1)).expand(size)
    above = first_threshold + code
    below = (above - 1).clamp(min=0)
    is_lowest, is_highest = code == 0, code == top
    # σ(a) − σ(b) = σ(a) σ(−b) (1 − exp(b − a)): no cancellation, however narrow the step
    log_below = logsigmoid(theta.gather(-1, above) - eta).masked_fill(is_highest, 0.0)
    log_above = logsigmoid(eta - theta.gather(-1, below)).masked_fill(is_lowest, 0.0)
    return log_below + log_above + gap.gather(-1, above).masked_fill(is_lowest | is_highest, 0.0)


def thresholds_between(frequencies: Tensor) -> Tensor:
    """The head under which one column has these frequencies at loc = 0. Shape: (n_levels,) -> (n_levels − 1,)."""
    below, above = frequencies.cumsum(0)[:-1], frequencies.flip(0).cumsum(0).flip(0)[1:]
    theta = below.log() - above.log()
    step = theta.diff()
    return torch.cat([theta[:1], step + torch.log(-torch.expm1(-step))])  # the inverse of softplus
