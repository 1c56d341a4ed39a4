"""Rows beside what the model makes of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, clean, headline
from skvae.drawing.labels import short
from skvae.drawing.maps import write_cells
from skvae.drawing.palette import BLUE, FAINT, GREY, INK
from skvae.inspection.canvas import Floats, as_images, axes_for, panel_grid, show_tiles
from skvae.inspection.display import Display
from skvae.inspection.fitted import Rows, as_frame, as_pandas, choose_columns, find_vae, kind_of_rows
from skvae.metrics.frames import Category, Encoding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_ACROSS, MAX_DOWN = 10, 5  # images beside each other, and pairs of rows of them
MAX_LINES = 9  # rows that are lines
MAX_LEVELS = 8  # levels of a category on its map
LEAST_SHARE = 0.005  # share of a level's rows that is written out


class ReconstructionDisplay(Display):
    """Originals beside their reconstructions: pairs of images, overlaid lines, or column against column.

    Numbers of a table are drawn against each other, on the diagonal if they come back as they were, with the share of
    their variance that comes back; the map of a category has a column for each level, which shows in percent what
    became of it.

    Parameters
    ----------
    originals, reconstructions : ndarray or DataFrame of shape (n_rows, n_columns)
        Rows before, and the same rows after.
    image_shape : tuple of int, optional
        Height, width and, if there are any, channels of a row that is an image. Without it, the columns of a DataFrame
        and up to 12 of an array are shown one by one, and more of them as a line.

    Attributes
    ----------
    originals, reconstructions, image_shape
        Parameters of these names.
    kind : {"images", "lines", "table"}
    ax_ : matplotlib Axes
        Blank where panels take its place.
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import ReconstructionDisplay
    >>> X = load_digits().data[:200]
    >>> vae = VAETransformer(8, max_iter=2, random_state=0).fit(X)
    >>> display = ReconstructionDisplay.from_estimator(vae, X[:20], image_shape=(8, 8))
    >>> display.kind, [label.get_text() for label in display.ax_.get_yticklabels()][:2]
    ('images', ['original', 'reconstructed'])
    """

    axes_: NDArray[np.object_]

    def __init__(self, originals: Rows, reconstructions: Rows, *, image_shape: Sequence[int] | None = None) -> None:
        self.originals, self.reconstructions = as_pandas(originals), as_pandas(reconstructions)
        self.image_shape = image_shape
        shapes = np.shape(self.originals), np.shape(self.reconstructions)
        if shapes[0] != shapes[1] or len(shapes[0]) != 2 or not len(self.originals):
            raise ValueError(
                f"originals and reconstructions must be the same rows, but their shapes are {shapes[0]} and "
                f"{shapes[1]}. Pass X and reconstruct(X)."
            )
        self.kind = kind_of_rows(self.originals, image_shape)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Rows,
        *,
        image_shape: Sequence[int] | None = None,
        columns: Sequence[Hashable] | None = None,
        max_columns: int = 9,
        ax: Axes | None = None,
    ) -> Self:
        """Reconstruct rows and draw both.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator. Steps before it in a pipeline are undone.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows to reconstruct; all of a table are drawn, up to 50 images, up to 9 lines.
        image_shape : tuple of int, optional
            Height, width and, if there are any, channels of an image.
        columns : list of labels, optional
            Columns of a table to draw; by default the first ``max_columns``.
        max_columns : int, default=9
            Number of columns of a table that are drawn at most.
        ax : matplotlib Axes, optional
            Axes to draw in.

        Returns
        -------
        ReconstructionDisplay
        """
        found, originals = find_vae(estimator), as_pandas(X)
        reconstructions = found.back(found.vae.reconstruct(found.rows(X)))
        if kind_of_rows(originals, image_shape) == "table":
            originals = choose_columns(as_frame(originals), columns, max_columns)
            names = as_frame(reconstructions).set_axis(as_frame(X).columns, axis=1)
            reconstructions = names[list(originals.columns)]
        return cls(originals, reconstructions, image_shape=image_shape).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw in; panels take their place where there are several.
        **kwargs
            Keywords of ``Axes.imshow`` of images, ``Axes.plot`` of reconstructed lines or ``Axes.scatter`` of numbers.

        Returns
        -------
        self
        """
        draw = {"images": self._plot_images, "lines": self._plot_lines, "table": self._plot_table}
        return draw[self.kind](ax, kwargs)

    def _plot_images(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """Pairs of rows of images: originals above, reconstructions below."""
        shape = tuple(self.image_shape or ())
        n_shown = N_ACROSS * MAX_DOWN
        before = as_images(self.originals, shape)[:n_shown]
        after = as_images(self.reconstructions, shape)[:n_shown]
        n_down, n_across = -(-len(before) // N_ACROSS), min(N_ACROSS, len(before))
        tiles = np.stack([_in_rows(images, n_down, n_across) for images in (before, after)], axis=1)
        height, width = shape[:2]
        self.ax_ = axes_for(ax, (0.75 * n_across + 1.2, 1.5 * n_down * height / width + 0.2))
        self.axes_, self.figure_ = np.array([self.ax_], dtype=object), self.ax_.figure
        options: dict[str, Any] = {"aspect": "auto"}
        if len(shape) == 2:  # no colours, which have limits of their own
            options |= {"vmin": np.nanmin(before), "vmax": np.nanmax(before)}
        show_tiles(self.ax_, tiles.reshape(2 * n_down, n_across, *shape), **options | kwargs)
        self.ax_.set_box_aspect(2 * n_down * (height + 2) / (n_across * (width + 2)))
        middles = (np.arange(2 * n_down) + 0.5) * (height + 2) - 0.5
        self.ax_.set_xticks([])
        self.ax_.set_yticks(middles, ["original", "reconstructed"] * n_down)
        return self

    def _plot_lines(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """One panel a row, the reconstruction over the original."""
        originals = np.asarray(self.originals, dtype=float)[:MAX_LINES]
        reconstructions = np.asarray(self.reconstructions, dtype=float)[:MAX_LINES]
        limits = np.nanmin([originals, reconstructions]), np.nanmax([originals, reconstructions])
        options: dict[str, Any] = {"color": BLUE, "linewidth": 1.2, "label": "reconstructed"} | kwargs
        self._make_panels(ax, len(originals), each=(3.2, 1.7))
        for panel, before, after in zip(self.axes_, originals, reconstructions, strict=True):
            panel.plot(before, color=GREY, linewidth=2.4, label="original")
            panel.plot(after, **options)
            panel.set_ylim(*limits)
            clean(panel)
        self.axes_[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, **LEGEND | {"fontsize": 8.5})
        return self

    def _plot_table(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """One panel a column."""
        before, after = as_frame(self.originals), as_frame(self.reconstructions)
        after = after.set_axis(before.columns, axis=1)
        self._make_panels(ax, before.shape[1], each=(2.9, 2.7))
        for panel, (label, column) in zip(self.axes_, Encoding.fit(before, after).columns.items(), strict=True):
            x, y = column.encode(before[label]), column.encode(after[label])
            seen = ~np.isnan(x)  # gaps have nothing to be compared with
            if isinstance(column, Category):
                note = _draw_levels(panel, x[seen], y[seen], column)
            else:
                note = _draw_numbers(panel, x[seen], y[seen], kwargs)
            headline(panel, short(label, 18), note, fontsize=9.5)
        first = self.axes_[0]
        first.set_xlabel("original", color=INK, size=9)
        first.set_ylabel("reconstructed", color=INK, size=9)
        return self

    def _make_panels(self, ax: Axes | None, n_panels: int, each: tuple[float, float]) -> None:
        self.ax_, self.axes_ = panel_grid(ax, n_panels, each=each, around=(0.3, 0.3))
        self.figure_ = self.ax_.figure


def _in_rows(images: Floats, n_down: int, n_across: int) -> Floats:
    """Images in rows, the last one filled up with empty ones. Shape: (N, ...) -> (n_down, n_across, ...)."""
    shape = images.shape[1:]
    empty = np.full((n_down * n_across - len(images), *shape), np.nan)
    return np.concatenate([images, empty]).reshape(n_down, n_across, *shape)


def _draw_numbers(ax: Axes, x: Floats, y: Floats, kwargs: dict[str, Any]) -> str:
    """Reconstruction against original; the answer is the share of the variance that comes back."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    size = float(np.clip(4000 / max(len(x), 1), 2, 20))
    if len(x) and np.isfinite([x, y]).all():
        low, high = np.quantile(np.concatenate([x, y]), [0.002, 0.998])  # a far outlier would hide the others
        room = 0.05 * (high - low) or max(1.0, 0.05 * abs(low))
        ax.set(xlim=(low - room, high + room), ylim=(low - room, high + room))
    ax.axline((0.5, 0.5), slope=1, transform=ax.transAxes, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    options: dict[str, Any] = {"s": size, "color": BLUE, "alpha": 0.45, "linewidths": 0} | kwargs
    ax.scatter(x, y, **options)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(EngFormatter(sep=""))
    clean(ax, grid="both", labelsize=8)
    if len(x) < 2 or np.ptp(x) == 0:
        return ""
    unit = np.abs(x).max()  # so that squares stay finite
    return f"R² {1 - np.mean((x / unit - y / unit) ** 2) / np.var(x / unit):.2f}"


def _draw_levels(ax: Axes, x: Floats, y: Floats, column: Category) -> str:
    """A map of what became of each level; the answer is the share of rows whose level came back."""
    counts = pd.crosstab(pd.Series(x.astype(int)), pd.Series(np.where(np.isnan(y), -1, y).astype(int)))
    levels = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index[:MAX_LEVELS].sort_values()
    shares = counts.div(counts.sum(axis=1), axis=0).reindex(index=levels, columns=levels, fill_value=0.0).to_numpy()
    if not len(levels):
        ax.set_axis_off()
        return "no original"
    ax.imshow(shares.T, cmap="Blues", vmin=0, vmax=1, origin="lower", aspect="auto")
    names, places = [short(column.levels[level], 12) for level in levels], np.arange(len(levels))
    ax.set_xticks(places, names, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(places, names)
    written = np.where(shares >= LEAST_SHARE, shares, np.nan)
    write_cells(ax, written.T, lambda share: f"{100 * share:.0f}", dark=0.6, fontsize=7.5)
    ax.tick_params(length=0, labelsize=8, colors=INK)
    ax.spines[:].set_visible(False)
    return f"{100 * (x == y).mean():.0f} % kept"
