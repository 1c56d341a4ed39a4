"""One fit among those that are trained in one stack."""

from __future__ import annotations

from torch import Tensor

from skvae.networks import VAE
from skvae.training.history import History
from skvae.training.objective import Objective
from skvae.training.recipe import Recipe
from skvae.training.stopping import EarlyStopping


class Candidate:
    """One fit of a stack: what it maximises and how fast, and what has become of it.

    Parameters
    ----------
    recipe, objective : Recipe, Objective
        How it is trained and what it maximises. Candidates of one stack may differ in learning rate, weight decay, β
        and free bits.
    n_components : int
        Dimension K of z.
    offset : float
        Number that its history adds to every log-likelihood (see ``History``).

    Attributes
    ----------
    stopping : EarlyStopping
        Its best weights so far.
    history : History
        Its epochs so far.
    at_start : Tensor or None
        The objective of each held-out row at the first evaluation.
    vae : VAE or None
        Its models alone, once it has stopped before others.
    """

    def __init__(self, recipe: Recipe, objective: Objective, n_components: int, offset: float = 0.0) -> None:
        self.recipe = recipe
        self.objective = objective
        self.n_components = n_components
        self.stopping = EarlyStopping(patience=recipe.n_iter_no_change, tol=recipe.tol)
        self.history = History(offset)
        self.history.add(0.0, None)
        self.at_start: Tensor | None = None
        self.vae: VAE | None = None
