"""Which components are in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skvae.drawing.axes import LEGEND, clean, headline
from skvae.drawing.palette import BLUE, RED
from skvae.inspection.canvas import axes_for
from skvae.inspection.display import Display
from skvae.inspection.fitted import Rows, find_vae
from skvae.inspection.report import latent_report
from skvae.models import ACTIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer

MAX_LABELS = 40  # components that are numbered


class ComponentActivityDisplay(Display):
    """KL of each latent component, the largest first; a cross marks a component that is switched off.

    Parameters
    ----------
    kl : array-like of shape (n_components,)
        Mean KL(q(z_k | x) ‖ p(z_k)) of each component, nats.
    threshold : float, default=0.01
        Nats below which a component is inactive.

    Attributes
    ----------
    kl : ndarray of shape (n_components,)
    order : ndarray of shape (n_components,)
        Components from the largest KL to the smallest.
    active : ndarray of bool of shape (n_components,)
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer

    See Also
    --------
    latent_report : Also says whether a component tells rows apart, and what to do.

    Examples
    --------
    >>> from skvae.inspection import ComponentActivityDisplay
    >>> display = ComponentActivityDisplay([0.5, 0.001, 2.0]).plot()
    >>> display.order, display.ax_.get_title(loc="left")
    (array([2, 0, 1]), '2 of 3 components active')
    """

    bars_: BarContainer

    def __init__(self, kl: ArrayLike, *, threshold: float = ACTIVE) -> None:
        self.kl = np.asarray(kl, dtype=float)
        if self.kl.ndim != 1 or not len(self.kl):
            raise ValueError(
                f"kl must hold one number for each component, but its shape is {self.kl.shape}. Pass kl_per_component_."
            )
        self.threshold = threshold
        self.order = np.argsort(-self.kl, kind="stable")
        self.active = self.kl > threshold

    @classmethod
    def from_estimator(cls, estimator: BaseEstimator, X: Rows | None = None, *, ax: Axes | None = None) -> Self:
        """Draw the components of a fitted estimator.

        Parameters
        ----------
        estimator : VAETransformer, Pipeline or search
            Fitted estimator.
        X : array-like or DataFrame, optional
            Rows over which the KL is averaged; without them, ``kl_per_component_``, of training rows, is drawn.
        ax : matplotlib Axes, optional
            Axes to draw in.

        Returns
        -------
        ComponentActivityDisplay
        """
        vae = find_vae(estimator).vae
        kl = vae.kl_per_component_
        if X is not None:
            kl = latent_report(estimator, X)["kl"].drop("all")
        return cls(kl).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:  # noqa: D102
        n_components, n_active = len(self.kl), int(self.active.sum())
        ax = axes_for(ax, (float(np.clip(1.6 + 0.3 * n_components, 4.6, 10)), 3.4))
        places, heights = np.arange(n_components), self.kl[self.order]
        self.ax_, self.figure_ = ax, ax.figure
        self.bars_ = ax.bar(places, heights, color=BLUE, width=0.72)
        top = max(heights.max(), self.threshold)
        off = places[~self.active[self.order]]
        if len(off):
            label = f"inactive, at most {self.threshold:g} nats"
            lift = np.full(len(off), 0.025 * top)
            ax.plot(off, lift, "x", color=RED, markersize=6, markeredgewidth=1.6, label=label)
            ax.legend(loc="upper right", **LEGEND)
        ax.set_xticks([])
        if n_components <= MAX_LABELS:
            ax.set_xticks(places, [str(k) for k in self.order])
        ax.set(xlabel="component, the most active first", ylabel="KL, nats per row", xlim=(-0.7, n_components - 0.3))
        ax.set_ylim(0, 1.08 * top)
        headline(ax, f"{n_active} of {n_components} components active", f"{self.kl.sum():.2f} nats in all")
        clean(ax)
        return self
