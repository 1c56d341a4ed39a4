"""What each component does to the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, clean, headline
from skvae.drawing.labels import short, short_all
from skvae.drawing.maps import label_bar, name_cells, write_cells
from skvae.drawing.palette import CLASSES
from skvae.estimators import VAETransformer
from skvae.estimators.input import read_rows
from skvae.inspection.canvas import Floats, compact, panels
from skvae.inspection.display import Display
from skvae.inspection.fitted import Rows, find_vae
from skvae.models.loadings import mean_curve
from skvae.tables import Amounts, variance_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

MAX_ROWS = 500  # whose curves are averaged
N_PLACES, N_LINES = 25, 4  # of a curve; columns beside each other
ENDS = (0.02, 0.98)  # quantiles of a component between which its curves are drawn
WRITTEN = 0.1  # standard deviations of its column that an effect needs to be written out
LETTERS = 18


class Curves(NamedTuple):
    """How columns follow one component.

    Attributes
    ----------
    component : int
        Which.
    places : ndarray of shape (n_places,)
        Values of the component.
    columns : list of int
        The columns that it explains most of.
    values : ndarray of shape (n_places, n_columns)
        Mean of each over rows, from that over all places, in standard deviations of the column.
    """

    component: int
    places: Floats
    columns: list[int]
    values: Floats


class LoadingsDisplay(Display):
    """What one standard deviation of each component does to each column, and the curves behind it.

    The colour of a cell is the effect in standard deviations of its column, the number in it the effect in the unit of
    the column. Beside the map, the columns that the first components explain most of, as functions of them.

    Parameters
    ----------
    effects : array-like of shape (n_components, n_columns)
        Effect of one standard deviation of each component, in the units of the columns, as ``components_``.
    spread : array-like of shape (n_columns,)
        Standard deviation of each column; of a category, that of its indicators together.
    shares : array-like of shape (n_components,)
        Share of the variance that each component explains.
    names : sequence of str
        Names of the columns.
    curves : sequence of Curves, default=()
        Curves to draw.

    Attributes
    ----------
    effects, spread, shares : ndarrays
    names : list of str
    curves : list of Curves
    ax_ : matplotlib Axes
        Axes that are left blank, in whose place the panels are.
    axes_ : ndarray of matplotlib Axes
        The map and a panel for each component with curves.
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    See Also
    --------
    latent_report : Names the columns that each component moves most.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import LoadingsDisplay
    >>> X = load_iris(as_frame=True).data
    >>> vae = VAETransformer(2, decoder="factorized", max_iter=5, random_state=0).fit(X)
    >>> display = LoadingsDisplay.from_estimator(vae, X)
    >>> display.effects.shape, len(display.curves)
    ((2, 4), 2)
    """

    axes_: NDArray[np.object_]
    image_: AxesImage

    def __init__(
        self,
        effects: ArrayLike,
        spread: ArrayLike,
        shares: ArrayLike,
        names: Sequence[str],
        curves: Sequence[Curves] = (),
    ) -> None:
        self.effects, self.spread = np.asarray(effects, dtype=float), np.asarray(spread, dtype=float)
        self.shares, self.names, self.curves = np.asarray(shares, dtype=float), list(names), list(curves)
        shape = (len(self.shares), len(self.names))
        if self.effects.shape != shape or self.spread.shape != shape[1:]:
            raise ValueError(
                f"effects must have a row for each of the {shape[0]} shares and a column for each of the {shape[1]} "
                f"names, and spread a number for each, but their shapes are {self.effects.shape} and "
                f"{self.spread.shape}. Pass components_ and explained_variance_ratio_ of one estimator."
            )

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Rows,
        *,
        max_components: int = 10,
        max_columns: int = 20,
        n_curves: int = 3,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the loadings of a fitted estimator, with curves over some rows.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator; columns are those that the autoencoder sees.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows, whose standard deviations are the measure, and 500 of which are averaged in the curves.
        max_components : int, default=10
            Components that are drawn at most, from the first.
        max_columns : int, default=20
            Columns that are drawn at most, those that are explained most.
        n_curves : int, default=3
            Components with curves, from the first.
        ax : matplotlib Axes, optional
            Axes whose place the panels take.

        Returns
        -------
        LoadingsDisplay
        """
        found = find_vae(estimator)
        vae, rows = found.vae, found.rows(X)
        _check_counts(max_components=max_components, max_columns=max_columns)
        amounts = Amounts(vae.table_)
        of_rows = amounts.of(vae.table_.encode(read_rows(vae, rows, vae.table_)))
        spread = np.sqrt(amounts.total(variance_of(of_rows, np.ones(len(of_rows)))))
        positions = np.array(vae.table_.positions)  # of the columns that are encoded
        explained = vae.explained_variance_by_column_[:, positions]
        strongest = np.argsort(-explained.sum(axis=0), kind="stable")[:max_columns]
        columns, n = np.sort(strongest), min(max_components, len(explained))
        Z = np.asarray(vae.transform(rows), dtype=float)[:: max(1, len(of_rows) // MAX_ROWS)]
        curves = [_curves(vae, amounts, Z, k, columns, spread) for k in range(min(n_curves, n))]
        names = [str(column.name) for column in vae.table_.data_columns]
        return cls(
            vae.components_[:n, positions[columns]],
            spread[columns],
            vae.explained_variance_ratio_[:n],
            [names[j] for j in columns],
            curves,
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:  # noqa: D102
        n_components, n_columns = self.effects.shape
        side = float(np.clip(2.2 + 0.5 * n_columns, 4.0, 10.5))
        height = float(np.clip(1.5 + 0.36 * n_components, 3.4, 7.0))
        widths, n_panels = [side, *[3.4] * len(self.curves)], 1 + len(self.curves)
        self.ax_, axes = panels(ax, 1, n_panels, (sum(widths), height), widths)
        self.axes_, self.figure_ = axes[0], self.ax_.figure
        self._draw_map(self.axes_[0])
        for panel, curves in zip(self.axes_[1:], self.curves, strict=True):
            self._draw_curves(panel, curves)
        return self

    def _draw_map(self, ax: Axes) -> None:
        """The map of effects."""
        size = np.where(self.spread > 0, self.effects / np.where(self.spread > 0, self.spread, 1.0), 0.0)
        self.image_ = ax.imshow(size, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        rows = [f"z{k}  {100 * share:.0f} %" for k, share in enumerate(self.shares)]
        name_cells(ax, short_all(self.names, LETTERS), rows, fontsize=8.5)
        for sign in (1, -1):  # dark or not is by the colour, and the text by the unit
            shown = np.where((np.sign(size) == sign) & (np.abs(size) >= WRITTEN), self.effects, np.nan)
            dark = np.where(np.abs(size) > 0.65, shown, np.nan)
            write_cells(ax, dark, compact, dark=-1.0, fontsize=8)
            write_cells(ax, np.where(np.isnan(dark), shown, np.nan), compact, dark=np.inf, fontsize=8)
        bar = self.figure_.colorbar(self.image_, ax=ax, pad=0.02, ticks=[-1, -0.5, 0, 0.5, 1])
        label_bar(bar, "standard deviations of the column")
        headline(ax, "Effect of one standard deviation", f"{100 * self.shares.sum():.0f} % of the variance")

    def _draw_curves(self, ax: Axes, curves: Curves) -> None:
        """How columns follow one component."""
        for line, (j, color) in enumerate(zip(curves.columns, CLASSES, strict=False)):
            name = short(self.names[j], LETTERS)
            ax.plot(curves.places, curves.values[:, line], color=color, linewidth=1.8, label=name)
        ax.set(xlabel=f"z{curves.component}", ylabel="mean, standard deviations")
        ax.legend(loc="best", **LEGEND | {"fontsize": 8})
        headline(ax, f"z{curves.component}", f"{100 * self.shares[curves.component]:.0f} %")
        clean(ax, grid="both")


def _curves(vae: VAETransformer, amounts: Amounts, Z: Floats, k: int, columns: NDArray[Any], spread: Floats) -> Curves:
    """The curves of one component, of the columns that it explains most of; positions are those among ``columns``."""
    explained = vae.explained_variance_by_column_[:, vae.table_.positions][k, columns]
    shown = [int(j) for j in np.argsort(-explained, kind="stable")[:N_LINES]]
    low, high = np.quantile(Z[:, k], ENDS).tolist()
    places = np.linspace(low, high, N_PLACES)
    values = mean_curve(vae.vae_, vae.table_, torch.from_numpy(Z).to(vae.device_), k, places)
    values = values - values.mean(axis=0)
    by_column = [amounts.most_moved(values, int(columns[j])) for j in shown]
    unit = [spread[columns[j]] or 1.0 for j in shown]
    return Curves(k, places, shown, np.column_stack(by_column) / unit)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, but is {count}. Pass a larger number.")
