"""One fit: from a plan and rows to trained weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from skvae.messages import is_out_of_memory, warn_user
from skvae.models.data import Data
from skvae.models.floor import Floor
from skvae.models.online import Online
from skvae.models.outcome import Fit, conclude
from skvae.models.plan import Plan
from skvae.models.run import Follower, Keeper, Run, print_kept, print_progress
from skvae.networks import VAE, restack
from skvae.training import (
    Candidate,
    History,
    Recipe,
    Split,
    Training,
    annealed,
    annealed_anew,
    global_rng_states,
    initialize,
    set_global_rng_states,
)


def fit(
    plan: Plan,
    data: Data,
    run: Run,
    start: VAE | None = None,
    follower: Follower | None = None,
    online: Online | None = None,
    keeper: Keeper | None = None,
) -> Fit:
    """Train one model, with its folds beside it where the rows are few.

    Parameters
    ----------
    plan : Plan
        The fit in numbers.
    data : Data
        Rows that train, and rows that judge.
    run : Run
        Device, seed, and whether progress is printed.
    start : VAE, optional
        A trained model to continue from; it is left as it is.
    follower : Follower, optional
        Who is told of every epoch, and may end the training.
    online : Online, optional
        What earlier training left, where more will follow; the start goes on from it.
    keeper : Keeper, optional
        Who keeps the state of the training, which goes on from the last one kept.

    Raises
    ------
    MemoryError
        Where the device has no memory for half of a batch.
    """
    offset, schedule, memory = data.offset, annealed, None
    if start is not None and online is not None:
        run, memory = replace(run, seed=run.seed + online.n_steps), online.memory
        schedule = partial(annealed_anew, online.n_steps)
    with run.prepared(plan) as generator:
        data, split = data.split(plan.early_stopping, plan.validation_fraction, generator)
        data = data.to(run.device)
        vae = stack_at_start(plan, data, split, run, generator, start)
        floor = Floor(vae, plan, split, run.seed)
        if start is not None and online is not None:
            online.take_up(vae)
        data = data.float()
        if follower is not None:
            follower.begin(plan.recipe.max_iter)
        told = _Told(plan, data, split, run, floor, follower, keeper)
        for attempt in attempts(plan.recipe):
            with attempt:
                candidate = Candidate(attempt.recipe, plan.objective, plan.architecture.n_components, offset)
                training = Training(
                    vae,
                    data.x,
                    split,
                    [candidate],
                    seed=run.seed,
                    weights=data.weights,
                    rows=data.stream,
                    report=told.progress(),
                    after_epoch=told.epochs(),
                    schedule=schedule,
                    memory=memory,
                )
                told.resume(training)
                training.run()
        if run.is_verbose:
            print_kept(candidate.history, plan.recipe.max_iter)
        fit = conclude(vae, candidate.history, data, split.train[-1], generator, floor)
        return fit if online is None else fit._replace(online=online.after(training, floor.left))


def stack_at_start(
    plan: Plan,
    data: Data,
    split: Split,
    run: Run,
    generator: torch.Generator,
    start: VAE | None = None,
    n_rows_wanted: int = 0,
) -> VAE:
    """The models of one fit before their first step: one for each set of training rows.

    The start of fewer rows than are wanted is drawn towards independent columns: see ``fit_linear_model``.
    """
    if start is None:
        vae = plan.architecture.build(data.table, run.seed)
    else:
        vae = copy.deepcopy(start)
    vae = vae.to(run.device).requires_grad_(True)
    restack(vae, [0] * len(split.train))
    if start is None:
        initialize(vae, data.x, split.train, plan.init, generator, data.weights, n_rows_wanted)
    return vae


@dataclass(frozen=True)
class _Told:
    """Whoever is told how training goes: the terminal, the follower, and the keeper."""

    plan: Plan
    data: Data
    split: Split
    run: Run
    floor: Floor
    follower: Follower | None
    keeper: Keeper | None

    def progress(self) -> Callable[[History], None] | None:
        """What prints a line for each evaluation, if that was asked for."""
        if not self.run.is_verbose:
            return None
        return partial(print_progress, max_iter=self.plan.recipe.max_iter)

    def epochs(self) -> Callable[[Training], bool] | None:
        """What tells the follower and the keeper of each epoch, if there is one of them."""
        if self.follower is None and self.keeper is None:
            return None
        return self._after_epoch

    def resume(self, training: Training) -> None:
        """Have a training go on from the state that was kept last, if there is any."""
        kept = None if self.keeper is None else self.keeper.latest()
        if kept is None:
            return
        training.load_state_dict(kept["training"])
        if self.plan.architecture.reads_global_rng:
            set_global_rng_states(kept["global_rng"], self.run.device)

    def _after_epoch(self, training: Training) -> bool:
        """Tell both of an epoch, and answer whether the follower ends the training."""
        goes_on = bool(training.running) and training.epoch < self.plan.recipe.max_iter
        ends = self.follower is not None and self._tell(self.follower, training, goes_on)
        if self.keeper is not None and goes_on and not ends:
            self.keeper.keep(partial(self._state, training))
        return ends

    def _state(self, training: Training) -> dict[str, Any]:
        """What a training needs to go on."""
        global_rng = global_rng_states(self.run.device) if self.plan.architecture.reads_global_rng else []
        return {"training": training.state_dict(), "global_rng": global_rng}

    def _tell(self, follower: Follower, training: Training, goes_on: bool) -> bool:
        """Tell the follower of an epoch; what it does with torch's own generator is undone."""

        def so_far() -> Fit:
            return conclude(*training.so_far(training.candidates[0]), self.data, self.split.train[-1], floor=self.floor)

        gpus = [self.run.device] if self.run.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpus, enabled=self.plan.architecture.reads_global_rng):
            return follower.after_epoch(goes_on=goes_on, fit=so_far)


class Attempt(AbstractContextManager["Attempt"]):
    """One try at training, which ends quietly where the device runs out of memory.

    Attributes
    ----------
    recipe : Recipe
        Recipe of the try.
    has_failed : bool
        Whether there was too little memory.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.has_failed = False

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        self.has_failed = is_out_of_memory(error)
        return self.has_failed  # the traceback, which holds the memory, goes


def attempts(recipe: Recipe) -> Iterator[Attempt]:
    """The recipe, and once more with half of the batch where the whole one does not fit into memory."""
    yield (whole := Attempt(recipe))
    if not whole.has_failed:
        return
    torch.cuda.empty_cache()
    half = replace(recipe, batch_size=max(1, recipe.batch_size // 2))
    warn_user(
        f"The device has no memory for {recipe.batch_size} rows a step, so training goes on with half as many. "
        f"Set batch_size to {half.batch_size} or less.",
        ResourceWarning,
    )
    yield (last := Attempt(half))
    if last.has_failed:
        raise MemoryError(
            f"The device has no memory for {half.batch_size} rows a step. Set batch_size to fewer, choose smaller "
            f"hidden_layer_sizes, or train on another device."
        )
