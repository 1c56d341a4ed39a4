"""The plane of two components, decoded."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from skvae.drawing.axes import arrange, headline
from skvae.drawing.labels import short
from skvae.drawing.maps import label_bar
from skvae.drawing.palette import BLUE, CLASSES, FAINT, INK
from skvae.estimators import VAETransformer
from skvae.inspection.canvas import Floats, as_images, axes_for, label_regions, panel_grid, show_tiles, signed
from skvae.inspection.display import Display
from skvae.inspection.fitted import Table, as_frame, choose_columns, find_vae, kind_of_rows, two_components
from skvae.metrics.frames import Category, Encoding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

SIDE = {"images": 15, "lines": 9, "table": 40}  # steps across the plane
N_DRAWS = 10_000  # draws of a learned prior, for its quantiles
MARKS = (0.05, 0.25, 0.5, 0.75, 0.95)  # quantiles with a tick
UNIT_SQUARE = (0, 1, 0, 1)  # extent of a map: both axes are quantiles


class ManifoldDisplay(Display):
    """Two components on a grid of prior quantiles, decoded: images, lines, or a map of every column.

    Steps are of equal probability under the prior, so that the picture shows what samples look like, each kind as
    often as it is drawn. Other components stay at their median. Under a learned prior, quantiles are those of each
    component alone, and of 10,000 draws.

    Parameters
    ----------
    rows : ndarray or DataFrame of shape (n_up * n_right, n_columns)
        Decoded rows, the first component growing fastest and the second from its lowest quantile up.
    right, up : array-like of shape (n_right,) and (n_up,)
        Values of the two components.
    components : pair of int, default=(0, 1)
        Numbers of these components, for the labels.
    image_shape : tuple of int, optional
        Height, width and, if there are any, channels of a row that is an image. Without it, the columns of a DataFrame
        and up to 12 of an array are shown one by one, and more of them as a line.

    Attributes
    ----------
    rows, right, up, components, image_shape
        Parameters of these names.
    kind : {"images", "lines", "table"}
    ax_ : matplotlib Axes
        Axes that are blank for a table, whose panels take their place.
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Kingma and Welling (2014), Auto-Encoding Variational Bayes, appendix A.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import ManifoldDisplay
    >>> vae = VAETransformer(2, max_iter=5, random_state=0).fit(load_iris(as_frame=True).data)
    >>> display = ManifoldDisplay.from_estimator(vae, n_steps=10)
    >>> display.kind, display.rows.shape
    ('table', (100, 4))
    """

    axes_: NDArray[np.object_]

    def __init__(
        self,
        rows: Table,
        right: ArrayLike,
        up: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.rows, self.right, self.up = rows, np.asarray(right, dtype=float), np.asarray(up, dtype=float)
        self.components, self.image_shape = components, image_shape
        self.kind = kind_of_rows(rows, image_shape)
        if len(rows) != self.right.size * self.up.size:
            raise ValueError(
                f"A grid of {self.up.size} by {self.right.size} needs as many rows, but there are {len(rows)}. Decode "
                f"one row for each pair of values."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        components: tuple[int, int] | None = None,
        image_shape: Sequence[int] | None = None,
        n_steps: int | None = None,
        columns: Sequence[Hashable] | None = None,
        max_columns: int = 9,
        ax: Axes | None = None,
    ) -> Self:
        """Decode a grid and draw it.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator with two components or more. Steps before it in a pipeline are undone.
        components : pair of int, optional
            Components to the right and upwards; by default the two of the largest KL.
        image_shape : tuple of int, optional
            Height, width and, if there are any, channels of an image.
        n_steps : int, optional
            Number of steps along each side: 15 for images, 9 for lines and 40 for a table by default.
        columns : list of labels, optional
            Columns of a table to draw; by default the first ``max_columns``.
        max_columns : int, default=9
            Number of columns of a table that are drawn at most.
        ax : matplotlib Axes, optional
            Axes to draw in.

        Returns
        -------
        ManifoldDisplay
        """
        found = find_vae(estimator)
        chosen = two_components(found.vae, components)
        middle = prior_quantiles(found.vae, np.array([0.5]))
        kind = kind_of_rows(found.back(found.vae.inverse_transform(middle)), image_shape)
        n_steps = SIDE[kind] if n_steps is None else n_steps
        if n_steps < 2:
            raise ValueError(f"n_steps must be at least 2, but is {n_steps}. Pass a larger number.")
        steps = prior_quantiles(found.vae, (np.arange(n_steps) + 0.5) / n_steps)
        right, up = steps[:, chosen[0]], steps[:, chosen[1]]
        Z = np.repeat(middle, n_steps**2, axis=0)
        Z[:, chosen[0]], Z[:, chosen[1]] = np.tile(right, n_steps), np.repeat(up, n_steps)
        rows = found.back(found.vae.inverse_transform(Z))
        if kind == "table":
            rows = choose_columns(as_frame(rows), columns, max_columns)
        return cls(rows, right, up, components=chosen, image_shape=image_shape).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw in; panels take their place where there are several.
        **kwargs
            Keywords of ``Axes.imshow`` for images and maps of numbers, or of ``LineCollection`` for lines.

        Returns
        -------
        self
        """
        if self.kind == "table":
            return self._plot_table(ax, kwargs)
        self.ax_ = axes_for(ax, (6.4, 6.4))
        self.axes_, self.figure_ = np.array([self.ax_], dtype=object), self.ax_.figure
        if self.kind == "images":
            self._plot_images(kwargs)
        else:
            self._plot_lines(kwargs)
        self._label(self.ax_)
        return self

    def _plot_images(self, kwargs: dict[str, Any]) -> None:
        """Images side by side, the highest values of the second component at the top."""
        images = as_images(self.rows, self.image_shape or ())
        grid = images.reshape(self.up.size, self.right.size, *images.shape[1:])
        options: dict[str, Any] = {"extent": UNIT_SQUARE, "aspect": "auto"} | kwargs
        show_tiles(self.ax_, grid[::-1], **options)
        height, width = images.shape[1:3]
        self.ax_.set_box_aspect(height * self.up.size / (width * self.right.size))

    def _plot_lines(self, kwargs: dict[str, Any]) -> None:
        """A small line in each cell of the unit square, all on one scale."""
        from matplotlib.collections import LineCollection

        values = np.asarray(self.rows, dtype=float)
        low, high = np.nanmin(values), np.nanmax(values)
        y = 0.1 + 0.8 * (values - low) / max(high - low, np.finfo(float).tiny)
        x = np.broadcast_to(np.linspace(0.08, 0.92, values.shape[1]), y.shape)
        row, column = np.divmod(np.arange(len(values))[:, None], self.right.size)
        points = np.stack([(x + column) / self.right.size, (y + row) / self.up.size], axis=-1)
        options: dict[str, Any] = {"color": BLUE, "linewidth": 1.0} | kwargs
        self.ax_.add_collection(LineCollection(list(points), **options))
        self.ax_.set(xlim=(0, 1), ylim=(0, 1), box_aspect=1)
        self.ax_.set_title(f"all lines from {low:.3g} to {high:.3g}", loc="right", fontsize=9, color=FAINT)
        self.ax_.spines[:].set_visible(False)

    def _plot_table(self, ax: Axes | None, kwargs: dict[str, Any]) -> Self:
        """A map of the plane for each column."""
        frame = as_frame(self.rows)
        n_columns = frame.shape[1]
        self.ax_, self.axes_ = panel_grid(ax, n_columns, each=(3.1, 2.9), around=(0.4, 0.3))
        self.figure_ = self.ax_.figure
        n_across = arrange(n_columns)[1]
        options: dict[str, Any] = {"extent": UNIT_SQUARE, "origin": "lower", "interpolation": "nearest"} | kwargs
        for place, (label, column) in enumerate(Encoding.fit(frame).columns.items()):
            panel = self.axes_[place]
            cells = column.encode(frame[label]).reshape(self.up.size, self.right.size)
            if isinstance(column, Category):
                _draw_categories(panel, cells, column, options)
            else:
                _draw_numbers(panel, cells, options)
            headline(panel, short(label, 24), fontsize=9.5)
            self._label(panel, is_left=place % n_across == 0, is_low=place + n_across >= n_columns)
        return self

    def _label(self, ax: Axes, *, is_left: bool = True, is_low: bool = True) -> None:
        """Values of the components at some quantiles, where no other panel says it."""
        _mark_quantiles(ax.xaxis, self.right, self.components[0], is_named=is_low)
        _mark_quantiles(ax.yaxis, self.up, self.components[1], is_named=is_left)
        ax.tick_params(length=0, labelsize=9, colors=INK)


def _mark_quantiles(axis: Axis, values: Floats, component: int, *, is_named: bool) -> None:
    """Ticks at some quantiles, with the values of the component there, or without."""
    names = [""] * len(MARKS)
    if is_named:
        quantiles = (np.arange(values.size) + 0.5) / values.size
        names = [signed(float(value), 1) for value in np.interp(MARKS, quantiles, values)]
        axis.set_label_text(f"component {component}", color=INK, size=10)
    axis.set_ticks(MARKS, names)


def prior_quantiles(vae: VAETransformer, q: Floats) -> Floats:
    """Quantiles of each component under the prior. Shape: (Q,) -> (Q, K)."""
    prior = vae.vae_.prior
    exact = prior.quantiles(torch.from_numpy(np.asarray(q, dtype=float)).to(vae.device_))
    if exact is not None:
        return np.asarray(exact.cpu().double().numpy())
    with torch.no_grad():
        like = torch.empty(0, device=vae.device_)
        draws = prior.sample(N_DRAWS, like, torch.Generator(vae.device_).manual_seed(0))[0]
    return np.asarray(np.quantile(draws.cpu().double().numpy(), q, axis=0))


def _draw_numbers(ax: Axes, cells: Floats, options: dict[str, Any]) -> None:
    """A map with its scale beside it."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    picture = ax.imshow(cells, **{"cmap": "viridis"} | options)
    bar = ax.figure.colorbar(picture, ax=ax, shrink=0.75, pad=0.03, aspect=14)
    bar.locator, bar.formatter = MaxNLocator(4), EngFormatter(sep="")
    label_bar(bar)
    bar.update_ticks()
    ax.spines[:].set_visible(False)


def _draw_categories(ax: Axes, cells: Floats, column: Category, options: dict[str, Any]) -> None:
    """Regions by level, each with its name."""
    from matplotlib.colors import ListedColormap

    codes = np.unique(cells[~np.isnan(cells)])
    places = np.where(np.isnan(cells), np.nan, np.searchsorted(codes, cells))
    colors = [CLASSES[place % len(CLASSES)] for place in range(max(len(codes), 1))]
    steps: dict[str, Any] = {"cmap": ListedColormap(colors), "vmin": -0.5, "vmax": len(colors) - 0.5, "alpha": 0.55}
    ax.imshow(places, **options | steps)
    label_regions(ax, places, [short(column.levels[int(code)], 14) for code in codes])
    ax.spines[:].set_visible(False)
