"""Rows on a plane of the latent space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from skvae.inspection.canvas import BLUE, CLASSES, GREY, axes_for, clean
from skvae.inspection.fitted import find_vae, two_components
from skvae.metrics.picture import FAINT, INK, short
from skvae.tables import to_pandas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LETTERS = 20


class LatentSpaceDisplay:
    """Scatter of latent coordinates on two components, coloured by anything.

    Parameters
    ----------
    Z : array-like of shape (n_rows, n_components)
        Latent coordinates, as ``transform`` returns them.
    components : pair of int, default=(0, 1)
        Components to the right and upwards.
    color : array-like of shape (n_rows,), optional
        Numbers get a colour bar. Text, booleans, categories and up to 12 different whole numbers get a legend, with
        levels beyond the 12th under one name and missing ones in grey. A Series or Index gives its name as the title.
    kl : array-like of shape (n_components,), optional
        KL of each component, nats, for the labels of the axes.

    Attributes
    ----------
    Z : ndarray of shape (n_rows, n_components)
    components : pair of int
    levels : list of str, or None
        What the legend lists; None where there is none.
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

    ax_: Axes
    figure_: Any
    scatter_: Any
    legend_: Any
    colorbar_: Any

    def __init__(
        self,
        Z: ArrayLike,
        *,
        components: tuple[int, int] = (0, 1),
        color: Any = None,
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
        estimator: Any,
        X: Any,
        *,
        color: Any = None,
        components: tuple[int, int] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Transform rows and draw them.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted.
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
        color : array-like of shape (n_rows,), or label, optional
            Their colours, numbers or categories, or which column of X holds them.
        components : pair of int, optional
            Components to the right and upwards; by default the two of the largest KL.
        ax : matplotlib Axes, optional
            Where to draw.
        **kwargs
            For ``Axes.scatter``.

        Returns
        -------
        LatentSpaceDisplay
        """
        found = find_vae(estimator)
        chosen = two_components(found.vae, components)
        Z, color = np.asarray(found.vae.transform(found.rows(X))), _colors(color, X)
        return cls(Z, components=chosen, color=color, kl=found.vae.kl_per_component_).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.
        **kwargs
            For ``Axes.scatter``.

        Returns
        -------
        self
        """
        ax = axes_for(ax, (6.4, 5.2))
        self.ax_, self.figure_, self.legend_, self.colorbar_ = ax, ax.figure, None, None
        order = np.random.default_rng(0).permutation(len(self.Z))  # so that no level hides the ones before it
        x, y = self.Z[order][:, list(self.components)].T
        options: dict[str, Any] = {
            "s": float(np.clip(12000 / max(len(x), 1), 6, 36)),
            "alpha": 0.8,
            "linewidths": 0,
        } | kwargs
        if self.color is None:
            self.scatter_ = ax.scatter(x, y, **({"color": BLUE} | options))
        elif self.levels is None:
            values = pd.to_numeric(self.color).to_numpy(dtype=float, na_value=np.nan)[order]
            shown: dict[str, Any] = {"cmap": missing_in_grey("viridis"), "plotnonfinite": True}
            self.scatter_ = ax.scatter(x, y, c=np.ma.masked_invalid(values), **shown | options)
            self._add_colorbar()
        else:
            colors = self._add_legend()
            self.scatter_ = ax.scatter(
                x, y, color=[colors[level] for level in _names(self.color, self.levels)[order]], **options
            )
        ax.set(xlabel=self._label(self.components[0]), ylabel=self._label(self.components[1]))
        ax.set_aspect("equal", adjustable="datalim")  # both axes are in standard deviations of the prior
        clean(ax, grid="both")
        return self

    def _label(self, k: int) -> str:
        return f"component {k}" + ("" if self.kl is None else f" ({self.kl[k]:.2f} nats)")

    def _title(self) -> str:
        assert self.color is not None, "without colours there is no title"
        return "" if self.color.name is None else short(self.color.name, MAX_LETTERS)

    def _add_colorbar(self) -> None:
        self.colorbar_ = self.figure_.colorbar(self.scatter_, ax=self.ax_, shrink=0.8, pad=0.02)
        self.colorbar_.solids.set(alpha=1)
        self.colorbar_.outline.set_visible(False)
        self.colorbar_.ax.tick_params(length=0, labelsize=9, colors=INK)
        self.colorbar_.set_label(self._title(), color=INK, size=10)

    def _add_legend(self) -> dict[str, str]:
        """The colour of each level."""
        from matplotlib.lines import Line2D

        levels = self.levels or []
        colors = {level: GREY if level.startswith("(") else CLASSES[i % len(CLASSES)] for i, level in enumerate(levels)}
        handles = [
            Line2D([], [], marker="o", linestyle="", markersize=6, color=color, label=short(level, MAX_LETTERS))
            for level, color in colors.items()
        ]
        self.legend_ = self.ax_.legend(
            handles=handles,
            title=self._title(),
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            handletextpad=0.1,
        )
        self.legend_.get_title().set(color=FAINT, fontsize=9)
        return colors


def missing_in_grey(name: str) -> Any:
    """A colour map whose missing values are grey."""
    from matplotlib import colormaps

    colors: Any = colormaps[name]
    return colors.with_extremes(bad=GREY)


def _series(color: Any) -> pd.Series:
    """One value a row, of any container."""
    if hasattr(color, "to_list") and not isinstance(color, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(color.to_list(), name=getattr(color, "name", None))  # of polars or pyarrow
    return pd.Series(color).reset_index(drop=True)


def _colors(color: Any, X: Any) -> Any:
    """The values of a column, if that is what was asked for."""
    if color is None or np.ndim(color) > 0:
        return color
    X = to_pandas(X)[0]
    if not isinstance(X, pd.DataFrame):
        X = pd.DataFrame(np.asarray(X))
    if color not in X.columns:
        raise ValueError(
            f"color must be a column of X, whose columns are {list(X.columns[:10])}, or one value for each row, but is "
            f"{color!r}. Pass the values themselves if they are not in X."
        )
    return X[color].reset_index(drop=True)


def _levels(color: pd.Series | None) -> list[str] | None:
    """Names of the legend, in order, if the values are levels rather than a scale."""
    if color is None:
        return None
    is_scale = pd.api.types.is_numeric_dtype(color) and not pd.api.types.is_bool_dtype(color)
    if is_scale:
        observed = color.dropna()
        if observed.nunique() > len(CLASSES) or (observed != observed.round()).any():
            return None
    counts = color.value_counts()
    kept: Any = counts.index[: len(CLASSES) if len(counts) <= len(CLASSES) else len(CLASSES) - 1]
    if isinstance(color.dtype, pd.CategoricalDtype):
        kept = [level for level in color.cat.categories if level in set(kept) and counts[level] > 0]
    elif not pd.api.types.infer_dtype(kept).startswith("mixed"):
        kept = sorted(kept)
    names = [_name(level) for level in kept]
    n_others = int((counts > 0).sum()) - len(names)
    return names + [f"({n_others} others)"] * (n_others > 0) + ["(missing)"] * bool(color.isna().any())


def _names(color: pd.Series, levels: list[str]) -> Any:
    """The name in the legend of each row."""
    names = np.array([_name(value) if not pd.isna(value) else "(missing)" for value in color], dtype=object)
    others = next((level for level in levels if level.endswith(" others)")), "")
    return np.where(np.isin(names, levels), names, others)


def _name(level: Any) -> str:
    return f"{level:g}" if isinstance(level, (float, np.floating)) else str(level)
