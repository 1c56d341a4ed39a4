"""How many components a search has found worthwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, clean, headline
from skvae.drawing.labels import short
from skvae.drawing.palette import BLUE, CLASSES, RED
from skvae.inspection.canvas import axes_for
from skvae.inspection.display import Display

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

Candidates: TypeAlias = Sequence[Mapping[str, Any]]  # parameters of each

MAX_LINES = 6  # settings of other parameters that get a line of their own
MAX_TICKS = 12  # sizes that are all named
WIDE = 8  # ratio of the largest size to the smallest from which the axis is logarithmic
MARK: dict[str, Any] = {  # around a candidate
    "markerfacecolor": "none",
    "markeredgecolor": RED,
    "markersize": 13,
    "markeredgewidth": 1.8,
    "zorder": 5,
}


class LatentSizeDisplay(Display):
    """Held-out score of a search against the number of components, one line for each setting of other parameters.

    The bars of the best setting are one standard error over the folds, and the band is that of the best candidate. The
    ring marks this one, the square the smallest size of the same setting within its standard error: no larger one is
    clearly better. The title says where the best size is the largest or the smallest that was tried, beyond which there
    may be a better one.

    Parameters
    ----------
    cv_results : mapping
        Scores of a search: ``cv_results_`` of ``GridSearchCV``, ``VAESearchCV``, ``RandomizedSearchCV`` or a halving
        search, of which the last round of each candidate counts.
    param : str, optional
        Name of the parameter, such as "vae__n_components"; needed where several end in "n_components".
    metric : str, default="score"
        Name of the score, of a search with several.

    Attributes
    ----------
    table : DataFrame
        One row a candidate: ``n_components``, ``mean``, ``error``, ``n_folds``, ``setting``.
    best_n_components : int
        Number of components of the candidate with the best mean.
    smallest_n_components : int
        Smallest number of components within one standard error of it.
    edge : {"largest", "smallest"} or None
        End of the sizes tried at which the best one lies, where there may be a better one beyond it.
    metric : str
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : dict of matplotlib Line2D
        Lines by setting.

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

    lines_: dict[str, Line2D]

    def __init__(self, cv_results: Mapping[str, Any], *, param: str | None = None, metric: str = "score") -> None:
        self.metric = metric
        name = _size_parameter(cv_results, param)
        if f"mean_test_{metric}" not in cv_results:
            known = [key.removeprefix("mean_test_") for key in cv_results if key.startswith("mean_test_")]
            raise ValueError(
                f"metric must be one of {known}, but is {metric!r}. Pass the name of a score of the search."
            )
        self.table = _candidates(cv_results, name, metric)
        if self.table["mean"].isna().all():
            raise ValueError("No candidate has a score: all fits failed. Search with error_score='raise' to see why.")
        self._best = _best_of(self.table)
        self.best_n_components = int(self._best["n_components"])
        self.smallest_n_components = _smallest_near(self._best, self.table)
        self.edge = _edge(self.best_n_components, self.table["n_components"])

    @classmethod
    def from_estimator(
        cls, search: BaseEstimator, *, param: str | None = None, metric: str = "score", ax: Axes | None = None
    ) -> Self:
        """Draw a fitted search.

        Parameters
        ----------
        search : GridSearchCV, VAESearchCV or any other with ``cv_results_``
            Fitted search.
        param : str, optional
            Name of the parameter, where several end in "n_components".
        metric : str, default="score"
            Name of the score, of a search with several.
        ax : matplotlib Axes, optional
            Axes to draw in.

        Returns
        -------
        LatentSizeDisplay
        """
        if not hasattr(search, "cv_results_"):
            raise TypeError(
                f"A fitted search has cv_results_, but this {type(search).__name__} has none. Pass a search after fit."
            )
        return cls(search.cv_results_, param=param, metric=metric).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:  # noqa: D102
        self.ax_ = ax = axes_for(ax, (6.4, 4.2))
        self.figure_, self.lines_ = ax.figure, {}
        shown = self._shown_settings()
        for color, setting in zip(CLASSES, shown, strict=False):
            self._draw(setting, color if len(shown) > 1 else BLUE)
        self._mark()
        if len(shown) > 1:
            ax.legend(loc="best", **LEGEND)
        self._label(n_hidden=self.table["setting"].nunique() - len(shown))
        return self

    def _shown_settings(self) -> list[str]:
        """The settings with the best candidates, in the order of the table."""
        best = self.table.groupby("setting")["mean"].max().sort_values(ascending=False).index[:MAX_LINES]
        return [setting for setting in self.table["setting"].unique() if setting in best]

    def _draw(self, setting: str, color: str) -> None:
        """Draw the line of a setting, with standard errors where it is the best."""
        rows = self.table[self.table["setting"] == setting].dropna(subset="mean")
        x, mean = rows["n_components"], rows["mean"]
        width, zorder = 1.3, 2
        if setting == self._best["setting"]:
            width, zorder = 2.0, 3
            self.ax_.errorbar(x, mean, rows["error"], fmt="none", color=color, elinewidth=1.2)
        (self.lines_[setting],) = self.ax_.plot(
            x, mean, "o-", color=color, linewidth=width, markersize=5, label=short(setting, 40), zorder=zorder
        )

    def _mark(self) -> None:
        """A ring around the best candidate, and a square around the smallest that lies in the band of its error."""
        mean, error = float(self._best["mean"]), float(self._best["error"])
        self.ax_.plot(self.best_n_components, mean, "o", **MARK)
        if self.smallest_n_components != self.best_n_components:
            self.ax_.axhspan(mean - error, mean, color=RED, alpha=0.08, linewidth=0, zorder=0)
            own = self.table[self.table["setting"] == self._best["setting"]].set_index("n_components")["mean"]
            self.ax_.plot(self.smallest_n_components, own[self.smallest_n_components], "s", **MARK)

    def _label(self, n_hidden: int) -> None:
        ax, sizes = self.ax_, sorted(set(self.table["n_components"]))
        if len(sizes) > 2 and sizes[-1] / sizes[0] >= WIDE:
            ax.set_xscale("log", base=2)
        if len(sizes) <= MAX_TICKS:
            ax.set_xticks(sizes, [str(size) for size in sizes])
            ax.minorticks_off()
        name = "ELBO, nats per row" if self.metric == "score" else self.metric
        ax.set(xlabel="n_components", ylabel=f"held-out {name}")
        headline(ax, self._title(), f"{n_hidden} settings not shown" if n_hidden else "")
        clean(ax)

    def _title(self) -> str:
        title = f"Best: {self.best_n_components} component"
        if self.best_n_components > 1:
            title += "s"
        if self.smallest_n_components != self.best_n_components:
            title += f"; {self.smallest_n_components} within one standard error"
        if self.edge is not None:
            title += f"\nThe {self.edge} size tried: a {self.edge.replace('est', 'er')} one may be better"
        return title


def _edge(best: int, sizes: pd.Series) -> Literal["largest", "smallest"] | None:
    """The end of the sizes at which the best one lies; nothing is smaller than one component."""
    if best == sizes.max():
        return "largest"
    return "smallest" if best == sizes.min() > 1 else None


def _size_parameter(cv_results: Mapping[str, Any], param: str | None) -> str:
    """Name of the parameter that is the number of components."""
    tried = [key.removeprefix("param_") for key in cv_results if key.startswith("param_")]
    if param is None:
        found = [name for name in tried if name.split("__")[-1] == "n_components"]
    else:
        found = [name for name in tried if name == param]
    of_all = [name for name in found if _is_tried_by_all(name, cv_results["params"])]
    if len(of_all) != 1:
        asked = "" if param is None else f" and param is {param!r}"
        raise ValueError(
            f"The search must try one parameter of every candidate that ends in 'n_components', but it tried {tried}"
            f"{asked}. Pass param, the name of the right one."
        )
    return of_all[0]


def _is_tried_by_all(name: str, candidates: Candidates) -> bool:
    return all(name in candidate for candidate in candidates)


def _candidates(cv_results: Mapping[str, Any], name: str, metric: str) -> pd.DataFrame:
    """The table of a display: the last round of each candidate, by setting and size."""
    n_folds = sum(key.startswith("split") and key.endswith(f"_test_{metric}") for key in cv_results)
    table = pd.DataFrame(
        {
            "n_components": [int(candidate[name]) for candidate in cv_results["params"]],
            "mean": np.asarray(cv_results[f"mean_test_{metric}"], dtype=float),
            "error": np.asarray(cv_results[f"std_test_{metric}"], dtype=float) / np.sqrt(max(n_folds - 1, 1)),
            "setting": _settings(cv_results, name),
            "round": cv_results.get("iter", 0),
        }
    )
    table = table.sort_values("round", kind="stable").drop_duplicates(["n_components", "setting"], keep="last")
    return table.sort_values(["setting", "n_components"], kind="stable").reset_index(drop=True)


def _best_of(table: pd.DataFrame) -> pd.Series:
    """The candidate with the best mean, of the last round if any of its fits went well."""
    last = table[table["round"] == table["round"].max()]  # earlier rounds saw less
    if last["mean"].isna().all():
        last = table
    best: pd.Series = last.sort_values("mean", ascending=False).iloc[0]
    return best


def _smallest_near(best: pd.Series, table: pd.DataFrame) -> int:
    """Smallest size of the same setting and round within one standard error of the best candidate."""
    same = table[(table["setting"] == best["setting"]) & (table["round"] == best["round"])]
    return int(same.loc[same["mean"] >= best["mean"] - best["error"], "n_components"].min())


def _settings(cv_results: Mapping[str, Any], name: str) -> list[str]:
    """Other parameters of each candidate as text, as far as they differ between candidates."""
    candidates = cv_results["params"]
    others = {key for candidate in candidates for key in candidate} - {name} - _resources(cv_results)
    varied = {key for key in others if _differs(key, candidates)}
    return [_describe(candidate, varied) for candidate in candidates]


def _differs(key: str, candidates: Candidates) -> bool:
    return len({repr(candidate.get(key)) for candidate in candidates}) > 1


def _resources(cv_results: Mapping[str, Any]) -> set[str]:
    """The parameter that a halving search sets itself, such as max_iter, if it is one."""
    rounds = list(zip(cv_results["params"], cv_results.get("n_resources", []), strict=False))
    found = set()
    for key in cv_results["params"][0]:
        if rounds and all(candidate.get(key) == amount for candidate, amount in rounds):
            found.add(key)
    return found


def _describe(candidate: Mapping[str, Any], varied: set[str]) -> str:
    parts = []
    for key, value in candidate.items():
        if key in varied:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(f"{key.split('__')[-1]}={text}")
    return ", ".join(parts)
