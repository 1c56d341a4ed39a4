"""Every model is a stack of S models: weights have a leading axis S, and the models never touch.

A module is written for a stack of one; ``restack`` makes it a stack of many, or takes one out again.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skvae.messages import is_out_of_memory


class Replicas(nn.Module):
    """A user's network, stacked by a loop: S copies, each applied to its own rows.

    Parameters
    ----------
    factory : callable (n_in, n_out) -> nn.Module
        Makes a module that maps (B, n_in) to (B, n_out).
    n_in, n_out : int
        Widths of its input and output.

    Shape: (S, B, n_in) -> (S, B, n_out).
    """

    def __init__(self, factory: Callable[[int, int], nn.Module], n_in: int, n_out: int) -> None:
        super().__init__()
        module = factory(n_in, n_out)
        if not isinstance(module, nn.Module):
            raise TypeError(
                f"A callable encoder or decoder takes (n_in, n_out) and returns a torch.nn.Module, "
                f"but it returned {type(module).__name__}. Return the module itself."
            )
        self.n_out = n_out
        self.replicas = nn.ModuleList([module])
        self.gain = nn.Parameter(torch.ones(1, 1, n_out))  # 0 where training starts at the linear model

    def forward(self, x: Tensor) -> Tensor:
        """Apply each copy to its rows."""
        outputs = [self._call(module, rows) for module, rows in zip(self.replicas, x, strict=True)]
        return self.gain * torch.stack(outputs)

    def _call(self, module: nn.Module, x: Tensor) -> Tensor:
        rule = f"A callable encoder or decoder must map (rows, {x.shape[1]}) to (rows, {self.n_out})"
        try:
            y = module(x)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(f"{rule}, but its module failed: {error}. Use both n_in and n_out.") from error
        if not isinstance(y, Tensor) or y.shape != (len(x), self.n_out):
            got = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
            raise ValueError(f"{rule}, but its module returned {got} for {len(x)} rows. Use both n_in and n_out.")
        return y

    def silence(self) -> None:
        """Make the output zero, so that only a linear path speaks."""
        nn.init.zeros_(self.gain)


def restack(module: nn.Module, models: Sequence[int]) -> None:
    """Make ``module`` the stack of the models with these positions, in place: ``[0] * S`` copies one S times."""
    if isinstance(module, Replicas):
        chosen = [copy.deepcopy(module.replicas[s]) for s in models]
        module.replicas = nn.ModuleList(chosen)
    else:
        for child in module.children():
            restack(child, models)
    for parameter in module.parameters(recurse=False):
        parameter.data = parameter.data[list(models)].clone()


def parameters_by_model(module: nn.Module) -> Iterator[tuple[int | None, nn.Parameter]]:
    """All parameters, each with the one model that it belongs to, or None if it has the axis S."""
    for parameter in module.parameters(recurse=False):
        yield None, parameter
    if isinstance(module, Replicas):
        for s, replica in enumerate(module.replicas):
            yield from ((s, parameter) for parameter in replica.parameters())
    else:
        for child in module.children():
            yield from parameters_by_model(child)


def state_of_models(module: nn.Module, models: slice) -> Iterator[Tensor]:
    """Weights of these models, as views, and their buffers, such as a user's running statistics."""
    yield from (parameter.data[models] for parameter in module.parameters(recurse=False))
    yield from module.buffers(recurse=False)
    if isinstance(module, Replicas):
        for replica in module.replicas[models]:
            yield from itertools.chain((p.data for p in replica.parameters()), replica.buffers())
    else:
        for child in module.children():
            yield from state_of_models(child, models)


def components_in(small: Tensor, large: Tensor, k: int, n_components: int) -> tuple[Any, ...]:
    """Where the weights of a model of k components lie among those of a model of ``n_components``.

    An axis of another length is one of components, or of their means followed by their log-variances.

    Parameters
    ----------
    small, large : Tensor of shape (S, ...)
        The same parameter of both.
    k, n_components : int
        Their numbers of components.

    Returns
    -------
    tuple
        An index of ``large``.
    """
    if small.shape == large.shape:
        return (...,)
    axes = []
    for short, long in zip(small.shape, large.shape, strict=True):
        index = torch.arange(short, device=large.device)
        if (short, long) == (2 * k, 2 * n_components):
            index[k:] += n_components - k
        axes.append(index)
    return torch.meshgrid(*axes, indexing="ij")
