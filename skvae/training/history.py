"""What happened during training, epoch by epoch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class History:
    """A table with one row for each epoch; epoch 0 is the state before the first step.

    Attributes
    ----------
    offset : float
        Added to every log-likelihood: the mean Jacobian that turns encoded units into those of the data.
    """

    offset: float = 0.0
    epochs: list[dict[str, float]] = field(default_factory=list)
    best_iter: int = 0
    n_skipped: int = 0
    interrupted: bool = False
    _pending: list[tuple[int, float, Tensor]] = field(default_factory=list)
    _start: float = field(default_factory=time.perf_counter)

    def add(self, learning_rate: float, terms: Tensor | None) -> None:
        """Append an epoch; ``terms``, mean log-likelihood and KL, stay on the device until someone looks."""
        nothing = torch.full((2,), torch.nan)
        row = {
            "epoch": float(len(self.epochs)),
            "learning_rate": learning_rate,
            "validation_elbo": float("nan"),
        }
        row["seconds"] = time.perf_counter() - self._start
        self.epochs.append(row)
        self._pending.append((len(self.epochs) - 1, learning_rate, nothing if terms is None else terms))

    def flush(self) -> None:
        """Read the pending epochs from the device, all at once."""
        if not self._pending:
            return
        terms = torch.stack([t.detach().cpu() for _, _, t in self._pending]).tolist()
        for (epoch, _, _), (log_likelihood, kl) in zip(self._pending, terms, strict=True):
            log_likelihood += self.offset
            self.epochs[epoch] |= {
                "log_likelihood": log_likelihood,
                "kl": kl,
                "elbo": log_likelihood - kl,
            }
        self._pending.clear()

    def as_dict(self) -> dict[str, list[float]]:
        """Columns by name, ready for ``pandas.DataFrame``."""
        self.flush()
        names = ("epoch", "elbo", "validation_elbo", "log_likelihood", "kl", "learning_rate", "seconds")
        return {name: [row[name] for row in self.epochs] for name in names}
