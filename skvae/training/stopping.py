"""Early stopping and best weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

TRIM = 0.02
CLEAR = 0.5  # standard errors


def trimmed_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean without the lowest 2 % of the values: one outlier row must not pick the step.

    Examples
    --------
    >>> values = torch.tensor([-1e6] + [1.0] * 49)
    >>> trimmed_mean(values, torch.ones(50))
    tensor(1.)
    """
    order = values.argsort()
    n_trimmed = math.ceil(TRIM * len(values)) if len(values) > 20 else 0
    kept = order[n_trimmed:]
    return (values[kept] * weights[kept]).sum() / weights[kept].sum()


def is_clear_gain(gain: Tensor, weights: Tensor) -> bool:
    """Whether rows gain on average more than half the standard error of that average; none of them is left out.

    Few rows with large losses are what a trimmed mean hides. A gain that is not finite has no average, and counts.

    Examples
    --------
    >>> is_clear_gain(torch.tensor([1.0, 1.0, 2.0, 1.0]), torch.ones(4))
    True
    >>> is_clear_gain(torch.tensor([1.0, 1.0, 1.0, -9.0]), torch.ones(4))
    False
    """
    mean = (gain * weights).sum() / weights.sum()
    error = ((gain - mean) * weights).square().sum().sqrt() / weights.sum()
    return not bool(mean <= CLEAR * error)


class EarlyStopping:
    """Keeps the best weights, and says when to stop looking for better ones.

    Parameters
    ----------
    patience : int
        Evaluations without improvement before it is time to stop; half as many where each is worse than the one before
        and none has been better than the first.
    tol : float
        Smallest improvement that counts for patience, in nats. Better weights are kept however small the gain.

    Attributes
    ----------
    is_at_start : bool
        Whether the best weights are the first.
    """

    def __init__(self, *, patience: int, tol: float) -> None:
        self.patience = patience
        self.tol = tol
        self.best = -math.inf
        self.best_epoch = 0
        self.is_at_start = True
        self._milestone = self._last = -math.inf
        self._n_without_progress = self._n_falls = 0
        self._weights: list[Tensor] | None = None

    def update(
        self,
        criterion: float,
        epoch: int,
        weights: Iterable[Tensor],
        *,
        is_clear: bool = True,
        is_final_objective: bool = True,
    ) -> bool:
        """Take note of an evaluation, and answer whether to stop; never while the objective is still changing.

        Weights that are not clearly better than the first are not kept.
        """
        if criterion > self.best and (is_clear or self._weights is None):
            self.is_at_start = self._weights is None
            self.best, self.best_epoch = criterion, epoch
            self._weights = [tensor.detach().clone() for tensor in weights]
        if criterion > self._milestone + self.tol or not is_final_objective:
            self._milestone, self._n_without_progress = max(criterion, self._milestone), 0
        else:
            self._n_without_progress += 1
        falls = criterion < self._last and self.is_at_start and is_final_objective
        self._n_falls, self._last = self._n_falls + 1 if falls else 0, criterion
        return self._n_without_progress >= self.patience or self._n_falls >= math.ceil(self.patience / 2)

    @torch.no_grad()
    def restore(self, weights: Iterable[Tensor]) -> None:
        """Put the best weights back, if there was an evaluation."""
        if self._weights is not None:
            for tensor, best in zip(weights, self._weights, strict=True):
                tensor.copy_(best)

    def state_dict(self) -> dict[str, Any]:
        """What it has taken note of so far."""
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state)
