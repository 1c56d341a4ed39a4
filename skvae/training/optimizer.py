"""The step of every model in a stack: clipping, weight decay, Adam."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw  # the class AdamW imports torch's compiler, which takes seconds

from skvae.networks import MLP, Linear, Reader, Replicas, parameters_by_model
from skvae.training.processes import add_up

Model = TypeVar("Model", bound=nn.Module)
OfModel = tuple[int | None, nn.Parameter]  # a parameter, and the one model it belongs to; None if it has the axis S

CLIP = 10.0  # times the running mean of a model's gradient norm
MEMORY = 0.02  # share of the newest norm in that mean


class Group(NamedTuple):
    """Neighbours that move together: views of their weights, gradients and moments, and their rates.

    Attributes
    ----------
    weights, gradient, first, second : Tensor of shape (S', P)
        Weights, gradient, and the running means of it and of its square.
    step : Tensor of shape ()
        Number of steps so far.
    learning_rate, weight_decay : float
        Peak learning rate, and weight decay.
    """

    weights: Tensor
    gradient: Tensor
    first: Tensor
    second: Tensor
    step: Tensor
    learning_rate: float
    weight_decay: float

    def move(self, schedule: float) -> None:
        """One step of AdamW at this share of the learning rate."""
        adamw(
            [self.weights],
            [self.gradient],
            [self.first],
            [self.second],
            [],
            [self.step],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.99,
            lr=schedule * self.learning_rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )


class Optimizer:
    """AdamW for a stack of models, each with its own learning rate, weight decay and clipping.

    All parameters lie end to end in two tensors of shape (S, P), those that decay and those that do not: a step is a
    handful of operations, however many layers there are.

    Parameters
    ----------
    vae : nn.Module
        A stack of S models. Its parameters become views.
    learning_rates, weight_decays : sequence of S floats
        Peak learning rate and weight decay of each model. Neighbours with equal ones move together.
    """

    def __init__(self, vae: nn.Module, learning_rates: Sequence[float], weight_decays: Sequence[float]) -> None:
        self.learning_rates, self.weight_decays = list(learning_rates), list(weight_decays)
        matrices = _matrices(vae)
        decaying: list[OfModel] = []
        others: list[OfModel] = []
        for s, p in parameters_by_model(vae):
            if id(p) in matrices:
                decaying.append((s, p))
            else:
                others.append((s, p))
        self.weights = [Weights(decaying, len(learning_rates)), Weights(others, len(learning_rates))]
        self.clipper = GradientClipper(self.weights[-1].value)
        self.pace = torch.ones_like(self.weights[-1].value[:, :1])  # below 1 where a model went back
        self._is_slowed = False
        self._memories: list[Tensor] = []  # first and second moments of the gradients of both kinds
        self._groups: list[Group] = []
        no_decays = [0.0] * len(self.weight_decays)
        for weights, decays in zip(self.weights, (self.weight_decays, no_decays), strict=True):
            first, second = torch.zeros_like(weights.value), torch.zeros_like(weights.value)
            self._memories += [first, second]
            for models in equal_neighbours(list(zip(self.learning_rates, self.weight_decays, strict=True))):
                group = Group(
                    weights.value[models],
                    weights.gradient[models],
                    first[models],
                    second[models],
                    torch.zeros((), device=first.device),
                    self.learning_rates[models.start],
                    decays[models.start],
                )
                self._groups.append(group)

    def step(self, loss: Tensor, schedule: float) -> None:
        """Move the weights against the clipped gradient of the loss, a number, at this share of the learning rate."""
        parameters = list(itertools.chain.from_iterable(weights.parameters for weights in self.weights))
        gradients = iter(torch.autograd.grad(loss, parameters, materialize_grads=True))
        for weights in self.weights:
            weights.lay_end_to_end(itertools.islice(gradients, len(weights.parameters)), out=weights.gradient)
            add_up(weights.gradient)
        self.clipper.clip([weights.gradient for weights in self.weights])
        before = [weights.value.clone() for weights in self.weights] if self._is_slowed else []
        with torch.no_grad():
            for group in self._groups:
                group.move(schedule)
        if not self._is_slowed:
            return
        for weights, old in zip(self.weights, before, strict=True):
            weights.value.copy_(torch.lerp(old, weights.value, self.pace))

    def restart(self, models: slice, factor: float) -> None:
        """Forget what these models remember of their gradients, and go on with smaller steps."""
        self.pace[models] *= factor
        self._is_slowed = True
        self.clipper.usual[models] = 0.0
        for memory in self._memories:
            memory[models] = 0.0

    def take(self, vae: nn.Module, models: list[int]) -> Optimizer:
        """The optimiser of these models alone, which are now what ``vae`` holds."""
        rates, decays = zip(*((self.learning_rates[s], self.weight_decays[s]) for s in models), strict=True)
        other = Optimizer(vae, rates, decays)
        other.pace, other._is_slowed = self.pace[models], self._is_slowed
        other.clipper.usual, other.clipper.n_skipped = self.clipper.usual[models], self.clipper.n_skipped[models]
        for new, old in zip(other._memories, self._memories, strict=True):
            new.copy_(old[models])
        for group in other._groups:
            group.step.copy_(self._groups[0].step)
        return other

    def _state(self) -> list[Tensor]:
        """All that it remembers of the gradients."""
        return [*self._memories, self.clipper.usual, *(group.step for group in self._groups)]

    def remember(self) -> list[Tensor]:
        """A copy of what it remembers of the gradients of the last model, on the CPU."""
        return [tensor[-1:].cpu().clone() if tensor.dim() else tensor.cpu().clone() for tensor in self._state()]

    def recall(self, memory: list[Tensor]) -> None:
        """Go on, with every model, from what another optimiser remembered of one."""
        for tensor, before in zip(self._state(), memory, strict=True):
            tensor.copy_(before)

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, of broken steps too."""
        own = {"pace": self.pace, "is_slowed": self._is_slowed, "n_skipped": self.clipper.n_skipped}
        return {"memory": self._state(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.recall(state["memory"])
        self.pace.copy_(state["pace"])
        self.clipper.n_skipped.copy_(state["n_skipped"])
        self._is_slowed = state["is_slowed"]


def rearranged_memory(
    model: Model, memory: Sequence[Tensor], of_moments: Sequence[Callable[[Model], None]]
) -> list[Tensor]:
    """What an optimiser remembered of a stack of one, for the same model with its weights rearranged.

    Parameters
    ----------
    model : nn.Module
        A model of the same parts, whose weights are lost.
    memory : sequence of Tensors
        What ``remember`` gave.
    of_moments : pair of callables
        What rearranges weights in place, for the means of the gradient and for those of its square.
    """
    places = Optimizer(model, [1.0], [0.0])
    memory, n_kinds = list(memory), len(places.weights)
    for moment, rearrange in enumerate(of_moments):
        of_kinds = [2 * kind + moment for kind in range(n_kinds)]  # as _memories are
        for weights, i in zip(places.weights, of_kinds, strict=True):
            weights.value.copy_(memory[i])
        rearrange(model)
        for weights, i in zip(places.weights, of_kinds, strict=True):
            memory[i] = weights.value.clone()
    return memory


def _matrices(vae: nn.Module) -> set[int]:
    """Ids of what decays: the matrices of the networks, never the linear path, biases and scales."""
    networks = [network for network in vae.modules() if isinstance(network, MLP | Replicas | Reader)]
    matrices = set()
    for module in itertools.chain.from_iterable(network.modules() for network in networks):
        p = dict(module.named_parameters(recurse=False)).get("weight")
        n_axes = 3 if isinstance(module, Linear) else 2
        if p is not None and p.dim() >= n_axes:
            matrices.add(id(p))
    return matrices


def equal_neighbours(values: Sequence[Any]) -> list[slice]:
    """The runs of equal values.

    Examples
    --------
    >>> equal_neighbours([3, 3, 1, 3])
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    sizes = [len(list(run)) for _, run in itertools.groupby(values)]
    ends = itertools.accumulate(sizes, initial=0)
    return [slice(begin, end) for begin, end in itertools.pairwise(ends)]


class Weights:
    """Parameters of a stack, laid end to end in one tensor of shape (S, P) of which they become views.

    Parameters
    ----------
    named : list of (int or None, Parameter)
        The parameters, each with the one model that it belongs to, or None if it has the axis S.
    n_models : int
        S.

    Attributes
    ----------
    value, gradient : Tensor of shape (S, P)
        The gradient has room of its own, which every step fills.
    """

    def __init__(self, named: list[OfModel], n_models: int) -> None:
        self.models = [s for s, _ in named]
        self.parameters = [p for _, p in named]
        self.n_models = n_models
        self.value = self.lay_end_to_end(p.detach() for p in self.parameters)
        self.gradient = torch.zeros_like(self.value)
        n_laid = 0  # of the parameters that have the axis S, which come first
        for s, p in named:
            if s is None:
                size = p[0].numel()
                p.data = self.value[:, n_laid : n_laid + size].view(p.shape)
                n_laid += size
        of_model = [n_laid] * n_models
        for s, p in named:
            if s is not None:
                p.data = self.value[s, of_model[s] : of_model[s] + p.numel()].view(p.shape)
                of_model[s] += p.numel()

    def lay_end_to_end(self, tensors: Iterable[Tensor], out: Tensor | None = None) -> Tensor:
        """What belongs to the parameters, in their order, as one tensor of shape (S, P)."""
        parts: list[Tensor] = []
        own: list[list[Tensor]] = [[] for _ in range(self.n_models)]
        for s, tensor in zip(self.models, tensors, strict=True):
            if s is None:
                parts.append(tensor.flatten(1))
            else:
                own[s].append(tensor.flatten())
        if own[0]:
            parts.append(torch.stack([torch.cat(of_model) for of_model in own]))
        if not parts:
            return torch.empty(self.n_models, 0)
        return torch.cat(parts, dim=1, out=out)


class GradientClipper:
    """Shortens a model's gradient when it is far longer than usual, and drops it when it is not finite.

    Each model of the stack is judged alone, on the device: a broken step of one does not touch the others.

    Parameters
    ----------
    like : Tensor of shape (S, P)
        A tensor of the dtype and on the device of the gradients.
    """

    def __init__(self, like: Tensor) -> None:
        self.usual = like.new_zeros(len(like))  # running mean of the norm, (S,); 0 before the first
        self.n_skipped = like.new_zeros(len(like))  # steps of each model

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
        self.n_skipped += (~finite).to(norm.dtype)
        factor = torch.where(finite, clipped / norm.clamp(min=torch.finfo(norm.dtype).tiny), 0.0)[:, None]
        for gradient in gradients:
            gradient.mul_(factor).nan_to_num_(nan=0.0)  # what was not finite: 0 · ∞
