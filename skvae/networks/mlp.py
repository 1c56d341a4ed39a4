"""Stacked linear layers and multilayer perceptrons."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
}


class Linear(nn.Module):
    """y = x W + b, for a stack of models at once.

    Shape: (S, B, n_in) -> (S, B, n_out); weight (S, n_in, n_out), bias (S, 1, n_out).
    """

    def __init__(self, n_in: int, n_out: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(max(n_in, 1))  # as torch.nn.Linear
        self.weight = nn.Parameter(torch.empty(1, n_in, n_out).uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(torch.zeros(1, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each model's layer to its rows."""
        return torch.baddbmm(self.bias, x, self.weight)


class MLP(nn.Sequential):
    """Linear layers with activations between them.

    Parameters
    ----------
    n_in, n_out : int
        Widths of the input and the output.
    hidden_layer_sizes : sequence of int
        Widths between them; empty for one linear layer.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float
        Share of hidden units silenced in training.
    generator : torch.Generator
        Source of the initial weights.

    Shape: (S, B, n_in) -> (S, B, n_out).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        hidden_layer_sizes: Sequence[int],
        activation: str,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        layers: list[nn.Module] = []
        for n_hidden in hidden_layer_sizes:
            layers += [Linear(n_in, n_hidden, generator), ACTIVATIONS[activation]()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            n_in = n_hidden
        super().__init__(*layers, Linear(n_in, n_out, generator))

    @property
    def first(self) -> Linear:
        """The layer that reads the input."""
        layer: Linear = self[0]  # type: ignore[assignment]
        return layer

    @property
    def last(self) -> Linear:
        """The layer that writes the output."""
        layer: Linear = self[-1]  # type: ignore[assignment]
        return layer

    def silence(self) -> None:
        """Make the output zero, so that only a linear path speaks."""
        nn.init.zeros_(self[-1].weight)  # type: ignore[arg-type]
