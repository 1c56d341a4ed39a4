"""Maps: a table of numbers as coloured cells, with names at its sides and a bar for its colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skvae.drawing.palette import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar

MAX_LABELS = 60  # columns of a map that are named


def name_cells(ax: Axes, right: Sequence[str], up: Sequence[str], *, fontsize: float) -> None:
    """Names of the columns below a map, slanting, and of its rows at its left; no ticks and no frame.

    Parameters
    ----------
    ax : Axes
        Axes of the map.
    right, up : sequence of str
        Names of the columns and of the rows, "" for a row that another map names.
    fontsize : float
        Size of the names, points.
    """
    ax.set_xticks(np.arange(len(right)), right, rotation=45, ha="right", rotation_mode="anchor", fontsize=fontsize)
    ax.set_yticks(np.arange(len(up)), up, fontsize=fontsize)
    ax.tick_params(length=0, colors=INK)
    ax.spines[:].set_visible(False)


def write_cells(
    ax: Axes, values: NDArray[np.float64], text: Callable[[float], str], *, dark: float, fontsize: float
) -> None:
    """The number of each cell as text, white on dark cells; nothing where a number is missing.

    Parameters
    ----------
    ax : Axes
        Axes of the map.
    values : ndarray of shape (n_rows, n_columns)
        Numbers, NaN where there is none.
    text : function
        Number to text.
    dark : float
        Size beyond which a number, whatever its sign, has a dark cell.
    fontsize : float
        Size of the text, points.
    """
    for row, column in np.argwhere(~np.isnan(values)):
        value = values[row, column]
        color = "white" if abs(value) > dark else INK
        ax.text(column, row, text(value), ha="center", va="center", fontsize=fontsize, color=color)


def label_bar(bar: Colorbar, text: str = "", *, fontsize: float = 9, labelsize: float = 8) -> None:
    """A colour bar without ticks and frame, with a label where there is a text."""
    if text:
        bar.set_label(text, fontsize=fontsize, color=INK)
    bar.ax.tick_params(length=0, labelsize=labelsize, colors=INK)
    bar.outline.set_visible(False)
