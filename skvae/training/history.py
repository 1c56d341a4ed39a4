"""What happened during training, epoch by epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

FLAGS = ("best_iter", "n_skipped", "n_rollbacks", "interrupted", "stayed")
COLUMNS = ("epoch", "elbo", "validation_elbo", "log_likelihood", "kl", "learning_rate", "seconds")


@dataclass
class History:
    """A table with one row for each epoch; epoch 0 is the state before the first step.

    Attributes
    ----------
    offset : float
        Number added to every log-likelihood: the mean Jacobian that turns encoded units into those of the data.
    epochs : list of dict
        The rows; NaN where nothing was measured.
    best_iter : int
        Epoch of the weights that were kept.
    n_skipped : int
        Steps of the kept model whose gradient was not finite.
    n_rollbacks : int
        How often the best weights were taken up again with a smaller step.
    interrupted : bool
        Whether training ended by Ctrl-C.
    stayed : bool
        Whether training ended because held-out rows were never better off than at the start.
    """

    offset: float = 0.0
    epochs: list[dict[str, float]] = field(default_factory=list)
    best_iter: int = 0
    n_skipped: int = 0
    n_rollbacks: int = 0
    interrupted: bool = False
    stayed: bool = False
    _pending: dict[int, Tensor] = field(default_factory=dict)
    _start: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, columns: Mapping[str, list[float]]) -> Self:
        """The history that ``as_dict`` gave."""
        return cls(epochs=[dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])

    def add(self, learning_rate: float, terms: Tensor | None) -> None:
        """Append an epoch; ``terms``, mean log-likelihood and KL, stay on the device until someone looks."""
        if terms is not None:
            self._pending[len(self.epochs)] = terms
        row = {"epoch": len(self.epochs), "learning_rate": learning_rate, "seconds": time.perf_counter() - self._start}
        self.epochs.append(dict.fromkeys(COLUMNS, math.nan) | row)

    @property
    def latest_elbo(self) -> float:
        """ELBO of the held-out rows when they were last looked at; −∞ before."""
        for row in reversed(self.epochs):
            if not math.isnan(row["validation_elbo"]):
                return row["validation_elbo"]
        return -math.inf

    def flush(self) -> None:
        """Read the pending epochs from the device, all at once."""
        if self._pending:
            terms = torch.stack(list(self._pending.values())).tolist()
            for epoch, (log_likelihood, kl) in zip(self._pending, terms, strict=True):
                log_likelihood += self.offset
                self.epochs[epoch] |= {"log_likelihood": log_likelihood, "kl": kl, "elbo": log_likelihood - kl}
            self._pending.clear()

    def state_dict(self) -> dict[str, Any]:
        """All that it holds, in values that a file can hold."""
        flags = {name: getattr(self, name) for name in FLAGS}
        return {"columns": self.as_dict(), "offset": self.offset, **flags}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """The history that ``state_dict`` gave; its clock goes on where it stopped."""
        flags = {name: value for name, value in state.items() if name != "columns"}
        epochs = cls.of(state["columns"]).epochs
        return cls(epochs=epochs, **flags, _start=time.perf_counter() - epochs[-1]["seconds"])

    def as_dict(self) -> dict[str, list[float]]:
        """Columns by name, ready for ``pandas.DataFrame``."""
        self.flush()
        columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        for row in self.epochs:
            for name in COLUMNS:
                columns[name].append(row[name])
        return columns
