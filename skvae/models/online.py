"""What training leaves for more training."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from skvae.models.data import Data
from skvae.models.ordering import Turn
from skvae.networks import VAE, alone
from skvae.training import Training, rearranged_memory

N_ROWS_MIN = 2000  # that the rules behind "auto" count on: more chunks will come


@dataclass(frozen=True)
class Online:
    """What is kept from chunk to chunk, and from fit to fit of a warm start, beside the model.

    Attributes
    ----------
    n_rows : int
        What the rules behind "auto" go by in later chunks: rows of the first one, but 2,000 at least.
    n_steps : int
        Number of steps so far.
    n_seen, mean_weight : float
        Number of rows so far, and the mean of their weights, whose sum may be more than a float holds.
    memory : list of Tensors or None
        What the optimiser remembers.
    left : list of Tensors or None
        State of the module after the last step, where the model went back to what it was before: see ``Floor``.
    beside : dict of Onlines
        The same of the models beside the VAE.
    """

    n_rows: int
    n_steps: int = 0
    n_seen: float = 0.0
    mean_weight: float = 0.0
    memory: list[Tensor] | None = None
    left: list[Tensor] | None = None
    beside: dict[str, Online] = field(default_factory=dict)

    @classmethod
    def starting_with(cls, n_rows: int) -> Online:
        """Before the first chunk, which has so many rows."""
        return cls(max(n_rows, N_ROWS_MIN))

    def of(self, name: str) -> Online:
        """That of a model beside the VAE; nothing yet before its first training."""
        return self.beside.get(name, replace(self, n_steps=0, memory=None, left=None, beside={}))

    def with_beside(self, name: str, online: Online) -> Online:
        """That of a model beside the VAE taken note of."""
        return replace(self, beside=self.beside | {name: online})

    def after(self, training: Training, left: list[Tensor] | None = None) -> Online:
        """Steps and memory of a training taken note of."""
        n_steps = self.n_steps + training.epoch * training.n_batches
        return replace(self, n_steps=n_steps, memory=training.optimizer.remember(), left=left)

    def take_up(self, vae: VAE) -> None:
        """Go on from the last step, where the model has gone back."""
        if self.left is not None:
            vae.load_state_dict(dict(zip(vae.state_dict(), self.left, strict=True)))

    @torch.no_grad()
    def rearranged(self, vae: VAE, turn: Turn | None) -> Online:
        """The same of the model after its components were rearranged, by which the training goes on from there."""
        if turn is None:
            return self
        model, memory, left = alone(copy.deepcopy(vae)).cpu(), self.memory, self.left
        if left is not None:
            model.load_state_dict(dict(zip(model.state_dict(), left, strict=True)))
            turn.apply(model)
            left = [tensor.clone() for tensor in model.state_dict().values()]
        if memory is not None:
            memory = rearranged_memory(model, memory, (turn.apply, turn.without_signs.apply))
        return replace(self, memory=memory, left=left)

    def noticing(self, data: Data) -> Online:
        """Rows and weights of one more chunk taken note of."""
        n_seen = self.n_seen + len(data.x)
        share = len(data.x) / n_seen
        mean = 1.0 if data.weights is None else mean_of(data.weights)
        return replace(self, n_seen=n_seen, mean_weight=self.mean_weight + share * (mean - self.mean_weight))

    def relative(self, weights: Tensor | None) -> Tensor | None:
        """Weights divided by the mean over all chunks so far."""
        if weights is None:
            return None
        return weights / self.mean_weight


def mean_of(weights: Tensor) -> float:
    """The mean of positive weights, whatever their size.

    Examples
    --------
    >>> import torch
    >>> mean_of(torch.tensor([1e308, 1e308], dtype=torch.float64))
    1e+308
    """
    largest = weights.max()
    return float(largest * (weights / largest).mean())
