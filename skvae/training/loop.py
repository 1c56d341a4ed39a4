"""The training loop."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from skvae.networks import state_of_models, take_models
from skvae.training.candidate import Candidate
from skvae.training.device import autocast, intraop_threads
from skvae.training.history import History
from skvae.training.interrupts import ends_the_fit_alone
from skvae.training.judge import Judge, Verdict
from skvae.training.noise import Noise
from skvae.training.objective import objective_by_model
from skvae.training.optimizer import Optimizer
from skvae.training.processes import add_up, agree_on, check_shares
from skvae.training.rows import Rows, RowsInMemory
from skvae.training.schedules import Schedule, annealed
from skvae.training.split import Split
from skvae.training.steps import Steps
from skvae.training.threads import Threads
from skvae.training.trainee import Trainee

MAX_ROLLBACKS, ROLLBACK_FACTOR = 5, 0.3  # of the learning rate, where training broke down


class Training:
    """Maximises the objective of every model in a stack, and leaves the best weights in it.

    The stack holds the models of all candidates, F for each: one for each set of training rows of the split. It may
    pause after any epoch, and go on with fewer candidates.

    Parameters
    ----------
    vae : Trainee
        A stack of C F models, already initialised.
    x : Tensor of shape (N, D)
        Encoded rows, on the device of the models.
    split : Split
        Rows of the F models of a candidate.
    candidates : list of C Candidates
        The fits.
    seed : int
        Seed of everything random: the order of rows, what befalls their cells, and noise.
    weights : Tensor of shape (N,), optional
        Weight of each row.
    report : callable, optional
        Called with the history of a candidate after each of its held-out evaluations, or as often without them.
    after_epoch : callable, optional
        Called with this object after every epoch; if it answers True, the training ends, with the best weights.
    rows : Rows, optional
        Training rows, if they are not those of the split.
    schedule : callable
        Progress and the factor of the learning rate, from the number of a step and that of all steps.
    memory : list of Tensors, optional
        What the optimiser of an earlier training remembered.
    """

    def __init__(
        self,
        vae: Trainee,
        x: Tensor,
        split: Split,
        candidates: list[Candidate],
        *,
        seed: int,
        weights: Tensor | None = None,
        report: Callable[[History], None] | None = None,
        after_epoch: Callable[[Training], bool] | None = None,
        rows: Rows | None = None,
        schedule: Schedule = annealed,
        memory: list[Tensor] | None = None,
    ) -> None:
        if weights is not None:
            weights = weights / weights[split.train[-1]].mean()
        self.vae, self.x, self.split = vae, x, split
        self.report, self.after_epoch, self.schedule = report, after_epoch, schedule
        self.candidates, self.running = candidates, list(candidates)
        self.recipe, self.n_models = candidates[0].recipe, len(split.train)
        self.rows = RowsInMemory(x, weights, split.train) if rows is None else rows
        self.batch_size = min(self.recipe.batch_size, self.rows.n_rows)
        self.n_batches = self.rows.n_rows // self.batch_size
        check_shares(self.batch_size)
        self.epoch = 0
        self.noise = Noise(seed, x.device)
        recipes = [candidate.recipe for candidate in candidates for _ in split.train]
        rates = [(recipe.learning_rate, recipe.weight_decay) for recipe in recipes]
        self.optimizer = Optimizer(vae, *zip(*rates, strict=True))
        if memory is not None:
            self.optimizer.recall(memory)
        self.judge = Judge(vae, x, weights, split, self.noise, candidates, self.recipe.dtype)
        self._gather()

    def _gather(self) -> None:
        """What depends on which candidates are running."""
        objectives = [candidate.objective for candidate in self.running]
        self.objective = objective_by_model(objectives, self.n_models, self.x.device)
        self.steps = Steps(self.vae, self.running, self.n_models, self.noise, self.objective)

    def run(self, until: int | None = None) -> None:
        """Train up to an epoch, the last by default; Ctrl-C ends it as early stopping would, if it ends it alone."""
        until = self.recipe.max_iter if until is None else until
        with intraop_threads(None):  # put back afterwards
            self.threads = Threads(torch.get_num_threads() if self.x.device.type == "cpu" else 1)
            try:
                self._assume_complete(True)
                if self.epoch == 0 and self.split.held_out:
                    self._take_note(self.judge(self.vae, self.running, self.objective))
                while self.running and self.epoch < until:
                    self.epoch += 1
                    self._pass()
                    if self.epoch % self.recipe.evaluate_every == 0 or self.epoch in (until, self.recipe.max_iter):
                        self._look()
                    if self.after_epoch is not None and agree_on(self.after_epoch(self)):
                        self.stop(list(self.running))
            except KeyboardInterrupt:
                if not ends_the_fit_alone():
                    raise
                for candidate in self.running:
                    candidate.history.interrupted = True
                self.stop(list(self.running))
            finally:
                self._assume_complete(False)
        if self.epoch >= self.recipe.max_iter:
            self.stop(list(self.running))

    def _pass(self) -> None:
        """One pass over the rows."""
        terms = self.x.new_zeros(2, len(self.running))
        log_likelihood, kl = terms  # views, of each candidate
        last = slice(self.n_models - 1, None, self.n_models)  # the models that are kept
        self.vae.train()
        n_steps, n_before = self.recipe.max_iter * self.n_batches, (self.epoch - 1) * self.n_batches
        batches = self.rows.epoch(self.batch_size, self.noise.rows)
        for step, rows_and_weights in enumerate(batches, start=n_before + 1):
            progress, factor = self.schedule(step, n_steps)
            x, noise, seen, weights = self.steps.batch(*rows_and_weights)
            with autocast(x.device, self.recipe.dtype):
                value, bound = self.objective.step(self.vae, x, noise, seen=seen, weights=weights, progress=progress)
            self.optimizer.step(-value.sum() * (x.shape[1] / self.batch_size), factor)
            self.threads.after_step()
            log_likelihood += bound.log_likelihood[last].detach().sum(dim=1)
            kl += bound.kl[last].detach().sum(dim=(1, 2))
        means = add_up(terms).T / (self.n_batches * self.batch_size)
        for of_candidate, candidate in zip(means, self.running, strict=True):
            rate = factor * candidate.recipe.learning_rate * ROLLBACK_FACTOR**candidate.history.n_rollbacks
            candidate.history.add(rate, of_candidate)

    def _look(self) -> None:
        """Look at the held-out rows, and stop whom they stop; or say how training goes without any."""
        if self.split.held_out:
            self.stop(self._take_note(self.judge(self.vae, self.running, self.objective)))
        elif self.report is not None:
            for candidate in self.running:
                self._report(candidate)

    def _take_note(self, verdicts: list[Verdict]) -> list[Candidate]:
        """Act on the verdicts on the running candidates, and answer which of them stop."""
        return [
            candidate
            for c, (candidate, verdict) in enumerate(zip(self.running, verdicts, strict=True))
            if self._heed(c, candidate, verdict)
        ]

    def _heed(self, c: int, candidate: Candidate, verdict: Verdict) -> bool:
        """Keep the weights, or go back to the best where training broke down, and answer whether to stop."""
        history, stopping, clipper = candidate.history, candidate.stopping, self.optimizer.clipper
        history.epochs[-1]["validation_elbo"] = verdict.elbo + history.offset
        models = self._models(c)
        n_skipped = int(clipper.n_skipped[models][-1])
        history.n_skipped += n_skipped
        clipper.n_skipped[models] = 0.0
        has_collapsed = math.isinf(verdict.criterion) and not math.isinf(stopping.best)
        if has_collapsed or n_skipped > 0.5 * self.n_batches * self.recipe.evaluate_every:
            stopping.restore(state_of_models(self.vae, models))
            history.n_rollbacks += 1
            self.optimizer.restart(models, ROLLBACK_FACTOR)
            return history.n_rollbacks > MAX_ROLLBACKS
        stops = stopping.update(
            verdict.criterion,
            self.epoch,
            state_of_models(self.vae, models),
            is_clear=verdict.is_clear,
            is_final_objective=self.epoch
            >= max(candidate.objective.beta.end, self.recipe.patient_until) * self.recipe.max_iter,
        )
        history.stayed = stops and stopping.is_at_start
        self._report(candidate)
        return stops

    def _report(self, candidate: Candidate) -> None:
        """Say how the training of a candidate goes."""
        candidate.history.flush()
        if self.report is not None:
            self.report(candidate.history)

    def stop(self, candidates: list[Candidate]) -> None:
        """End the training of these, with their best weights; the others go on without them."""
        for candidate in candidates:
            own, history = self._models(self.running.index(candidate)), candidate.history
            if self.split.held_out:
                candidate.stopping.restore(state_of_models(self.vae, own))
            history.best_iter = self._best_iter(candidate)
            history.n_skipped += int(self.optimizer.clipper.n_skipped[own][-1])
        for candidate in candidates:
            candidate.vae = self._alone(self.running.index(candidate))
        left = [candidate for candidate in self.running if candidate not in candidates]
        if candidates and left:
            models: list[int] = []
            for candidate in left:
                models += self._positions(self.running.index(candidate))
            self.optimizer = self.optimizer.take(take_models(self.vae, models), models)
        self.running = left
        if left:
            self._gather()

    def state_dict(self) -> dict[str, Any]:
        """Where the training of a single candidate stands after an epoch: with the same rows, all there is to know.

        Tensors are those of the training itself, which goes on in them.
        """
        return {
            "epoch": self.epoch,
            "batch_size": self.batch_size,
            "vae": self.vae.state_dict(),
            "candidate": self.candidates[0].state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "noise": self.noise.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there, in batches no larger than they were or than they shall be."""
        self.epoch = state["epoch"]
        self.batch_size = min(self.batch_size, state["batch_size"])
        self.n_batches = self.rows.n_rows // self.batch_size
        self.vae.load_state_dict(state["vae"])
        self.candidates[0].load_state_dict(state["candidate"], self.x.device)
        self.optimizer.load_state_dict(state["optimizer"])
        self.noise.load_state_dict(state["noise"])

    def so_far(self, candidate: Candidate) -> tuple[Trainee, History]:
        """Copies of what a candidate would leave behind if its training stopped now."""
        history, is_running = copy.deepcopy(candidate.history), candidate in self.running
        vae = copy.deepcopy(self.vae if is_running else candidate.vae)
        assert vae is not None, "a candidate that has stopped has a model"
        if is_running:
            c = self.running.index(candidate)
            if self.split.held_out:
                candidate.stopping.restore(state_of_models(vae, self._models(c)))
            if len(self.candidates) > 1:
                vae = take_models(vae, self._positions(c))
            history.best_iter = self._best_iter(candidate)
        vae.assume_complete(cells=False, seen=False)
        return vae.eval(), history

    def _best_iter(self, candidate: Candidate) -> int:
        """Epoch of the weights that are kept."""
        if self.split.held_out:
            return candidate.stopping.best_epoch
        return len(candidate.history.epochs) - 1

    def _alone(self, c: int) -> Trainee:
        """The models of one running candidate; the stack itself where there was never another."""
        if len(self.candidates) == 1:
            return self.vae.eval()
        return take_models(copy.deepcopy(self.vae), self._positions(c)).eval()

    def _models(self, c: int) -> slice:
        """Where the models of a running candidate are in the stack."""
        return slice(c * self.n_models, (c + 1) * self.n_models)

    def _positions(self, c: int) -> list[int]:
        """Their positions, one by one."""
        return list(range(c * self.n_models, (c + 1) * self.n_models))

    def _assume_complete(self, training: bool) -> None:
        """Tell the modules where there are no gaps at all, so that they need not look at every step."""
        has_gaps = bool(self.x.isnan().any()) or not self.rows.is_complete
        is_complete = training and not has_gaps
        self.vae.assume_complete(cells=is_complete, seen=is_complete and not self.objective.input_dropout)
