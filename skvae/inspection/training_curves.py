"""How training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, clean, headline
from skvae.drawing.palette import BLUE, FAINT, RED
from skvae.inspection.canvas import Floats, panels
from skvae.inspection.display import Display
from skvae.inspection.fitted import find_vae

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

PANELS = {"elbo": "ELBO", "log_likelihood": "Log-likelihood", "kl": "KL"}
FEW_EPOCHS = 15  # of a curve whose points are marked
FIRST_EPOCHS = 0.05  # share of the epochs that may lie below the frame


class TrainingDisplay(Display):
    """Training curves: ELBO of training and held-out rows, and its two terms, log-likelihood and KL.

    The ELBO is the log-likelihood less the KL. The terms are those of training rows; held-out rows are measured by
    their ELBO alone, which chooses the weights that are kept: those of the best iteration, which is marked. A steep
    ascent in the first epochs may lie below the frame.

    Parameters
    ----------
    history : mapping of lists
        Curves: ``history_`` of a fitted estimator.
    best_iter : int
        Epoch of the weights that were kept.

    Attributes
    ----------
    history : DataFrame
        One row an epoch, by number.
    best_iter : int
    ax_ : matplotlib Axes
        The place of the panels, itself blank.
    axes_ : ndarray of shape (3,) of matplotlib Axes
        The panels.
    figure_ : matplotlib Figure
    lines_ : dict of matplotlib Line2D
        Curves, by column of the history.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores against the number of training rows, by many fits.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import TrainingDisplay
    >>> vae = VAETransformer(2, max_iter=5, random_state=0).fit(load_iris().data)
    >>> display = TrainingDisplay.from_estimator(vae)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['nats per row', '', '']
    """

    axes_: NDArray[np.object_]
    lines_: dict[str, Line2D]

    def __init__(self, history: Mapping[str, Sequence[float]], best_iter: int) -> None:
        lacks = [name for name in ("epoch", "validation_elbo", *PANELS) if name not in history]
        if lacks:
            raise ValueError(f"history must have the columns of history_, but lacks {lacks}. Pass history_ itself.")
        self.history = pd.DataFrame(history).set_index("epoch")
        self.best_iter = best_iter

    @classmethod
    def from_estimator(cls, estimator: BaseEstimator, *, ax: Axes | None = None) -> Self:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator.
        ax : matplotlib Axes, optional
            Axes whose place the panels take.

        Returns
        -------
        TrainingDisplay
        """
        vae = find_vae(estimator).vae
        return cls(vae.history_, vae.best_iter_).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:  # noqa: D102
        self.ax_, axes = panels(ax, 1, 3, (10.5, 3.2))
        self.axes_, self.figure_, self.lines_ = axes[0], self.ax_.figure, {}
        for panel, (name, title) in zip(self.axes_, PANELS.items(), strict=True):
            self._draw(panel, name, BLUE, "training rows")
            headline(panel, title)
        ax = self.axes_[0]
        self._draw(ax, "validation_elbo", RED, "held-out rows")
        held_out = self.history["validation_elbo"].dropna()
        if self.best_iter in held_out.index:
            best = held_out[self.best_iter]
            ax.plot(self.best_iter, best, "o", color=RED, markeredgecolor="white", markersize=8, zorder=4)
        if np.isfinite(self.history[list(self.lines_)]).any(axis=None):
            ax.legend(loc="lower right", **LEGEND)
        for panel in self.axes_:
            panel.axvline(self.best_iter, color=FAINT, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
            panel.set_xlabel("epoch")
            panel.xaxis.get_major_locator().set_params(integer=True)
            clean(panel)
        self.axes_[0].set_ylabel("nats per row")
        headline(self.axes_[0], "ELBO", f"best: epoch {self.best_iter}")
        for panel, names in zip(self.axes_, (["elbo", "validation_elbo"], ["log_likelihood"]), strict=False):
            _leave_out_the_ascent(panel, self.history[names].to_numpy())
        return self

    def _draw(self, ax: Axes, name: str, color: str, label: str) -> None:
        curve = self.history[name].dropna()  # held-out rows are not measured in every epoch
        if len(curve):
            marker = "." if len(curve) <= FEW_EPOCHS else ""
            (self.lines_[name],) = ax.plot(curve.index, curve, color=color, label=label, marker=marker, linewidth=1.6)


def _leave_out_the_ascent(ax: Axes, curves: Floats) -> None:
    """Let the first epochs lie below the frame where all others would look flat."""
    values = curves[np.isfinite(curves)]
    if len(values) < 20:
        return
    low, high = np.quantile(values, FIRST_EPOCHS), values.max()
    if low - values.min() > high - low:
        ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
