"""Rows on a plane of the latent space."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, clean
from skvae.drawing.labels import short
from skvae.drawing.maps import label_bar
from skvae.drawing.palette import BLUE, CLASSES, FAINT, GREY
from skvae.inspection.canvas import axes_for
from skvae.inspection.display import Display
from skvae.inspection.fitted import Rows, as_frame, find_vae, two_components

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.legend import Legend

MAX_LETTERS = 20  # of a name in the legend
MISSING = "(missing)"  # name in the legend


class LatentSpaceDisplay(Display):
    """Scatter of latent coordinates on two components, coloured by anything.

    Parameters
    ----------
    Z : array-like of shape (n_rows, n_components)
        Latent coordinates, as ``transform`` returns them.
    components : pair of int, default=(0, 1)
        Components to the right and upwards.
    color : array-like of shape (n_rows,), optional
        Value of each row. Numbers get a colour bar. Text, booleans, categories and up to 12 different whole numbers
        get a legend, with levels beyond the 12th under one name and missing ones in grey. The name of a Series or
        Index is the title.
    kl : array-like of shape (n_components,), optional
        KL of each component, nats, for the labels of the axes.

    Attributes
    ----------
    Z : ndarray of shape (n_rows, n_components)
    components : pair of int
    levels : list of str, or None
        Names in the legend; None where there is no legend.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_ : matplotlib PathCollection
    legend_, colorbar_ : matplotlib Legend and Colorbar, or None

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import LatentSpaceDisplay
    >>> iris = load_iris(as_frame=True)
    >>> vae = VAETransformer(3, max_iter=5, random_state=0).fit(iris.data)
    >>> display = LatentSpaceDisplay.from_estimator(vae, iris.data, color=iris.target)
    >>> display.levels
    ['0', '1', '2']
    """

    scatter_: PathCollection
    legend_: Legend | None
    colorbar_: Colorbar | None

    def __init__(
        self,
        Z: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        color: ArrayLike | None = None,
        kl: ArrayLike | None = None,
    ) -> None:
        self.Z = np.asarray(Z)
        if self.Z.ndim != 2 or self.Z.shape[1] < 2:
            raise ValueError(
                f"Z must have two columns or more, but its shape is {self.Z.shape}. Pass what transform returned."
            )
        self.components = components
        self.color = None if color is None else _series(color)
        self.kl = None if kl is None else np.asarray(kl)
        if self.color is not None and len(self.color) != len(self.Z):
            raise ValueError(
                f"color must have one value for each of the {len(self.Z)} rows, but has {len(self.color)}. Pass the "
                f"column of the same rows."
            )
        self.levels = _levels(self.color)

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: Rows,
        *,
        color: ArrayLike | Hashable | None = None,
        components: tuple[int, int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Transform rows and draw them.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows to draw.
        color : array-like of shape (n_rows,), or label, optional
            Number or category of each row, or label of the column of X that holds them.
        components : pair of int, optional
            Components to the right and upwards; by default the two of the largest KL.
        ax : matplotlib Axes, optional
            Axes to draw in.
        **kwargs
            Keywords of ``Axes.scatter``.

        Returns
        -------
        LatentSpaceDisplay
        """
        found = find_vae(estimator)
        chosen = two_components(found.vae, components)
        Z = np.asarray(found.vae.transform(found.rows(X)))
        values: Any = color
        if color is not None and np.ndim(values) == 0:
            values = _column(values, X)
        return cls(Z, components=chosen, color=values, kl=found.vae.kl_per_component_).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw in.
        **kwargs
            Keywords of ``Axes.scatter``.

        Returns
        -------
        self
        """
        ax = axes_for(ax, (6.4, 5.2))
        self.ax_, self.figure_, self.legend_, self.colorbar_ = ax, ax.figure, None, None
        order = np.random.default_rng(0).permutation(len(self.Z))  # so that no level hides the ones before it
        x, y = self.Z[order][:, list(self.components)].T
        size = float(np.clip(12000 / max(len(x), 1), 6, 36))
        options = {"s": size, "alpha": 0.8, "linewidths": 0} | self._coloring(order) | kwargs
        self.scatter_ = ax.scatter(x, y, **options)
        if self.levels is not None:
            self._add_legend(self.levels)
        elif self.color is not None:
            self._add_colorbar()
        ax.set(xlabel=self._label(self.components[0]), ylabel=self._label(self.components[1]))
        ax.set_aspect("equal", adjustable="datalim")  # both axes are in standard deviations of the prior
        clean(ax, grid="both")
        return self

    def _coloring(self, order: NDArray[np.intp]) -> dict[str, Any]:
        """Keywords of ``Axes.scatter`` for the colours of the rows, in an order."""
        if self.color is None:
            return {"color": BLUE}
        if self.levels is None:
            values = pd.to_numeric(self.color).to_numpy(dtype=float, na_value=np.nan)[order]
            return {"c": np.ma.masked_invalid(values), "cmap": missing_in_grey("viridis"), "plotnonfinite": True}
        colors = _colors_of(self.levels)
        return {"color": [colors[level] for level in _names(self.color, self.levels)[order]]}

    def _label(self, k: int) -> str:
        label = f"component {k}"
        if self.kl is not None:
            label += f" ({self.kl[k]:.2f} nats)"
        return label

    def _title(self) -> str:
        name = None if self.color is None else self.color.name
        return "" if name is None else short(name, MAX_LETTERS)

    def _add_colorbar(self) -> None:
        self.colorbar_ = bar = self.figure_.colorbar(self.scatter_, ax=self.ax_, shrink=0.8, pad=0.02)
        assert bar.solids is not None, "colours are filled"
        bar.solids.set(alpha=1)
        label_bar(bar, self._title(), fontsize=10, labelsize=9)

    def _add_legend(self, levels: list[str]) -> None:
        from matplotlib.lines import Line2D

        dot: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 6}
        colors = _colors_of(levels)
        handles = [Line2D([], [], color=colors[level], label=short(level, MAX_LETTERS), **dot) for level in levels]
        self.legend_ = self.ax_.legend(
            handles=handles,
            title=self._title(),
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            handletextpad=0.1,
            **LEGEND,
        )
        self.legend_.get_title().set(color=FAINT, fontsize=9)


def missing_in_grey(name: str) -> Colormap:
    """A colour map whose missing values are grey."""
    from matplotlib import colormaps

    colors: Any = colormaps[name]
    with_grey: Colormap = colors.with_extremes(bad=GREY)
    return with_grey


def _colors_of(levels: list[str]) -> dict[str, str]:
    """A colour for each name in the legend: grey for what is no level, the others and the missing."""
    colors = {}
    for place, level in enumerate(levels):
        is_rest = level.startswith("(")
        colors[level] = GREY if is_rest else CLASSES[place % len(CLASSES)]
    return colors


def _series(color: ArrayLike) -> pd.Series:
    """One value a row, of any container."""
    is_of_pandas = isinstance(color, pd.Series | pd.Index | pd.api.extensions.ExtensionArray)
    if hasattr(color, "to_list") and not is_of_pandas:
        return pd.Series(color.to_list(), name=getattr(color, "name", None))  # of polars or pyarrow
    return pd.Series(color).reset_index(drop=True)


def _column(label: Hashable, X: Rows) -> pd.Series:
    """The values of a column, by its label."""
    frame = as_frame(X)
    if label not in frame.columns:
        raise ValueError(
            f"color must be a column of X, whose columns are {list(frame.columns[:10])}, or one value for each row, "
            f"but is {label!r}. Pass the values themselves if they are not in X."
        )
    column: pd.Series = frame[label]
    return column.reset_index(drop=True)


def _is_scale(color: pd.Series) -> bool:
    """Whether values are numbers along a scale, rather than levels."""
    if not pd.api.types.is_numeric_dtype(color) or pd.api.types.is_bool_dtype(color):
        return False
    observed = color.dropna()
    return observed.nunique() > len(CLASSES) or bool((observed != observed.round()).any())


def _levels(color: pd.Series | None) -> list[str] | None:
    """Names of the legend, in order; None if the values are no levels but a scale."""
    if color is None or _is_scale(color):
        return None
    counts = color.value_counts()
    names = [_name(level) for level in _shown_levels(color, counts)]
    n_others = int((counts > 0).sum()) - len(names)
    if n_others:
        names.append(f"({n_others} others)")
    if color.isna().any():
        names.append(MISSING)
    return names


def _shown_levels(color: pd.Series, counts: pd.Series) -> list[Hashable]:
    """The levels that get a colour, the most frequent if there are too many: in their own order, or sorted."""
    n_shown = len(CLASSES)
    if len(counts) > n_shown:
        n_shown -= 1  # one name for all others
    shown = counts.index[:n_shown]
    if isinstance(color.dtype, pd.CategoricalDtype):
        return [level for level in color.dtype.categories if level in set(shown) and counts[level] > 0]
    if pd.api.types.infer_dtype(shown).startswith("mixed"):  # values of several types have no order
        return list(shown)
    return sorted(shown)


def _names(color: pd.Series, levels: list[str]) -> NDArray[np.object_]:
    """The name in the legend of each row."""
    names = np.array([MISSING if pd.isna(value) else _name(value) for value in color], dtype=object)
    others = [level for level in levels if level.endswith(" others)")]
    return np.where(np.isin(names, levels), names, others[0] if others else "")


def _name(level: object) -> str:
    if isinstance(level, (float, np.floating)):
        return f"{level:g}"
    return str(level)
