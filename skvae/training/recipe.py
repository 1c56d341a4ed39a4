"""The rules behind every "auto": numbers of rows and columns in, numbers out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

EVALUATIONS = 40  # held-out evaluations in a whole fit, at least, where there are as many epochs
SMALL = 1000  # rows


@dataclass(frozen=True)
class Recipe:
    """How one stack is trained: every number is resolved.

    Attributes
    ----------
    hidden_layer_sizes : tuple of int
        Widths of the encoder's hidden layers, and of the decoder's in reverse.
    learning_rate, weight_decay : float
        Peak learning rate and weight decay of AdamW; the decay acts on the matrices of the networks only.
    batch_size, max_iter : int
        Rows of a step, and passes over the rows.
    n_iter_no_change, tol : int, float
        Evaluations without an improvement by more than ``tol`` nats before training stops.
    dtype : torch.dtype
        Precision of the networks' matrix products.
    """

    hidden_layer_sizes: tuple[int, ...]
    learning_rate: float
    weight_decay: float
    batch_size: int
    max_iter: int
    n_iter_no_change: int = 10
    tol: float = 0.0
    dtype: torch.dtype = torch.float32

    @property
    def evaluate_every(self) -> int:
        """Passes between two held-out evaluations."""
        return max(1, self.max_iter // EVALUATIONS)

    def n_threads(self, n_columns: int) -> int | None:
        """One thread for small matrix products, which gain nothing from two; None, all of them, for wide ones."""
        return 1 if max(self.hidden_layer_sizes, default=1) * n_columns < 65_536 else None


def auto_width(n_rows: int, n_columns: int) -> int:
    """Width of both hidden layers."""
    if n_rows < SMALL:
        return 64
    return 512 if n_rows >= 20_000 and n_columns >= 200 else 128


def auto_synthesis_width(n_rows: int) -> int:
    """Width of the hidden layers where columns see one another."""
    return 64 if n_rows < SMALL else 128 if n_rows < 5 * SMALL else 256


def auto_learning_rate(n_rows: int, is_binary: bool) -> float:
    """Peak learning rate; binary rows bear a larger one."""
    if is_binary:
        return 5e-3
    return 1e-3 if n_rows < SMALL else 2e-3


def auto_synthesis_learning_rate(n_rows: int) -> float:
    """Peak learning rate where columns see one another."""
    return 4e-3 if n_rows < 12 * SMALL else 8e-3


def auto_weight_decay(n_rows: int, is_binary: bool) -> float:
    """Decay of the networks' matrices: strong where rows are few."""
    if is_binary:
        return 0.0
    return 1.0 if n_rows < SMALL else 1e-2


def auto_kl_warmup(is_binary: bool, has_categories: bool) -> float:
    """None after a linear start; columns without one would switch components off before they are in use."""
    if is_binary:
        return 0.25
    return 0.1 if has_categories else 0.0


def auto_kl_by_draw(is_binary: bool) -> bool:
    """Whether the gradient of the KL runs through the draw alone: less noise where posteriors are near the truth."""
    return is_binary


def auto_free_bits(is_autoregressive: bool) -> float:
    """Columns that see one another need z for little, and would switch every component off."""
    return 0.05 if is_autoregressive else 0.0


def auto_init(n_categories: int, n_columns: int) -> str:
    """Random where half of the columns or more are categories: a linear start would give z to the numbers alone."""
    return "random" if 2 * n_categories >= n_columns else "linear"


def auto_input_dropout(n_rows: int, n_columns: int, n_components: int, is_gaussian: bool) -> float:
    """A fifth of the cells where rows are wide and redundant, so that the others can stand in for them."""
    is_redundant = n_columns >= 50 and n_columns >= 4 * n_components
    return 0.2 if is_gaussian and is_redundant and n_rows >= SMALL else 0.0


def auto_batch_size(n_rows: int, is_autoregressive: bool = False) -> int:
    """A power of two near n / 16, from 32 to 512; 256 at most where columns see one another."""
    largest = 256 if is_autoregressive else 512
    return int(min(max(2 ** round(math.log2(max(n_rows / 16, 1))), 32), largest))


def auto_max_iter(n_rows: int, batch_size: int) -> int:
    """A hundred passes, but about 1,500 steps at least (folds are shorter), and 20,000 at most."""
    n_steps = min(max(100 * n_rows / batch_size, 1500), 20_000)
    return max(1, round(n_steps / max(1, n_rows // batch_size)))


def auto_synthesis_max_iter(n_rows: int, batch_size: int) -> int:
    """Where columns see one another: 14 passes, fewer beyond 30,000 rows, but 400 steps at least."""
    n_passes = 14 * min(1.0, math.sqrt(30_000 / n_rows))
    n_steps = max(n_passes * n_rows / batch_size, 400)
    return max(1, round(n_steps / max(1, n_rows // batch_size)))
