"""What Gaussian, Student-t and discretised logistic columns share: a location, a scale, and a linear start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, Literal

import torch
from torch import Tensor

from skvae.likelihoods.base import Columns, Head, LocationFamily, mean_of_cells

EVIDENCE_MAX = 10.0  # units: a sentinel is no evidence of z, and would be all of it
SQUASH = 5.0  # the network sees standardised cells bounded at ±5; the linear path sees them as they are
ROW_CAP = 1.0  # a row may change the log-scale by ±1 at most: a wider range once cost thousands of nats


@dataclass(frozen=True)
class LocationScale(LocationFamily):
    """x_d = μ_d(z) + σ ε with one of several scales σ.

    Parameters
    ----------
    scale : {"shared", "column", "row"} or float
        One learned scale for all columns; one for each; one for each times a factor exp(tanh(r_d(z))) for each
        row; or a fixed number, in the units of the data.
    """

    scale: Literal["shared", "column", "row"] | float = "shared"

    is_density = True
    log_std: ClassVar[float] = 0.0  # log standard deviation of a member with scale 1
    support: ClassVar[str] = "finite numbers"

    def __post_init__(self) -> None:
        is_number = isinstance(self.scale, Real) and not isinstance(self.scale, bool)
        if not (self.scale in ("shared", "column", "row") or (is_number and 0 < float(self.scale) < math.inf)):
            raise ValueError(
                f"{type(self).__name__} needs a scale of 'shared', 'column', 'row' or a positive number, "
                f"got {self.scale!r}. Use scale='column', say."
            )

    @property
    def scaling(self) -> Literal["column", "shared"]:  # type: ignore[override]
        """One unit for all columns keeps their relative sizes, as PCA does; one for each ignores them."""
        if self.scale in ("column", "row"):
            return "column"
        return "shared"

    @property
    def floor(self) -> float:
        """Smallest log-scale, encoded: a point mass must not turn a density into a spike."""
        return math.log(1e-2 if self.scaling == "column" else 1e-5)

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        n_columns = len(columns.scale)
        heads = {"loc": Head("cell", n_columns)}
        if self.scale == "shared":
            heads["log_scale"] = Head("block", 1)
        elif isinstance(self.scale, str):
            heads["log_scale"] = Head("column", n_columns)
        if self.scale == "row":
            heads["row_factor"] = Head("cell", n_columns)
        return heads

    def constants(self, columns: Columns) -> dict[str, Tensor]:  # noqa: D102
        if isinstance(self.scale, str):
            return {}
        return {"log_scale": math.log(self.scale) - columns.scale.abs().log()[:1]}

    def noise(self, variance: Tensor) -> dict[str, Tensor]:
        """Log-scale for these variances around the location. Shape: (D,) -> (1,) or (D,)."""
        if not isinstance(self.scale, str):
            return {}
        if self.scale == "shared":
            variance = variance.mean().reshape(1)
        return {"log_scale": 0.5 * variance.log() - self.log_std}

    def known_variance(self, **constants: Tensor) -> float | None:
        """Variance under a scale that the user fixed."""
        if isinstance(self.scale, str):
            return None
        log_std = constants["log_scale"] + self.log_std
        return float((2 * log_std.double()).exp())

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        loc = mean_of_cells(x, weights)
        variance = mean_of_cells((x - loc).square(), weights)
        heads = {"loc": loc} | self.noise(variance.clamp(min=math.exp(2 * self.floor)))
        if self.scale == "row":
            heads["row_factor"] = torch.zeros_like(loc)
        return heads

    def log_scale(self, log_scale: Tensor, row_factor: Tensor | None) -> Tensor:
        """Log-scale of each cell, bounded below. Shape: broadcastable to (S, B, D)."""
        if row_factor is not None:
            log_scale = log_scale + ROW_CAP * torch.tanh(row_factor / ROW_CAP)
        if not isinstance(self.scale, str):
            return log_scale
        return log_scale.clamp(min=self.floor)

    def mean(self, *, loc: Tensor, **_: Tensor) -> Tensor:  # type: ignore[override]  # noqa: D102
        return loc

    def evidence(self, x: Tensor, **_: Tensor) -> Tensor:
        """Cells, under a robust family no farther out than they may say something. Shape: kept."""
        return x.clamp(-EVIDENCE_MAX, EVIDENCE_MAX) if self.is_robust else x

    def features(self, x: Tensor, **_: Tensor) -> Tensor:  # noqa: D102
        return x * torch.rsqrt(1 + (x / SQUASH).square())
