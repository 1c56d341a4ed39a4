"""Places to draw in: axes of a new figure or of the user's, panels, tiles of images, maps of named regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skvae.drawing.axes import arrange, pyplot
from skvae.drawing.palette import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Floats = NDArray[np.floating[Any]]

DPI = 100
THOUSANDS = ("", "k", "M", "G", "T")  # powers of them
LEAST_DEPTH = 0.06  # share of the side of a map: narrower regions have no room for their name
MARGIN = 0.2  # share of the side of a map: names that begin nearer to an edge are aligned with it


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The user's axes, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    figure, new = pyplot().subplots(figsize=size, dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.09, wspace=0.03, hspace=0.03)
    made: Axes = new
    return made


def panels(
    ax: Axes | None, n_down: int, n_across: int, size: tuple[float, float], widths: Sequence[float] | None = None
) -> tuple[Axes, NDArray[Any]]:
    """Axes that are left blank, and the panels in their place, in columns of these relative widths."""
    ax = axes_for(ax, size)
    place: Any = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "Several panels are drawn in the place of ax, but ax has no place in a grid, as axes from "
            "figure.add_axes have none. Pass axes from plt.subplots, or leave ax out."
        )
    ax.set_axis_off()
    figure: Any = ax.figure
    parts = [figure.add_subplot(part) for part in place.subgridspec(n_down, n_across, width_ratios=widths)]
    return ax, np.array(parts, dtype=object).reshape(n_down, n_across)


def panel_grid(
    ax: Axes | None, n_panels: int, each: tuple[float, float], around: tuple[float, float]
) -> tuple[Axes, NDArray[Any]]:
    """Axes that are left blank, and so many panels in their place, in up to three columns.

    Parameters
    ----------
    ax : Axes or None
        Axes whose place the panels take; None for a new figure.
    n_panels : int
        Number of panels.
    each, around : pair of float
        Width and height of a panel, and of what is around them all, inches of a new figure.
    """
    n_down, n_across = arrange(n_panels)
    size = each[0] * n_across + around[0], each[1] * n_down + around[1]
    ax, grid = panels(ax, n_down, n_across, size)
    for spare in grid.ravel()[n_panels:]:
        spare.set_axis_off()
    return ax, grid.ravel()[:n_panels]


def signed(value: float, digits: int) -> str:
    """A number as text, with a real minus sign and no negative zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def compact(value: float) -> str:
    """A number of any size in few letters.

    Examples
    --------
    >>> [compact(value) for value in (1068.0, -0.214, 90_005.0, 5.94, 3.2e7)]
    ['1.1k', '−0.21', '90k', '5.9', '32M']
    """
    power = min(max(int(np.log10(max(abs(value), 1e-12)) // 3), 0), len(THOUSANDS) - 1)
    value /= 1000.0**power
    digits = 0 if abs(value) >= 10 else 1
    if abs(value) < 1:
        digits = 2
    if abs(value) >= 10_000:
        return f"{value:.0e}".replace("-", "−")
    return signed(value, digits) + THOUSANDS[power]


def as_images(rows: ArrayLike, shape: Sequence[int]) -> Floats:
    """Rows as images of height, width and, if there are any, channels. Shape: (N, D) -> (N, *shape)."""
    try:
        values = np.asarray(rows, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"An image consists of numbers, but rows hold others ({error}). Leave image_shape out."
        ) from error
    if len(shape) not in (2, 3) or int(np.prod(shape)) != values.shape[1]:
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, channels) with as many cells as a row, which has "
            f"{values.shape[1]}, but is {tuple(shape)}. Pass the shape that one row had before it was flattened."
        )
    return values.reshape(len(values), *shape)


def tile(images: Floats, gap: int = 1) -> Floats:
    """One picture of a grid of images, with gaps of NaN. Shape: (R, C, height, width[, channels]) -> picture."""
    around = [(0, 0), (0, 0), (gap, gap), (gap, gap), *[(0, 0)] * (images.ndim - 4)]
    padded = np.pad(np.asarray(images, dtype=float), around, constant_values=np.nan)
    n_down, n_across, height, width = padded.shape[:4]
    return padded.swapaxes(1, 2).reshape(n_down * height, n_across * width, *padded.shape[4:])


def show_tiles(ax: Axes, images: Floats, **kwargs: Any) -> AxesImage:
    """Draw a grid of images; in colour, values are cut to [0, 1]."""
    picture = tile(images)
    if picture.ndim == 3:
        picture = np.nan_to_num(picture, nan=1.0).clip(0, 1)
    options = {"cmap": "gray_r", "interpolation": "nearest"} | kwargs
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelsize=9, colors=INK)
    return ax.imshow(picture, **options)


def label_regions(ax: Axes, places: Floats, names: Sequence[str]) -> None:
    """The name of each level where it covers most, on a map over the unit square, its first row lowest.

    A name stands at the innermost cell of its region: the last to go as the region is worn away from its edges.

    Parameters
    ----------
    ax : Axes
        Axes of the map.
    places : ndarray of shape (n_rows, n_columns)
        Position of the level of each cell among the names.
    names : sequence of str
        Names of the levels.
    """
    from matplotlib.patheffects import withStroke
    from scipy.ndimage import distance_transform_edt

    halo = [withStroke(linewidth=2.5, foreground="white")]

    for level, name in enumerate(names):
        depth = distance_transform_edt(np.pad(places == level, 1))[1:-1, 1:-1]
        if depth.max() < LEAST_DEPTH * len(places):  # no room for a name
            continue
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        x, y = (column + 0.5) / places.shape[1], (row + 0.5) / places.shape[0]
        x, side = _inside(x)
        ax.text(x, y, name, ha=side, va="center", fontsize=8.5, color=INK, path_effects=halo)


def _inside(x: float) -> tuple[float, Literal["left", "center", "right"]]:
    """Where a name begins, ends or has its middle, so that it does not leave the map."""
    if x < MARGIN:
        return 0.02, "left"
    if x > 1 - MARGIN:
        return 0.98, "right"
    return x, "center"
