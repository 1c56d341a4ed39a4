"""Gower's distances of rows of mixed columns, block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skvae.metrics.frames import Floats

Cells = NDArray[np.float32]  # on Gower's scale

GAP = -3.0  # a missing cell, at least 1 away from numbers, which lie in [-1, 2], and from codes
TIE = 1e-5  # what single precision leaves of the difference of two equal distances
BLOCK = (32, 4096)  # rows by reference rows of a block of distances: what stays in a processor's cache


def on_gowers_scale(tables: Sequence[Floats], is_number: NDArray[np.bool_]) -> list[Cells]:
    r"""Tables in which min(1, \|a − b\|) is a cell's distance; the first two set the ranges.

    Parameters
    ----------
    tables : sequence of ndarray of shape (·, D)
        Encoded rows, NaN for a gap; the first two are real.
    is_number : ndarray of bool of shape (D,)
        Columns whose range is a distance of 1; other cells are equal, or at a distance of 1.

    Returns
    -------
    list of ndarray of shape (·, D)
        A gap is at a distance of 1 from every other cell, and so is another number than the only real one.
    """
    real = np.concatenate(tables[:2])
    gaps = np.isnan(real)
    lower = np.where(gaps, np.inf, real).min(axis=0)
    width = np.where(gaps, -np.inf, real).max(axis=0) - lower
    measured, fixed = is_number & (width > 0), is_number & ~(width > 0)
    loc, scale = np.where(measured, lower, 0.0), np.where(measured, width, 1.0)
    found = []
    for table in tables:
        scaled = np.where(measured, ((table - loc) / scale).clip(-1, 2), table)
        scaled = np.where(fixed, scaled != lower, scaled)  # another number than the only real one
        found.append(np.where(np.isnan(table), GAP, scaled).astype(np.float32))
    return found


def closest(rows: Cells, reference: Cells) -> tuple[Cells, NDArray[np.intp]]:
    """Distance of each row to the closest reference row, and which that is. Shapes: (M, D), (N, D) -> (M,) both."""
    columns = np.ascontiguousarray(reference.T)
    found, which = np.full(len(rows), np.inf, dtype=np.float32), np.zeros(len(rows), dtype=np.intp)
    buffers = np.empty(BLOCK, dtype=np.float32), np.empty(BLOCK, dtype=np.float32)
    for i in range(0, len(rows), BLOCK[0]):
        for j in range(0, len(reference), BLOCK[1]):
            distances = _distances(rows[i : i + BLOCK[0]], columns[:, j : j + BLOCK[1]], *buffers)
            nearest = distances.argmin(axis=1)
            distance = distances[np.arange(len(nearest)), nearest]
            is_closer = distance < found[i : i + BLOCK[0]]
            found[i : i + BLOCK[0]][is_closer] = distance[is_closer]
            which[i : i + BLOCK[0]][is_closer] = j + nearest[is_closer]
    return found, which


def neighbors(rows: Cells, reference: Cells, n_neighbors: int) -> NDArray[np.intp]:
    """Positions of the closest reference rows of each row, in no order. Shapes: (M, D), (N, D) -> (M, K)."""
    columns = np.ascontiguousarray(reference.T)
    size = (BLOCK[0], len(reference))
    buffers = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    found = np.empty((len(rows), n_neighbors), dtype=np.intp)
    for i in range(0, len(rows), BLOCK[0]):
        distances = _distances(rows[i : i + BLOCK[0]], columns, *buffers)
        found[i : i + BLOCK[0]] = np.argpartition(distances, n_neighbors - 1, axis=1)[:, :n_neighbors]
    return found


def _distances(rows: Cells, columns: Cells, cell: Cells, total: Cells) -> Cells:
    """All distances of a block, in a buffer. Shapes: (B, D), (D, N) -> (B, N)."""
    block = rows[:, :, None]
    gap, sum_ = (buffer[: len(rows), : columns.shape[1]] for buffer in (cell, total))
    sum_.fill(0)
    for d, other in enumerate(columns):
        np.subtract(block[:, d], other, out=gap)
        np.abs(gap, out=gap)
        np.minimum(gap, 1, out=gap)
        sum_ += gap
    return sum_
