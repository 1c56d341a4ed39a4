"""Rows beside what the model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skvae.inspection.canvas import BLUE, GREY, Floats, as_images, axes_for, clean, panels, show_tiles
from skvae.inspection.fitted import as_frame, choose_columns, find_vae, kind_of_rows
from skvae.metrics.frames import Category, Encoding
from skvae.metrics.picture import FAINT, INK, short
from skvae.tables import to_pandas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_ACROSS = 10  # images beside each other
MAX_LEVELS = 8


class ReconstructionDisplay:
    """Originals beside their reconstructions: pairs of images, overlaid lines, or column against column.

    Of a table, numbers are drawn against each other, on the diagonal if they come back as they were, with the share of
    their variance that comes back; of a category, the map shows in percent what became of each level, in its column.

    Parameters
    ----------
    originals, reconstructions : ndarray or DataFrame of shape (n_rows, n_columns)
        The same rows, before and after.
    image_shape : tuple of int, optional
        Height, width and, if there are any, channels of a row that is an image. Without it, the columns of a DataFrame
        and up to 12 of an array are shown one by one, and more of them as a line.

    Attributes
    ----------
    originals, reconstructions, image_shape
        As above.
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

    ax_: Axes
    axes_: Any
    figure_: Any

    def __init__(self, originals: Any, reconstructions: Any, *, image_shape: Sequence[int] | None = None) -> None:
        self.originals, self.reconstructions = to_pandas(originals)[0], to_pandas(reconstructions)[0]
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
        estimator: Any,
        X: Any,
        *,
        image_shape: Sequence[int] | None = None,
        columns: Sequence[Any] | None = None,
        max_columns: int = 9,
        ax: Axes | None = None,
    ) -> Self:
        """Reconstruct rows and draw both.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted. Steps before it in a pipeline are undone.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows: all of a table, up to 50 images, up to 9 lines.
        image_shape : tuple of int, optional
            Height, width and, if there are any, channels of an image.
        columns : list of labels, optional
            Of a table; by default the first ``max_columns``.
        max_columns : int, default=9
            Columns of a table that are drawn at most.
        ax : matplotlib Axes, optional
            Where to draw.

        Returns
        -------
        ReconstructionDisplay
        """
        found, originals = find_vae(estimator), to_pandas(X)[0]
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
            Where to draw; panels take its place where there are several.
        **kwargs
            For ``Axes.imshow`` of images, ``Axes.plot`` of reconstructed lines or ``Axes.scatter`` of numbers.

        Returns
        -------
        self
        """
        return {"images": self._plot_images, "lines": self._plot_lines, "table": self._plot_table}[self.kind](
            ax, kwargs
        )

    def _plot_images(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """Pairs of rows of images: originals above, reconstructions below."""
        pair = [
            as_images(rows, self.image_shape or ())[: 5 * N_ACROSS] for rows in (self.originals, self.reconstructions)
        ]
        n_down, n_across = -(-len(pair[0]) // N_ACROSS), min(N_ACROSS, len(pair[0]))
        size, shape = n_down * n_across, pair[0].shape[1:]
        filled = [np.concatenate([images, np.full((size - len(images), *shape), np.nan)]) for images in pair]
        grid = np.stack([images.reshape(n_down, n_across, *shape) for images in filled], axis=1)
        self.ax_ = axes_for(ax, (0.75 * n_across + 1.2, 1.5 * n_down * shape[0] / shape[1] + 0.2))
        self.axes_, self.figure_ = np.array([self.ax_], dtype=object), self.ax_.figure
        limits = {} if len(shape) == 3 else {"vmin": np.nanmin(pair[0]), "vmax": np.nanmax(pair[0])}
        show_tiles(self.ax_, grid.reshape(2 * n_down, n_across, *shape), **{"aspect": "auto"} | limits | kwargs)
        self.ax_.set_box_aspect(2 * n_down * (shape[0] + 2) / (n_across * (shape[1] + 2)))
        middles = (np.arange(2 * n_down) + 0.5) * (shape[0] + 2) - 0.5
        self.ax_.set_xticks([])
        self.ax_.set_yticks(middles, ["original", "reconstructed"] * n_down)
        return self

    def _plot_lines(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """One panel a row, the reconstruction over the original."""
        originals, reconstructions = (
            np.asarray(rows, dtype=float)[:9] for rows in (self.originals, self.reconstructions)
        )
        axes = self._make_panels(ax, len(originals), (3.2, 1.7))
        for panel, before, after in zip(axes, originals, reconstructions, strict=True):
            panel.plot(before, color=GREY, linewidth=2.4, label="original")
            panel.plot(after, **{"color": BLUE, "linewidth": 1.2, "label": "reconstructed"} | kwargs)
            panel.set_ylim(np.nanmin([originals, reconstructions]), np.nanmax([originals, reconstructions]))
            clean(panel)
        self._share_legend(axes)
        return self

    def _share_legend(self, axes: Any) -> None:
        axes[0].legend(frameon=False, fontsize=8.5, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    def _plot_table(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """One panel a column."""
        before, after = as_frame(self.originals), as_frame(self.reconstructions)
        after = after.set_axis(before.columns, axis=1)
        axes = self._make_panels(ax, before.shape[1], (2.9, 2.7))
        for panel, (label, column) in zip(axes, Encoding.fit(before, after).columns.items(), strict=True):
            x, y = column.encode(before[label]), column.encode(after[label])
            seen = ~np.isnan(x)  # gaps have nothing to be compared with
            if isinstance(column, Category):
                note = _draw_levels(panel, x[seen], y[seen], column)
            else:
                note = _draw_numbers(panel, x[seen], y[seen], kwargs)
            panel.set_title(short(label, 18), loc="left", fontsize=9.5, fontweight="bold", color=INK)
            panel.set_title(note, loc="right", fontsize=9, color=FAINT)
        for place, panel in enumerate(axes):
            if place == 0:
                panel.set(xlabel="original", ylabel="reconstructed")
                panel.xaxis.label.set(color=INK, size=9)
                panel.yaxis.label.set(color=INK, size=9)
        return self

    def _make_panels(self, ax: Axes | None, n_panels: int, size: tuple[float, float]) -> Any:
        n_across = min(3, int(np.ceil(np.sqrt(n_panels))))
        n_down = -(-n_panels // n_across)
        self.ax_, axes = panels(ax, n_down, n_across, (size[0] * n_across + 0.3, size[1] * n_down + 0.3))
        self.axes_, self.figure_ = axes.ravel()[:n_panels], self.ax_.figure
        for blank in axes.ravel()[n_panels:]:
            blank.set_axis_off()
        return self.axes_


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
    clean(ax, grid="both")
    ax.tick_params(labelsize=8)
    if len(x) < 2 or np.ptp(x) == 0:
        return ""
    unit = np.abs(x).max()  # so that squares stay finite
    return f"R² {1 - np.mean((x / unit - y / unit) ** 2) / np.var(x / unit):.2f}"


def _draw_levels(ax: Axes, x: Floats, y: Floats, column: Category) -> str:
    """What became of each level; the answer is the share of rows whose level came back."""
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
    for i, j in np.argwhere(shares >= 0.005):
        color = "white" if shares[i, j] > 0.6 else INK
        ax.text(i, j, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=7.5, color=color)
    ax.tick_params(length=0, labelsize=8, colors=INK)
    ax.spines[:].set_visible(False)
    return f"{100 * (x == y).mean():.0f} % kept" if len(x) else ""
