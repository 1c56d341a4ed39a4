"""How one stack is trained, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from skvae.training.schedules import WARMUP

EVALUATIONS = 40  # held-out evaluations in a whole fit, at most; half as many at least, where there are as many epochs


@dataclass(frozen=True)
class Recipe:
    """How one stack is trained: every number is resolved.

    Attributes
    ----------
    learning_rate, weight_decay : float
        Peak learning rate and weight decay of AdamW; the decay acts on the matrices of the networks only.
    batch_size, max_iter : int
        Rows of a step, and passes over the rows.
    n_iter_no_change, tol : int, float
        Evaluations without an improvement by more than ``tol`` nats before training stops.
    dtype : torch.dtype
        Precision of the networks' matrix products.
    patient_until : float
        Share of training before which it does not stop.
    """

    learning_rate: float
    weight_decay: float
    batch_size: int
    max_iter: int
    n_iter_no_change: int = 10
    tol: float = 0.0
    dtype: torch.dtype = torch.float32
    patient_until: float = WARMUP

    @property
    def evaluate_every(self) -> int:
        """Passes between two held-out evaluations."""
        return math.ceil(self.max_iter / EVALUATIONS)
