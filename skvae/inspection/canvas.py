"""What all pictures share: matplotlib when it is needed, axes, colours, and tiles of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skvae.metrics.picture import FAINT, INK, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.floating[Any]]

BLUE, RED, GREY, PALE = "#3a6ea5", "#d1495b", "#b3bcc8", "#e6eaf0"
CLASSES = (  # told apart by eyes of all kinds, neighbours in the list most of all
    *("#3f90da", "#e76300", "#117733", "#832db6", "#bd1f01", "#009e8e"),
    *("#b8860b", "#332288", "#a96b59", "#717581", "#e377c2", "#7fb800"),
)
DPI = 100
LEAST_DEPTH = 0.06  # of the side of a map: narrower regions have no room for their name


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The given axes, or those of a new figure of this size in inches."""
    if ax is not None:
        return ax
    figure, new = pyplot().subplots(figsize=size, dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.09, wspace=0.03, hspace=0.03)
    made: Axes = new
    return made


def panels(ax: Axes | None, n_down: int, n_across: int, size: tuple[float, float]) -> tuple[Axes, NDArray[Any]]:
    """Axes that are left blank, and the panels in their place."""
    ax = axes_for(ax, size)
    place: Any = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "Several panels are drawn in the place of ax, but ax has no place in a grid, as axes from "
            "figure.add_axes have none. Pass axes from plt.subplots, or leave ax out."
        )
    ax.set_axis_off()
    figure: Any = ax.figure
    parts = [figure.add_subplot(part) for part in place.subgridspec(n_down, n_across)]
    return ax, np.array(parts, dtype=object).reshape(n_down, n_across)


def clean(ax: Axes, *, grid: str = "y") -> None:
    """Pale lines, no ticks and no frame; ``grid`` is "x", "y", "both" or ""."""
    if grid:
        axis: Any = grid
        ax.grid(axis=axis, color=PALE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelsize=9, colors=INK)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=INK, size=10)


def headline(ax: Axes, text: str, note: str = "") -> None:
    """The title at the left and, fainter, a note at the right."""
    ax.set_title(text, loc="left", fontsize=11, fontweight="bold", color=INK)
    if note:
        ax.set_title(note, loc="right", fontsize=9, color=FAINT)


def signed(value: float, digits: int) -> str:
    """A number as text, with a real minus sign and no negative zero."""
    text = f"{value:.{digits}f}"
    return (text.replace("-", "") if float(text) == 0 else text).replace("-", "−")


def as_images(rows: Any, shape: Sequence[int]) -> Floats:
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


def show_tiles(ax: Axes, images: Floats, **kwargs: Any) -> Any:
    """Draw a grid of images; in colour, values are cut to [0, 1]. Returns what ``imshow`` does."""
    picture = tile(images)
    if picture.ndim == 3:
        picture = np.nan_to_num(picture, nan=1.0).clip(0, 1)
    options = {"cmap": "gray_r", "interpolation": "nearest"} | kwargs
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelsize=9, colors=INK)
    return ax.imshow(picture, **options)


def label_regions(ax: Axes, places: Floats, names: Sequence[str]) -> None:
    """The name of each level where it covers most, on a map over the unit square, its first row lowest.

    Of a region its innermost cell is taken: the last to go as the region is worn away from its edges.
    """
    from matplotlib.patheffects import withStroke
    from scipy.ndimage import distance_transform_edt

    for level, name in enumerate(names):
        depth = distance_transform_edt(np.pad(places == level, 1))[1:-1, 1:-1]
        if depth.max() < LEAST_DEPTH * len(places):  # no room for a name
            continue
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        x, y = (column + 0.5) / places.shape[1], (row + 0.5) / places.shape[0]
        side = "left" if x < 0.2 else "right" if x > 0.8 else "center"
        halo = [withStroke(linewidth=2.5, foreground="white")]
        edge = {"left": 0.02, "right": 0.98, "center": x}[side]
        ax.text(edge, y, name, ha=side, va="center", fontsize=8.5, color=INK, path_effects=halo)
