"""The floor under a fit: on its own rows it does not end below its start."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from skvae.models.data import Data
from skvae.models.kl import every_nth
from skvae.models.plan import Plan
from skvae.networks import VAE, take_models
from skvae.training import Candidate, History, Judge, Noise, Split


class Floor:
    """Keeps the model as it was before the first step, for fits that no row apart from their own judges.

    Parameters
    ----------
    vae : VAE
        A stack whose last model is the one of all training rows; it is copied.
    plan : Plan
        The fit in numbers.
    split : Split
        Its rows. Where some of them are held out from all models, these are the judges, and there is no floor.
    seed : int
        Seed of the posterior draws.

    Attributes
    ----------
    left : list of Tensors or None
        State of the module that training led to, where ``hold`` has gone back from it.
    """

    def __init__(self, vae: VAE, plan: Plan, split: Split, seed: int) -> None:
        self.plan, self.seed, self.rows = plan, seed, split.train[-1]
        self.start: VAE | None = None
        self.left: list[Tensor] | None = None
        if not split.held_out or len(split.train) > 1:
            last = len(vae.decoder.bias) - 1
            self.start = take_models(copy.deepcopy(vae), [last])

    @torch.no_grad()
    def hold(self, vae: VAE, history: History, data: Data, *, only_if_broken: bool = False) -> None:
        """Go back to the start if training has left its rows worse off. The stack is one of one by now.

        With ``only_if_broken``, they may be worse off, but must have a finite objective.
        """
        if self.start is None:
            return
        some = data.take(self.rows[:: every_nth(len(self.rows))])
        gain = self._gain(self.start, vae, some.x, some.weights)
        if not math.isfinite(gain) or (gain < 0 and not only_if_broken):
            self.left = [tensor.cpu().clone() for tensor in vae.state_dict().values()]
            vae.load_state_dict(self.start.state_dict())
            history.best_iter = 0

    def _gain(self, start: VAE, vae: VAE, x: Tensor, weights: Tensor | None) -> float:
        """What training has brought a row on average, in the objective that it maximises; 0 where nobody can say."""
        everything = torch.arange(len(x), device=x.device)
        candidate = Candidate(self.plan.recipe, self.plan.objective, self.plan.architecture.n_components)
        noise = Noise(self.seed, x.device)
        split = Split([everything], [everything])
        judge = Judge(start, x, weights, split, noise, [candidate], self.plan.recipe.dtype)
        (before,) = judge(start, [candidate], self.plan.objective)
        (after,) = judge(vae, [candidate], self.plan.objective)
        return after.gain if math.isfinite(before.criterion) else 0.0
