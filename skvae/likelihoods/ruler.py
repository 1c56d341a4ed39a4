"""The levels of a column of numbers, in a unit that other columns share."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

N_POINTS = 8  # of a level, by which cells are measured
N_POINTS_OF_COPIES = 256  # where a cell may be equal to another: it must be known in which level that lies


class Ruler(NamedTuple):
    """The levels of a column of numbers, in a unit that other columns share.

    Attributes
    ----------
    column : int
        Position of the column in the row.
    unit : str
        What its numbers count; columns of one unit can be compared.
    begins, ends : Tensors of shape (T,)
        Range of each level, in increasing order; equal where it is a single value.
    points : Tensor of shape (T * n_points,)
        Values at equally spaced positions of each level.
    """

    column: int
    unit: str
    begins: Tensor
    ends: Tensor
    points: Tensor
