"""A fit with every "auto" decided, and what it is decided from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from skvae.models.architecture import Architecture, Network
from skvae.priors import PriorFamily
from skvae.training import BetaSchedule, Objective, Recipe


class Parameters(Protocol):
    """What a user may say of a fit: the parameters of ``VAETransformer`` that are not about the columns."""

    n_components: int
    ordered: bool
    hidden_layer_sizes: str | Sequence[int]
    activation: str
    dropout: float
    encoder: Network
    decoder: Network
    prior: str | PriorFamily
    init: str
    objective: str
    n_draws: int
    beta: float | BetaSchedule
    free_bits: str | float
    input_dropout: str | float
    input_noise: float
    learning_rate: str | float
    weight_decay: str | float
    batch_size: str | int
    max_iter: str | int
    early_stopping: str | bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    warm_start: bool
    precision: str


@dataclass(frozen=True)
class Stage:
    """The training of one model beside the VAE.

    Attributes
    ----------
    recipe : Recipe
        How its weights are found.
    n_threads : int or None
        Threads of the matrix products at most; None for all.
    n_folds : int
        Folds that are trained at most, where there are any.
    """

    recipe: Recipe
    n_threads: int | None
    n_folds: int


@dataclass(frozen=True)
class Plan:
    """One fit, in numbers.

    Attributes
    ----------
    architecture : Architecture
        What the model is made of.
    recipe : Recipe
        How its weights are found.
    objective : Objective
        What they maximise.
    init : {"linear", "numbers", "random"}
        Where training starts.
    early_stopping : "auto" or bool
        Which rows choose the best weights: see ``split_rows``.
    validation_fraction : float
        Share of rows held out, where a part is.
    n_threads : int or None
        Threads of the matrix products at most; None for all.
    n_folds : int
        Folds that are trained at most, where there are any.
    beside : dict of Stages
        Trainings of the models beside the VAE, by name.
    is_nested : bool
        Whether the first k components are trained to be a model themselves, for every k.
    may_begin : bool
        Whether there are categories that could start at a linear model, and do not.
    """

    architecture: Architecture
    recipe: Recipe
    objective: Objective
    init: str
    early_stopping: str | bool
    validation_fraction: float
    n_threads: int | None
    n_folds: int
    beside: Mapping[str, Stage] = field(default_factory=dict)
    is_nested: bool = False
    may_begin: bool = False

    @property
    def n_epochs(self) -> int:
        """Epochs of all trainings, at most."""
        return self.recipe.max_iter + sum(stage.recipe.max_iter for stage in self.beside.values())
