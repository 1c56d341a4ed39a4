"""What all pictures are: figures, and a way to draw them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class Display(ABC):
    """Figures of a model, kept as attributes, and their picture.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn in, or, where there are several panels, the axes whose place they take.
    figure_ : matplotlib Figure
    """

    ax_: Axes
    figure_: Figure | SubFigure

    @abstractmethod
    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw in; several panels take their place.

        Returns
        -------
        self
        """
