"""Axes as all pictures have them, and matplotlib when it is needed."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from skvae.drawing.palette import FAINT, INK, PALE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_ACROSS = 3  # panels beside each other
LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 9, "labelcolor": INK}  # keywords of ``legend``


def pyplot() -> ModuleType:
    """The module ``matplotlib.pyplot``, imported now.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("Plots need matplotlib, which is not installed. Run: pip install skvae[plot]") from error
    return pyplot


def arrange(n_panels: int) -> tuple[int, int]:
    """Numbers of panels down and across: nearly a square, of three columns at most.

    Examples
    --------
    >>> [arrange(n_panels) for n_panels in (1, 2, 4, 7, 12)]
    [(1, 1), (1, 2), (2, 2), (3, 3), (4, 3)]
    """
    n_across = min(MAX_ACROSS, math.ceil(math.sqrt(n_panels)))
    return math.ceil(n_panels / n_across), n_across


def clean(ax: Axes, *, grid: Literal["x", "y", "both", ""] = "y", labelsize: float = 9, linewidth: float = 0.8) -> None:
    """Axes with pale lines, without ticks and without a frame.

    Parameters
    ----------
    ax : Axes
        Axes to change.
    grid : {"x", "y", "both", ""}
        Axis whose values have lines.
    labelsize : float
        Size of the labels of ticks, points.
    linewidth : float
        Width of the lines, points.
    """
    if grid:
        ax.grid(axis=grid, color=PALE, linewidth=linewidth)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelsize=labelsize, colors=INK)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=INK, size=10)


def headline(ax: Axes, text: str, note: str = "", *, fontsize: float = 11) -> None:
    """The title at the left and, fainter, a note at the right."""
    ax.set_title(text, loc="left", fontsize=fontsize, fontweight="bold", color=INK)
    if note:
        ax.set_title(note, loc="right", fontsize=9, color=FAINT)
