"""Several fits to the same rows, trained as one stack."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch

from skvae.messages import memory_remedy
from skvae.models.data import Data
from skvae.models.fitting import stack_at_start
from skvae.models.floor import Floor
from skvae.models.outcome import Fit, conclude
from skvae.models.plan import Parameters, Plan
from skvae.models.run import Run
from skvae.networks import VAE, join, narrow
from skvae.priors import Normal
from skvae.training import Candidate, Split, Training

MAX_STACK = 48  # models trained at once on a CPU: more outgrow its caches
STACKED = ("n_components", "beta", "free_bits", "input_noise", "learning_rate", "weight_decay")  # differ in a stack


def is_stackable(parameters: Parameters) -> bool:
    """Whether the model can be one of a stack of fits: nothing in it draws from torch's own generator or needs more."""
    return (
        parameters.encoder == "mlp"
        and parameters.decoder in ("auto", "factorized")
        and parameters.prior in ("normal", Normal())
        and parameters.dropout == 0
        and not parameters.ordered
    )


@memory_remedy("Try fewer candidates at once, choose smaller hidden_layer_sizes, or pass fewer rows.")
def fit_together(plans: Sequence[Plan], data: Data, run: Run, factor: float | None = None) -> list[Fit]:
    """Train several models on the same rows as one stack: each is what ``fit`` would make of it.

    Parameters
    ----------
    plans : sequence of Plan
        The fits, alike but for ``STACKED``, and such that ``is_stackable``.
    data : Data
        Training rows, in memory and without weights.
    run : Run
        Device and seed, which all share.
    factor : float, optional
        Factor of successive halving: after 1 / factor² of the passes and after 1 / factor, one in ``factor`` goes on.

    Raises
    ------
    MemoryError
        Where there is too little for all of them at once.
    KeyboardInterrupt
        On Ctrl-C: a search has nothing to keep of fits cut short.
    """
    first = plans[0]
    with run.prepared(first, first.n_threads) as generator:
        offset = data.offset
        data, split = data.split(first.early_stopping, first.validation_fraction, generator)
        split = split.with_folds(first.n_folds)
        data = data.to(run.device)
        rows, stacks, floors = data.float(), list[Training](), list[Floor]()
        for chosen in _divided(plans, len(split.train), run):
            members = [plans[c] for c in chosen]
            models = _models(members, data, split, run, generator)
            floors += [
                Floor(model, plan.recipe, plan.objective, split, run.seed)
                for model, plan in zip(models, members, strict=True)
            ]
            vae = _joined(models, members, data, run)
            candidates = [_candidate(plan, offset) for plan in members]
            stacks.append(Training(vae, rows.x, split, candidates, seed=run.seed))
        if factor is not None:
            halve(stacks, factor)
        for training in stacks:
            training.run()
        trained = [candidate for training in stacks for candidate in training.candidates]
        if any(candidate.history.interrupted for candidate in trained):
            raise KeyboardInterrupt
        fits = {}
        for c, candidate, floor in zip(_order(plans), trained, floors, strict=True):
            assert candidate.vae is not None, "training has ended"
            vae = narrow(candidate.vae, plans[c].architecture.build(data.table, run.seed).to(run.device))
            fits[c] = conclude(vae, candidate.history, rows, split.train[-1], generator, floor)
        return [fits[c] for c in range(len(plans))]


def _candidate(plan: Plan, offset: float) -> Candidate:
    return Candidate(plan.recipe, plan.objective, plan.architecture.n_components, offset)


def _order(plans: Sequence[Plan]) -> list[int]:
    """Positions of the fits, such that the optimiser moves neighbours together."""
    return sorted(range(len(plans)), key=lambda c: (plans[c].recipe.learning_rate, plans[c].recipe.weight_decay))


def _divided(plans: Sequence[Plan], n_models: int, run: Run) -> Iterator[list[int]]:
    """Positions of the fits of each stack."""
    order = _order(plans)
    size = max(1, MAX_STACK // n_models) if run.device.type == "cpu" else len(order)
    for first in range(0, len(order), size):
        yield order[first : first + size]


def _models(plans: Sequence[Plan], data: Data, split: Split, run: Run, generator: torch.Generator) -> list[VAE]:
    """The models of several fits, each of which starts with the same state of the generator."""
    state, models = generator.get_state(), list[VAE]()
    for plan in plans:
        generator.set_state(state)
        models.append(stack_at_start(plan, data, split, run, generator))
    return models


def _joined(models: list[VAE], plans: Sequence[Plan], data: Data, run: Run) -> VAE:
    """The stack of the models of several fits."""
    widest = max((plan.architecture for plan in plans), key=lambda architecture: architecture.n_components)
    return join(models, widest.build(data.table, run.seed).to(run.device))


def halve(stacks: Sequence[Training], factor: float) -> None:
    """Train until one candidate in ``factor``² is left: twice, only the best by held-out ELBO go on."""
    max_iter = stacks[0].recipe.max_iter
    for share in (factor**-2, 1 / factor):
        for training in stacks:
            training.run(until=max(1, round(share * max_iter)))
        running = [candidate for training in stacks for candidate in training.running]
        running.sort(key=lambda candidate: candidate.history.latest_elbo, reverse=True)
        losers = running[math.ceil(len(running) / factor) :]
        for training in stacks:
            training.stop([candidate for candidate in training.running if candidate in losers])
