"""Stacked linear layers and multilayer perceptrons."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

STEPS = {"tanh": 0.1, "logistic": 0.1}  # of numbers that pass through these: so near 0, they are straight
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
        self.activation = activation
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

    @property
    def room(self) -> int:
        """How many numbers ``carry`` can carry."""
        *hidden, last = self._linear_layers()
        return min([layer.weight.shape[-1] // 2 for layer in hidden], default=last.weight.shape[-2])

    @torch.no_grad()
    def carry(self, model: int, inputs: slice, weight: Tensor, bias: Tensor | None = None) -> None:
        r"""Make the output of one model a linear map of some inputs, y = x[inputs] W + b.

        .. math:: f(a) - f(-a) = a

        for silu, gelu and relu, so that two units of every layer pass a number on, and training may bend it. Others
        are straight near 0.

        Parameters
        ----------
        model : int
            Which of the stack.
        inputs : slice
            R neighbours among the inputs, R at most ``room``.
        weight : Tensor of shape (R, n_out)
            W.
        bias : Tensor of shape (n_out,), optional
            b; zero by default.
        """
        if bias is not None:
            self._linear_layers()[-1].bias[model, 0] = bias.to(self._linear_layers()[-1].bias)
        *hidden, last = (layer.weight[model] for layer in self._linear_layers())
        last.zero_()
        if not hidden:
            last[inputs] = weight
            return
        step = STEPS.get(self.activation, 1.0)
        pair = torch.kron(torch.eye(len(weight)), torch.tensor([[1.0, -1.0]])).to(weight)  # (R, 2 R)
        there_and_back = ACTIVATIONS[self.activation]()(torch.tensor([step, -step], dtype=torch.float64))
        gain = float(there_and_back[0] - there_and_back[1])
        units = slice(0, 2 * len(weight))
        for layer in hidden:
            layer[:, units] = 0.0
        hidden[0][inputs, units] = (step * pair).to(last)
        for layer in hidden[1:]:
            layer[units, units] = (step / gain * pair.T @ pair).to(last)
        last[units] = (pair.T @ weight / gain).to(last)

    def _linear_layers(self) -> list[Linear]:
        return [layer for layer in self if isinstance(layer, Linear)]
