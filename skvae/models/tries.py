"""One training, and once more with smaller steps where the device has too little memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

import torch

from skvae.messages import is_out_of_memory, warn_user
from skvae.models.data import Data
from skvae.models.online import Online
from skvae.models.run import Run, print_kept
from skvae.models.telling import Telling
from skvae.training import Aim, Candidate, Recipe, Split, Trainee, Training, annealed, annealed_anew


def train(
    model: Trainee,
    data: Data,
    split: Split,
    recipe: Recipe,
    objective: Aim,
    run: Run,
    telling: Telling,
    *,
    offset: float,
    online: Online | None = None,
) -> Training:
    """Train the models of a stack, the folds of one fit, and answer how it went.

    Parameters
    ----------
    model : Trainee
        The stack, before its first step.
    data, split : Data, Split
        Rows in the precision of training, and which of them train and judge which model.
    recipe, objective : Recipe, Aim
        How the weights are found, and what they maximise.
    run : Run
        Device, seed, and whether progress is printed.
    telling : Telling
        Who is told of it.
    offset : float
        See ``Candidate``.
    online : Online, optional
        What an earlier training left, from which this one goes on.

    Raises
    ------
    MemoryError
        Where the device has no memory for half of a batch.
    """
    schedule = annealed if online is None else partial(annealed_anew, online.n_steps)
    memory = None if online is None else online.memory
    for attempt in attempts(recipe):
        with attempt:
            candidate = Candidate(attempt.recipe, objective, model.n_components, offset)
            training = Training(
                model,
                data.x,
                split,
                [candidate],
                seed=run.seed,
                weights=data.weights,
                rows=data.stream,
                report=telling.progress(),
                after_epoch=telling.epochs(),
                schedule=schedule,
                memory=memory,
            )
            telling.resume(training)
            training.run()
    if run.is_verbose:
        print_kept(candidate.history, recipe.max_iter)
    return training


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
