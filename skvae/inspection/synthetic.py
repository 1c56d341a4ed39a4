"""Real and synthetic tables, column by column and pair by pair."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, headline
from skvae.drawing.labels import percent, short_all
from skvae.drawing.maps import MAX_LABELS, label_bar, name_cells, write_cells
from skvae.drawing.palette import EMPTY_CELL_OF_TWO_SIDES
from skvae.inspection.canvas import panel_grid, panels, signed
from skvae.inspection.display import Display
from skvae.inspection.fitted import Rows, as_frame, choose_columns, find_vae
from skvae.metrics import associations, column_shapes, mean_trend, pair_trends
from skvae.metrics.fidelity import worst_first
from skvae.metrics.frames import align
from skvae.metrics.picture import draw_columns, handles

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

MAX_NUMBERS = 12  # columns whose associations are also written out
MAX_ROWS = 10_000  # rows that are drawn from the model at most


class MarginalsDisplay(Display):
    """Distribution of each column in a real and a synthetic table, with its error.

    Parameters
    ----------
    real, synthetic : DataFrame
        Rows with the same columns.
    columns : list of labels, optional
        Columns to draw; by default the ``max_columns`` with the largest errors, the worst first.
    max_columns : int, default=9
        Number of columns that are drawn at most.

    Attributes
    ----------
    real, synthetic : DataFrame
    shapes : Series
        Errors by column: see ``skvae.metrics.column_shapes``.
    columns : list of labels
        Columns that are drawn.
    ax_ : matplotlib Axes
        The place of the panels, itself blank.
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skvae.metrics.report : All figures about a synthetic table, with a picture.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import MarginalsDisplay
    >>> X = load_iris(as_frame=True).data
    >>> vae = VAETransformer(2, max_iter=5, random_state=0).fit(X)
    >>> len(MarginalsDisplay.from_estimator(vae, X).axes_)
    4
    """

    axes_: NDArray[np.object_]

    def __init__(
        self,
        real: pd.DataFrame,
        synthetic: pd.DataFrame,
        *,
        columns: Sequence[Hashable] | None = None,
        max_columns: int = 9,
    ) -> None:
        if max_columns < 1:
            raise ValueError(f"max_columns must be at least 1, but is {max_columns}. Pass a larger number.")
        self.real, self.synthetic = align(real=real, synthetic=synthetic)
        self.shapes = column_shapes(self.real, self.synthetic)
        if columns is None:
            columns = worst_first(self.shapes).index[:max_columns].tolist()
        self.columns = list(choose_columns(self.real, columns, max_columns).columns)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Rows,
        *,
        columns: Sequence[Hashable] | None = None,
        max_columns: int = 9,
        random_state: int | None = 0,
        ax: Axes | None = None,
    ) -> Self:
        """Draw as many rows from the model as X has, 10,000 at most, and compare.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator. Steps before it in a pipeline are undone.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Real rows.
        columns : list of labels, optional
            Columns to draw, by position for an array; by default the worst.
        max_columns : int, default=9
            Number of columns that are drawn at most.
        random_state : int or None, default=0
            Seed of the draws.
        ax : matplotlib Axes, optional
            Axes whose place the panels take.

        Returns
        -------
        MarginalsDisplay
        """
        tables = _real_and_synthetic(estimator, X, random_state)
        return cls(*tables, columns=columns, max_columns=max_columns).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:  # noqa: D102
        self.ax_, self.axes_ = panel_grid(ax, len(self.columns), each=(3.2, 2.2), around=(0.3, 0.6))
        self.figure_ = self.ax_.figure
        draw_columns(self.axes_, self.real[self.columns], self.synthetic[self.columns], self.shapes)
        self.axes_[0].legend(handles=handles(), loc="lower left", bbox_to_anchor=(-0.02, 1.1), ncols=2, **LEGEND)
        return self


class AssociationsDisplay(Display):
    """How strongly pairs of columns hang together in a real and in a synthetic table, side by side.

    Pearson's correlation of two numbers, Cramér's V of two categories, the correlation ratio of one of each: see
    ``skvae.metrics.associations``. The title of the second map has the error of the pairs, ``pair_trends``, which
    compares whole distributions.

    Parameters
    ----------
    real, synthetic : DataFrame
        Rows with the same columns.

    Attributes
    ----------
    real, synthetic : DataFrame of shape (n_columns, n_columns)
        Associations.
    trend : float
        Mean error of the pairs, from 0 to 1.
    ax_ : matplotlib Axes
        The place of the panels, itself blank.
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure
    images_ : list of matplotlib AxesImage

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import AssociationsDisplay
    >>> X = load_iris(as_frame=True).data
    >>> vae = VAETransformer(2, max_iter=5, random_state=0).fit(X)
    >>> AssociationsDisplay.from_estimator(vae, X).real.shape
    (4, 4)
    """

    axes_: NDArray[np.object_]
    images_: list[AxesImage]

    def __init__(self, real: pd.DataFrame, synthetic: pd.DataFrame) -> None:
        real, synthetic = align(real=real, synthetic=synthetic)
        self.real, self.synthetic = associations(real), associations(synthetic)
        self.trend = mean_trend(pair_trends(real, synthetic))

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Rows,
        *,
        columns: Sequence[Hashable] | None = None,
        max_columns: int = 60,
        random_state: int | None = 0,
        ax: Axes | None = None,
    ) -> Self:
        """Draw as many rows from the model as X has, 10,000 at most, and compare.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator. Steps before it in a pipeline are undone.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Real rows.
        columns : list of labels, optional
            Columns to compare, by position for an array; by default the first ``max_columns``.
        max_columns : int, default=60
            Number of columns that are compared at most: the time grows with their square.
        random_state : int or None, default=0
            Seed of the draws.
        ax : matplotlib Axes, optional
            Axes whose place the panels take.

        Returns
        -------
        AssociationsDisplay
        """
        tables = _real_and_synthetic(estimator, X, random_state)
        real, synthetic = (choose_columns(table, columns, max_columns) for table in tables)
        return cls(real, synthetic).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:  # noqa: D102
        n_columns = len(self.real)
        side = float(np.clip(1.8 + 0.32 * n_columns, 3.2, 6.5))
        self.ax_, axes = panels(ax, 1, 2, (2 * side + 0.9, side + 0.2))
        self.axes_, self.figure_ = axes[0], self.ax_.figure
        self.images_ = [_draw_associations(self.axes_[0], self.real), _draw_associations(self.axes_[1], self.synthetic)]
        names = []
        if n_columns <= MAX_LABELS:
            names = short_all(self.real.columns, 16)
        size = float(np.clip(130 / n_columns, 5, 9))
        name_cells(self.axes_[0], names, names, fontsize=size)
        name_cells(self.axes_[1], names, [""] * len(names), fontsize=size)
        bar = self.figure_.colorbar(
            self.images_[1], ax=self.axes_[1], shrink=0.7, pad=0.03, ticks=[-1, -0.5, 0, 0.5, 1]
        )
        label_bar(bar, "association")
        note = "" if np.isnan(self.trend) else f"trend error {percent(self.trend)}"  # a single column has no pair
        headline(self.axes_[0], "Real")
        headline(self.axes_[1], "Synthetic", note)
        return self


def _draw_associations(ax: Axes, table: pd.DataFrame) -> AxesImage:
    """A map of the associations of one table, written out where columns are few."""
    values = table.to_numpy(copy=True)
    np.fill_diagonal(values, np.nan)  # always 1
    picture = ax.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set_facecolor(EMPTY_CELL_OF_TWO_SIDES)
    if len(values) <= MAX_NUMBERS:
        size = float(np.clip(90 / len(values), 5.5, 8))
        write_cells(ax, values, _two_digits, dark=0.65, fontsize=size)
    return picture


def _two_digits(association: float) -> str:
    return signed(association, 2).replace("0.", ".")


def _real_and_synthetic(estimator: BaseEstimator, X: Rows, random_state: int | None) -> list[pd.DataFrame]:
    """The real rows, and as many of the model, as tables with the same columns."""
    found, real = find_vae(estimator), as_frame(X)
    n_rows = min(max(len(real), 1), MAX_ROWS)
    synthetic = as_frame(found.back(found.vae.sample(n_rows, random_state=random_state)))
    if synthetic.shape[1] != real.shape[1]:
        raise ValueError(
            f"X must have the {synthetic.shape[1]} column(s) of fit, but has {real.shape[1]}. Pass rows like those of "
            f"fit; columns= chooses what is drawn."
        )
    return [real, synthetic.set_axis(real.columns, axis=1)]
