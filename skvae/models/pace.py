"""How fast a z can be learned from so many rows: rates, batches, steps and folds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skvae.training import N_FOLDS

TINY, SMALL, MIDDLE = 250, 1000, 2000  # rows


@dataclass(frozen=True)
class Pace:
    """How fast a z can be learned from so many rows.

    Attributes
    ----------
    learning_rate, weight_decay : float
        Peak learning rate, and decay of the networks' matrices.
    n_batches : int
        Batches of a pass, about.
    min_batch_size, min_steps : int
        Rows of a step and steps of a fit, at least; the smallest tables take fewer steps.
    """

    learning_rate: float
    weight_decay: float
    n_batches: int = 16
    min_batch_size: int = 32
    min_steps: int = 1500


PACES = (  # below so many rows: few rows want large batches, which bear large steps, and less decay then
    (TINY, Pace(2e-3, 1.0, min_steps=1000)),
    (SMALL, Pace(4e-3, 0.5, n_batches=4, min_batch_size=128, min_steps=300)),
    (MIDDLE, Pace(6e-3, 1e-2)),
)
OF_FEW, OF_MANY = Pace(1e-3, 1.0), Pace(2e-3, 1e-2)  # of other tables, below 1,000 rows and above
STEPS_OF_A_ROW = 7  # of the smallest tables


def pace_of(n_rows: int, *, is_risky: bool) -> Pace:
    """The pace for so many rows.

    Risky are binary rows, columns of levels from 1,000 rows on, and columns that are more than the layers are wide: a
    step moves an output by the rate times the width of what it sees, so what a narrow table bears breaks a wide one.
    """
    others = OF_FEW if n_rows < SMALL else OF_MANY
    if is_risky:
        return others
    return next((pace for below, pace in PACES if n_rows < below), others)


def n_folds(n_rows: int) -> int:
    """All five of the smallest tables; of others as many as hold 200 rows, but two at least."""
    return N_FOLDS if n_rows < TINY else max(2, math.ceil(SMALL / n_rows))
