"""The step of every model in a stack: clipping, weight decay, Adam."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from skvae.networks import MLP, VAE, Linear, Replicas, parameters_by_model
from skvae.training.recipe import Recipe

CLIP = 10.0  # times the running mean of a model's gradient norm
MEMORY = 0.02  # share of the newest norm in that mean


class Optimizer:
    """AdamW for a stack of models, each with its own clipping.

    All parameters lie end to end in two tensors of shape (S, P), those that decay and those that do not, and so do
    their gradients: a step is a handful of operations, however many layers there are.

    Parameters
    ----------
    vae : VAE
        A stack of S models. Its parameters become views.
    recipe : Recipe
        Learning rate and weight decay.
    """

    def __init__(self, vae: VAE, recipe: Recipe) -> None:
        matrices, parameters = _matrices(vae), list(parameters_by_model(vae))
        kinds = [
            ([(s, p) for s, p in parameters if id(p) in matrices], recipe.weight_decay),
            ([(s, p) for s, p in parameters if id(p) not in matrices], 0.0),
        ]
        kinds = [(named, decay) for named, decay in kinds if named]
        self.weights = [Weights(named, len(vae.decoder.bias)) for named, _ in kinds]
        self.clipper = GradientClipper(self.weights[0].value.detach())
        groups = [
            {"params": [weights.value], "weight_decay": decay}
            for weights, (_, decay) in zip(self.weights, kinds, strict=True)
        ]
        self._adamw = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.99), fused=True)

    def step(self, loss: Tensor, learning_rate: float) -> None:
        """Move the weights against the clipped gradient of the loss, a number."""
        parameters = [p for weights in self.weights for p in weights.parameters]
        gradients = iter(torch.autograd.grad(loss, parameters, materialize_grads=True))
        for weights in self.weights:
            weights.value.grad = weights.lay_end_to_end(itertools.islice(gradients, len(weights.parameters)))
        self.clipper.clip([weights.value.grad for weights in self.weights])
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate
        self._adamw.step()

    def state(self) -> dict[str, Any]:
        """Moments of the gradients and their usual norms, on the CPU."""
        return {"adamw": _on_cpu(self._adamw.state_dict()), "usual": _on_cpu(self.clipper.usual)}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from the state of another optimiser of the same models."""
        self._adamw.load_state_dict(copy.deepcopy(state["adamw"]))
        self.clipper.usual.copy_(state["usual"])


def _on_cpu(state: Any) -> Any:
    """Copies of all tensors on the CPU, and the rest as it is."""
    if isinstance(state, Tensor):
        return state.detach().cpu().clone()
    if isinstance(state, dict):
        return {key: _on_cpu(value) for key, value in state.items()}
    return [_on_cpu(value) for value in state] if isinstance(state, list) else state


def _matrices(vae: VAE) -> set[int]:
    """Ids of what decays: the matrices of the networks, never the linear path, biases and scales."""
    return {
        id(p)
        for network in vae.modules()
        if isinstance(network, MLP | Replicas)
        for module in network.modules()
        for name, p in module.named_parameters(recurse=False)
        if p.dim() > (2 if isinstance(module, Linear) else 1) and name == "weight"
    }


class Weights:
    """Parameters of a stack, laid end to end in one tensor of shape (S, P) of which they become views.

    Parameters
    ----------
    named : list of (int or None, Parameter)
        Each with the one model that it belongs to, or None if it has the axis S.
    n_models : int
        S.
    """

    def __init__(self, named: list[tuple[int | None, nn.Parameter]], n_models: int) -> None:
        self.models = [s for s, _ in named]
        self.parameters = [p for _, p in named]
        self.n_models = n_models
        self.value = nn.Parameter(self.lay_end_to_end(p.detach() for p in self.parameters))
        shared = [p for s, p in named if s is None]
        rows = [(slice(None), shared)] + [(s, [p for t, p in named if t == s]) for s in range(n_models)]
        n_shared = sum(p[0].numel() for p in shared)
        for row, parameters in rows:
            first = 0 if parameters is shared else n_shared
            for p in parameters:
                size = p[0].numel() if parameters is shared else p.numel()
                p.data = self.value.data[row, first : first + size].view(p.shape)
                first += size

    def lay_end_to_end(self, tensors: Iterable[Tensor]) -> Tensor:
        """What belongs to the parameters, in their order, as one tensor of shape (S, P)."""
        named = list(zip(self.models, tensors, strict=True))
        parts = [t.flatten(1) for s, t in named if s is None]
        if len(parts) < len(named):
            own = [[t.flatten() for s, t in named if s == model] for model in range(self.n_models)]
            parts.append(torch.stack([torch.cat(tensors) for tensors in own]))
        return torch.cat(parts, dim=1)


class GradientClipper:
    """Shortens a model's gradient when it is far longer than usual, and drops it when it is not finite.

    Each model of the stack is judged alone, on the device: a broken step of one does not touch the others.

    Parameters
    ----------
    like : Tensor of shape (S, P)
        Of the dtype and on the device of the gradients.
    """

    def __init__(self, like: Tensor) -> None:
        self.usual = like.new_zeros(len(like))  # running mean of the norm, (S,); 0 before the first
        self.n_skipped = like.new_zeros(())  # steps of the last model

    @torch.no_grad()
    def clip(self, gradients: list[Tensor]) -> None:
        """Act on the gradients, each of shape (S, P), in place."""
        norms = [torch.linalg.vector_norm(gradient, dim=1) for gradient in gradients]
        norm = functools.reduce(torch.hypot, norms)
        if norm.device.type == "cpu" and bool((norm <= CLIP * self.usual).all()):  # mostly so, and free to ask here
            self.usual.lerp_(norm, MEMORY)
            return
        finite = norm.isfinite()
        limit = torch.where(self.usual > 0, CLIP * self.usual, norm)
        clipped = torch.where(finite, torch.minimum(norm, limit), self.usual)
        self.usual = torch.where(self.usual > 0, torch.lerp(self.usual, clipped, MEMORY), clipped)
        self.n_skipped += (~finite[-1]).to(norm.dtype)
        factor = torch.where(finite, clipped / norm.clamp(min=torch.finfo(norm.dtype).tiny), 0.0)[:, None]
        for gradient in gradients:
            gradient.mul_(factor).nan_to_num_(nan=0.0)  # what was not finite: 0 · ∞
