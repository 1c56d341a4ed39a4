"""Which rows train each model of the stack, and which judge it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

N_FOLDS = 5
FOLDS_BELOW = 2000  # rows; below, a tenth of them is too few to pick a step, and too many to lose
MAX_HELD_OUT = 5000  # rows; beyond, the estimate is sharp enough


class Split(NamedTuple):
    """Rows by model; the last model of the stack is the one that is kept.

    Attributes
    ----------
    train : list of S Tensors of row numbers
        Rows that each model is trained on.
    held_out : list of S or fewer Tensors of row numbers
        Rows on which the first models are judged; empty without early stopping.
    """

    train: list[Tensor]
    held_out: list[Tensor]

    def with_folds(self, n: int) -> Split:
        """The same with the first n folds alone, where there are more, and the model of all rows."""
        if len(self.held_out) <= n:
            return self
        return Split([*self.train[:n], self.train[-1]], self.held_out[:n])


def split_rows(
    n_rows: int, early_stopping: str | bool, validation_fraction: float, generator: torch.Generator
) -> Split:
    """Divide the rows by the rule of ``early_stopping``.

    "auto": below 2,000 rows, five folds and all rows make one stack, from which ``with_folds`` may take some of the
    folds, and the model of all rows is taken at the step where the folds are best; above, a part is held out. True: a
    part is held out. False: all rows train.
    """
    device = generator.device
    order = torch.randperm(n_rows, generator=generator, device=device)
    everything = torch.arange(n_rows, device=device)
    n_folds = min(N_FOLDS, n_rows)
    if early_stopping is False or n_folds < 3:  # of two rows, none can be spared
        return Split([everything], [])
    if early_stopping == "auto" and n_rows < FOLDS_BELOW:
        folds = [fold.sort().values for fold in order.tensor_split(n_folds)]
        others = [everything[~torch.isin(everything, fold)] for fold in folds]
        return Split([*others, everything], folds)
    n_held_out = min(max(1, round(validation_fraction * n_rows)), MAX_HELD_OUT, n_rows - 2)
    return Split([order[n_held_out:]], [order[:n_held_out]])
