"""The rows that a model is fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from skvae.tables import Table
from skvae.training import Split, StreamedRows, split_rows


@dataclass(frozen=True)
class Data:
    """Encoded rows: those that train, and those that judge.

    Attributes
    ----------
    table : Table
        The columns.
    x : Tensor of shape (N, D)
        Training rows, or the sample of a stream, which starts the model and judges it.
    weights : Tensor of shape (N,), optional
        Weight of each row of x.
    x_val : Tensor of shape (V, D), optional
        Rows that choose the best weights, instead of held-out rows of x.
    stream : StreamedRows, optional
        The training rows, where x is only a sample of them.
    """

    table: Table
    x: Tensor
    weights: Tensor | None = None
    x_val: Tensor | None = None
    stream: StreamedRows | None = None

    @property
    def n_rows(self) -> int:
        """Number of training rows."""
        return len(self.x) if self.stream is None else self.stream.n_rows

    @property
    def offset(self) -> float:
        """Mean of what turns an encoded log-likelihood into one in the units of the data."""
        return float(self.table.log_jacobian(self.x).double().mean())

    @property
    def of_columns(self) -> Self:
        """The same rows for models whose columns see one another."""
        table = self.table
        x_val = None if self.x_val is None else table.with_gaps_shown(self.x_val)
        stream = None if self.stream is None else self.stream.changed(table.with_gaps_shown)
        return replace(self, table=table.of_columns, x=table.with_gaps_shown(self.x), x_val=x_val, stream=stream)

    def split(
        self, early_stopping: str | bool, validation_fraction: float, generator: torch.Generator
    ) -> tuple[Self, Split]:
        """The data and their split: rows of ``x_val`` come after those of x, and held-out rows leave the stream."""
        if self.x_val is not None:
            early_stopping = False
        elif self.stream is not None and early_stopping == "auto":
            early_stopping = True  # folds are for few rows
        split = split_rows(len(self.x), early_stopping, validation_fraction, generator)
        if self.stream is not None and split.held_out:
            return replace(self, stream=self.stream.without(split.held_out[0])), split
        if self.x_val is None:
            return self, split
        n_judges = len(self.x_val)
        judges = torch.arange(n_judges, device=generator.device) + len(self.x)
        together = replace(self, x=torch.cat([self.x, self.x_val]), x_val=None)
        if self.weights is not None:
            together = replace(together, weights=torch.cat([self.weights, self.weights.new_ones(n_judges)]))
        return together, Split(split.train, [judges])

    def take(self, rows: Tensor) -> Self:
        """Some of the rows of x, and their weights."""
        return self._changed(lambda tensor: tensor[rows])

    def to(self, device: torch.device) -> Self:
        """The same rows on a device."""
        return self._changed(lambda tensor: tensor.to(device))

    def float(self) -> Self:
        """The same rows in the precision of training."""
        weights = None if self.weights is None else self.weights.float()
        return replace(self, x=self.table.in_precision(self.x), weights=weights)

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same data with other rows x, and weights changed likewise."""
        if self.weights is None:
            return replace(self, x=change(self.x))
        return replace(self, x=change(self.x), weights=change(self.weights))
