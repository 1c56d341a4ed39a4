"""Columns of numbers whose levels can be compared."""

import torch

from skvae.likelihoods import Ruler


def ruler(column, begins, ends, unit="number"):
    """Levels from edge to edge, whose cells are measured at eight places."""
    begins, ends = torch.tensor(begins, dtype=torch.float64), torch.tensor(ends, dtype=torch.float64)
    shares = (torch.arange(8) + 0.5) / 8
    points = (begins[:, None] + (ends - begins)[:, None] * shares).flatten()
    return Ruler(column, unit, begins, ends, points)


def three_columns():
    """Tens from 0 to 300; tens from 0 to 100, of which 50 is a single value; and numbers far beyond."""
    tens = [10.0 * k for k in range(31)]
    return [
        ruler(0, tens[:-1], tens[1:]),
        ruler(1, [*tens[:6], 50.5, *tens[6:10]], [*tens[1:6], 50.0, *tens[6:11]]),
        ruler(2, [1000.0, 1010.0], [1010.0, 1020.0]),
    ]
