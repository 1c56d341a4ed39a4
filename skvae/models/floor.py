"""The floor under a fit: on its own rows it does not end below its start."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from skvae.models.data import Data
from skvae.models.kl import every_nth
from skvae.networks import restack
from skvae.training import Aim, Candidate, History, Judge, Noise, Recipe, Split, Trainee


class Floor:
    """Keeps the model as it was before the first step, for fits that no row apart from their own judges.

    Parameters
    ----------
    model : VAE or Chain
        A stack whose last model is the one of all training rows; it is copied.
    recipe, objective : Recipe, and Objective or LogLikelihood
        How it is trained, and what it maximises.
    split : Split
        Its rows. Where some of them are held out from all models, these are the judges, and there is no floor.
    seed : int
        Seed of the posterior draws.

    Attributes
    ----------
    left : list of Tensors or None
        State of the module that training led to, where ``hold`` has gone back from it.
    """

    def __init__(self, model: Trainee, recipe: Recipe, objective: Aim, split: Split, seed: int) -> None:
        self.recipe, self.objective, self.seed, self.rows = recipe, objective, seed, split.train[-1]
        self.start: Trainee | None = None
        self.left: list[Tensor] | None = None
        if not split.held_out or len(split.train) > 1:
            self.start = copy.deepcopy(model)
            restack(self.start, [model.n_models - 1])

    @torch.no_grad()
    def hold(self, model: Trainee, history: History, data: Data, *, only_if_broken: bool = False) -> None:
        """Go back to the start if training has left its rows worse off. The stack is one of one by now.

        With ``only_if_broken``, they may be worse off, but must have a finite objective.
        """
        if self.start is None:
            return
        some = data.take(self.rows[:: every_nth(len(self.rows))])
        gain = self._gain(self.start, model, some.x, some.weights)
        if not math.isfinite(gain) or (gain < 0 and not only_if_broken):
            self.left = [tensor.cpu().clone() for tensor in model.state_dict().values()]
            model.load_state_dict(self.start.state_dict())
            history.best_iter = 0

    def _gain(self, start: Trainee, model: Trainee, x: Tensor, weights: Tensor | None) -> float:
        """What training has brought a row on average, in the objective that it maximises; 0 where nobody can say."""
        everything = torch.arange(len(x), device=x.device)
        candidate = Candidate(self.recipe, self.objective, start.n_components)
        noise = Noise(self.seed, x.device)
        split = Split([everything], [everything])
        judge = Judge(start, x, weights, split, noise, [candidate], self.recipe.dtype)
        (before,) = judge(start, [candidate], self.objective)
        (after,) = judge(model, [candidate], self.objective)
        return after.gain if math.isfinite(before.criterion) else 0.0
