"""How many components a search has found worthwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from skvae.inspection.canvas import BLUE, CLASSES, RED, axes_for, clean, headline
from skvae.metrics.picture import FAINT, INK, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 6  # settings of other parameters that get a line of their own


class LatentSizeDisplay:
    """Held-out score of a search against the number of components, one line for each setting of other parameters.

    The bars of the best setting are one standard error over the folds. The ring marks the best candidate, the square
    the smallest size of the same setting within one standard error of it: no larger one is clearly better.

    Parameters
    ----------
    cv_results : mapping
        ``cv_results_`` of ``GridSearchCV``, ``VAESearchCV``, ``RandomizedSearchCV`` or a halving search, of which the
        last round of each candidate counts.
    param : str, optional
        Name of the parameter, such as "vae__n_components"; needed where several end in "n_components".
    metric : str, default="score"
        Which of several scores.

    Attributes
    ----------
    table : DataFrame
        One row a candidate: ``n_components``, ``mean``, ``error``, ``n_folds``, ``setting``.
    best_n_components : int
        Of the candidate with the best mean.
    smallest_n_components : int
        The smallest within one standard error of it.
    metric : str
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of matplotlib Line2D
        By setting, for those that are drawn.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, section 3.4.3, for the rule of one
    standard error.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAESearchCV, VAETransformer
    >>> from skvae.inspection import LatentSizeDisplay
    >>> vae = VAETransformer(max_iter=5, random_state=0)
    >>> search = VAESearchCV(vae, {"n_components": [1, 2, 3]}, cv=3).fit(load_iris().data)
    >>> display = LatentSizeDisplay.from_estimator(search)
    >>> display.best_n_components == search.best_params_["n_components"]
    True
    """

    ax_: Axes
    figure_: Any
    lines_: dict[str, Any]

    def __init__(self, cv_results: Mapping[str, Any], *, param: str | None = None, metric: str = "score") -> None:
        self.metric = metric
        name = _size_parameter(cv_results, param)
        if f"mean_test_{metric}" not in cv_results:
            known = [key.removeprefix("mean_test_") for key in cv_results if key.startswith("mean_test_")]
            raise ValueError(
                f"metric must be one of {known}, but is {metric!r}. Pass the name of a score of the search."
            )
        own = {name, *_resources(cv_results)}
        settings = [{key: value for key, value in params.items() if key not in own} for params in cv_results["params"]]
        varied = {key for one in settings for key in one if len({repr(other.get(key)) for other in settings}) > 1}
        n_folds = sum(key.startswith("split") and key.endswith(f"_test_{metric}") for key in cv_results)
        table = pd.DataFrame(
            {
                "n_components": [int(params[name]) for params in cv_results["params"]],
                "mean": np.asarray(cv_results[f"mean_test_{metric}"], dtype=float),
                "error": np.asarray(cv_results[f"std_test_{metric}"], dtype=float) / np.sqrt(max(n_folds - 1, 1)),
                "setting": [_describe(one, varied) for one in settings],
                "round": cv_results.get("iter", 0),
            }
        )
        table = table.sort_values("round", kind="stable").drop_duplicates(["n_components", "setting"], keep="last")
        self.table = table.sort_values(["setting", "n_components"], kind="stable").reset_index(drop=True)
        if self.table["mean"].isna().all():
            raise ValueError("No candidate has a score: all fits failed. Search with error_score='raise' to see why.")
        last = self.table[self.table["round"] == self.table["round"].max()]  # earlier rounds saw less
        best = (last if last["mean"].notna().any() else self.table).sort_values("mean", ascending=False).iloc[0]
        near = self.table[(self.table["setting"] == best["setting"]) & (self.table["round"] == best["round"])]
        near = near[near["mean"] >= best["mean"] - best["error"]]
        self._best = best
        self.best_n_components = int(best["n_components"])
        self.smallest_n_components = int(near["n_components"].min())

    @classmethod
    def from_estimator(
        cls, search: Any, *, param: str | None = None, metric: str = "score", ax: Axes | None = None
    ) -> Self:
        """Draw a fitted search.

        Parameters
        ----------
        search : GridSearchCV, VAESearchCV or any other with ``cv_results_``
            Fitted.
        param : str, optional
            Name of the parameter, where several end in "n_components".
        metric : str, default="score"
            Which of several scores.
        ax : matplotlib Axes, optional
            Where to draw.

        Returns
        -------
        LatentSizeDisplay
        """
        if not hasattr(search, "cv_results_"):
            raise TypeError(
                f"A fitted search has cv_results_, but this {type(search).__name__} has none. Pass a search after fit."
            )
        return cls(search.cv_results_, param=param, metric=metric).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw.

        Returns
        -------
        self
        """
        self.ax_ = ax = axes_for(ax, (6.4, 4.2))
        self.figure_, self.lines_ = ax.figure, {}
        best = self.table.groupby("setting")["mean"].max().sort_values(ascending=False).index[:MAX_LINES]
        ranked = [setting for setting in self.table["setting"].unique() if setting in best]
        for place, setting in enumerate(ranked):
            self._draw(setting, CLASSES[place] if len(ranked) > 1 else BLUE)
        own = self.table[self.table["setting"] == self._best["setting"]].set_index("n_components")["mean"]
        ring: dict[str, Any] = {
            "markerfacecolor": "none",
            "markeredgecolor": RED,
            "markersize": 13,
            "markeredgewidth": 1.8,
            "zorder": 5,
        }
        ax.plot(self.best_n_components, self._best["mean"], "o", **ring)
        if self.smallest_n_components != self.best_n_components:
            ax.plot(self.smallest_n_components, own[self.smallest_n_components], "s", **ring)
        if len(ranked) > 1:
            ax.legend(frameon=False, fontsize=9, labelcolor=INK, loc="best")
        self._label(len(ranked))
        return self

    def _draw(self, setting: str, color: str) -> None:
        rows = self.table[self.table["setting"] == setting].dropna(subset="mean")
        x, mean, is_best = rows["n_components"], rows["mean"], setting == self._best["setting"]
        width, zorder = (2.0, 3) if is_best else (1.3, 2)
        (self.lines_[setting],) = self.ax_.plot(
            x, mean, "o-", color=color, linewidth=width, markersize=5, label=short(setting, 40), zorder=zorder
        )
        if is_best:
            self.ax_.errorbar(x, mean, rows["error"], fmt="none", color=color, elinewidth=1.2)

    def _label(self, n_lines: int) -> None:
        ax, sizes = self.ax_, sorted(set(self.table["n_components"]))
        if len(sizes) > 2 and sizes[-1] / sizes[0] >= 8:
            ax.set_xscale("log", base=2)
        if len(sizes) <= 12:
            ax.set_xticks(sizes, [str(size) for size in sizes])
            ax.minorticks_off()
        name = "held-out ELBO, nats per row" if self.metric == "score" else f"held-out {self.metric}"
        ax.set(xlabel="n_components", ylabel=name)
        smaller = f"; {self.smallest_n_components} within one standard error"
        note = smaller if self.smallest_n_components != self.best_n_components else ""
        plural = "s" * (self.best_n_components > 1)
        n_hidden = self.table["setting"].nunique() - n_lines
        headline(
            ax,
            f"Best: {self.best_n_components} component{plural}{note}",
            f"{n_hidden} settings not shown" * (n_hidden > 0),
        )
        clean(ax)
        ax.spines["bottom"].set_color(FAINT)


def _size_parameter(cv_results: Mapping[str, Any], param: str | None) -> str:
    """Which parameter is the number of components."""
    names = [key.removeprefix("param_") for key in cv_results if key.startswith("param_")]
    found = [name for name in names if name.split("__")[-1] == "n_components"]
    if param is not None:
        found = [name for name in names if name == param]
    complete = [name for name in found if all(name in params for params in cv_results["params"])]
    if len(complete) != 1:
        raise ValueError(
            f"The search must try one parameter of every candidate that ends in 'n_components', but it tried {names}"
            f"{f' and param is {param!r}' if param is not None else ''}. Pass param, the name of the right one."
        )
    return complete[0]


def _resources(cv_results: Mapping[str, Any]) -> set[str]:
    """The parameter that a halving search sets itself, such as max_iter, if it is one."""
    rounds = list(zip(cv_results["params"], cv_results.get("n_resources", []), strict=False))
    return {key for key in cv_results["params"][0] if rounds and all(params.get(key) == n for params, n in rounds)}


def _describe(setting: Mapping[str, Any], varied: set[str]) -> str:
    """Other parameters of a candidate that differ between candidates."""
    shown = {key.split("__")[-1]: value for key, value in setting.items() if key in varied}
    return ", ".join(
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in shown.items()
    )
