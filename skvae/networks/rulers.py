"""Cells of columns of one unit, measured by one another's levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from skvae.likelihoods import Ruler

BEYOND = 2.0  # where levels begin that are not there, among values from 0 to 1


class Rulers(nn.Module):
    """The values of cells, and the levels of other columns in which they fall.

    Parameters
    ----------
    rulers : list of C Rulers
        The columns that have levels, in the order of the row; all have as many points in a level.

    Attributes
    ----------
    columns : list of C ints
        Their positions in the row.
    units : list of C str
        What the numbers of each count.
    n_levels : list of C ints
        Levels of each.
    n_points : int
        Positions in a level that are told apart.
    """

    def __init__(self, rulers: list[Ruler]) -> None:
        super().__init__()
        self.columns = [ruler.column for ruler in rulers]
        self.units = [ruler.unit for ruler in rulers]
        self.n_levels = [len(ruler.begins) for ruler in rulers]
        self.n_points = len(rulers[0].points) // len(rulers[0].begins)
        scaled = _of_unit_range(rulers)
        begins, points = [ruler.begins for ruler in scaled], [ruler.points for ruler in scaled]
        is_single = [ruler.begins == ruler.ends for ruler in scaled]
        self.register_buffer("position", torch.tensor(self.columns))
        self.register_buffer("begins", pad_sequence(begins, batch_first=True, padding_value=BEYOND))
        self.register_buffer("points", pad_sequence(points, batch_first=True))
        self.register_buffer("is_single", pad_sequence(is_single, batch_first=True))
        self.register_buffer("last", torch.stack([ruler.ends[-1] for ruler in scaled]))

    def measure(self, x: Tensor, which: Tensor) -> Tensor:
        """Values of cells of some of the columns. Shape: (S, B, D), (C', R) -> (S, B, C', R), NaN for a gap."""
        cells = x[..., self.get_buffer("position")[which]]
        place = (cells.nan_to_num(nan=0.0) * self.n_points).long()
        return self.get_buffer("points")[which, place].masked_fill(cells.isnan(), torch.nan)

    def level_of(self, values: Tensor, columns: list[int]) -> Tensor:
        """Level of each of some columns in which values lie; −1 outside of its range. Shape: (S, B, C', R), kept."""
        by_column = values.permute(2, 0, 1, 3)
        sought = by_column.nan_to_num(nan=-BEYOND).flatten(1).contiguous()
        level = torch.searchsorted(self.get_buffer("begins")[columns], sought, right=True) - 1
        last = self.get_buffer("last")[columns].view(-1, 1, 1, 1)
        return level.view(by_column.shape).masked_fill(by_column > last, -1).permute(1, 2, 0, 3)

    def are_single(self, level: Tensor, columns: list[int]) -> Tensor:
        """Whether levels of some columns are single values. Shape: (S, B, C', R), kept."""
        is_single = self.get_buffer("is_single")[columns]
        of_column = torch.arange(len(is_single), device=level.device).view(-1, 1)
        return is_single[of_column, level.clamp(min=0)]


def comparable(rulers: Sequence[Ruler]) -> list[Ruler]:
    """Those whose unit another one has, too."""
    units = Counter(ruler.unit for ruler in rulers)
    return [ruler for ruler in rulers if units[ruler.unit] > 1]


def _of_unit_range(rulers: list[Ruler]) -> list[Ruler]:
    """The same rulers, the values of each unit from 0 to 1: so float32 tells dates apart."""
    scaled = []
    for ruler in rulers:
        of_unit = [other for other in rulers if other.unit == ruler.unit]
        lowest = torch.stack([other.begins[0] for other in of_unit]).min()
        span = torch.stack([other.ends[-1] for other in of_unit]).max() - lowest
        begins, ends, points = ((part - lowest) / span.clamp(min=1e-300) for part in ruler[2:])
        scaled.append(Ruler(ruler.column, ruler.unit, begins, ends, points))
    return scaled
