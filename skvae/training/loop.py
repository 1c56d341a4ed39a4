"""The training loop."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding

from skvae.networks import VAE, state_of_models, take_models
from skvae.objectives import elbo
from skvae.training.history import History
from skvae.training.noise import Streams, noise_by_model
from skvae.training.objective import Objective, objective_by_model
from skvae.training.optimizer import Optimizer
from skvae.training.processes import add_up, agree_on, check_shares, share_of
from skvae.training.recipe import Recipe
from skvae.training.rows import Rows, RowsInMemory
from skvae.training.schedules import Schedule, annealed
from skvae.training.split import Split
from skvae.training.stopping import EarlyStopping, is_clear_gain, trimmed_mean

MAX_ROLLBACKS, ROLLBACK_FACTOR = 5, 0.3  # of the learning rate, where training broke down
CHUNK = 4_000_000  # cells evaluated at once


class Candidate:
    """One fit of a stack: what it maximises and how fast, and what has become of it.

    Parameters
    ----------
    recipe, objective : Recipe, Objective
        The numbers. Candidates of one stack may differ in learning rate, weight decay, β and free bits.
    n_components : int
        Dimension K of z.
    offset : float
        See ``History``.
    """

    def __init__(self, recipe: Recipe, objective: Objective, n_components: int, offset: float = 0.0) -> None:
        self.recipe = recipe
        self.objective = objective
        self.n_components = n_components
        self.stopping = EarlyStopping(patience=recipe.n_iter_no_change, tol=recipe.tol)
        self.history = History(offset)
        self.history.add(0.0, None)
        self.at_start: Tensor | None = None  # the objective of each held-out row at the first evaluation
        self.vae: VAE | None = None  # its models alone, once it has stopped before others


class Training:
    """Maximises the objective of every model in a stack, and leaves the best weights in it.

    The stack holds the models of all candidates, F for each: one for each set of training rows of the split. It may
    pause after any epoch, and go on with fewer candidates.

    Parameters
    ----------
    vae : VAE
        A stack of C F models, already initialised.
    x : Tensor of shape (N, D)
        Encoded rows, on the device of the models.
    split : Split
        Rows of the F models of a candidate.
    candidates : list of C Candidates
        The fits.
    seed : int
        Of row order and noise.
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
    """

    def __init__(
        self,
        vae: VAE,
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
    ) -> None:
        if weights is not None:
            weights = weights / weights[split.train[-1]].mean()
        self.vae, self.x, self.split, self.weights = vae, x, split, weights
        self.report, self.after_epoch = report, after_epoch
        self.candidates, self.running = candidates, list(candidates)
        self.recipe, self.n_models = candidates[0].recipe, len(split.train)
        self.rows = RowsInMemory(x, weights, split.train) if rows is None else rows
        self.batch_size = min(self.recipe.batch_size, self.rows.n_rows)
        self.n_batches, self.schedule = self.rows.n_rows // self.batch_size, schedule
        check_shares(self.batch_size)
        self.epoch = 0
        self.streams = Streams(seed, x.device)
        recipes = [candidate.recipe for candidate in candidates for _ in split.train]
        rates = [(recipe.learning_rate, recipe.weight_decay) for recipe in recipes]
        self.optimizer = Optimizer(vae, *zip(*rates, strict=True))
        self.judge = Judge(vae, x, weights, split, self.streams, candidates)
        self.autocast = partial(
            torch.autocast, x.device.type, self.recipe.dtype, enabled=self.recipe.dtype != torch.float32
        )
        self._gather()

    def _gather(self) -> None:
        """What depends on which candidates are running."""
        objectives = [candidate.objective for candidate in self.running]
        self.objective = objective_by_model(objectives, self.n_models, self.x.device)
        self.n_components = [candidate.n_components for candidate in self.running]

    def run(self, until: int | None = None) -> None:
        """Train up to an epoch, the last by default; Ctrl-C ends it as early stopping would."""
        until = self.recipe.max_iter if until is None else until
        try:
            self._assume_complete(True)
            if self.epoch == 0 and self.split.held_out:
                self._evaluate()
            while self.running and self.epoch < until:
                self.epoch += 1
                self._pass()
                is_due = self.epoch % self.recipe.evaluate_every == 0 or self.epoch in (until, self.recipe.max_iter)
                if is_due and self.split.held_out:
                    self.stop([candidate for candidate, stops in self._evaluate() if stops])
                elif is_due:
                    self._report()
                if self.after_epoch is not None and agree_on(self.after_epoch(self)):
                    self.stop(list(self.running))
        except KeyboardInterrupt:
            for candidate in self.running:
                candidate.history.interrupted = True
            self.stop(list(self.running))
        finally:
            self._assume_complete(False)
        if self.epoch >= self.recipe.max_iter:
            self.stop(list(self.running))

    def _pass(self) -> None:
        """One pass over the rows."""
        n_running = len(self.running)
        log_likelihood, kl = self.x.new_zeros(n_running), self.x.new_zeros(n_running)
        self.vae.train()
        n_steps, last = self.recipe.max_iter * self.n_batches, slice(self.n_models - 1, None, self.n_models)
        batches = self.rows.epoch(self.batch_size, self.streams.rows)
        for step, (batch, of_rows) in enumerate(batches, start=(self.epoch - 1) * self.n_batches + 1):
            progress, factor = self.schedule(step, n_steps)
            batch = self.vae.joint.redraw(batch, self.streams.cells)
            seen = _hide(batch, self.objective, self.streams.cells)
            draws = self.streams.noise(self.objective.n_draws, self.batch_size, self.n_components, batch)
            noise = noise_by_model(draws, self.n_components, self.n_models, self.vae.encoder.n_components)
            batch, noise = _repeat(share_of(batch, 1), n_running), share_of(noise, 2)
            seen = None if seen is None else _repeat(share_of(seen, 1), n_running)
            of_rows = None if of_rows is None else _repeat(share_of(of_rows, 1), n_running)
            with self.autocast():
                value, bound = self.objective.step(
                    self.vae, batch, noise, seen=seen, weights=of_rows, progress=progress
                )
            self.optimizer.step(-value.sum() * (batch.shape[1] / self.batch_size), factor)
            log_likelihood += bound.log_likelihood[last].detach().sum(dim=1)
            kl += bound.kl[last].detach().sum(dim=(1, 2))
        terms = add_up(torch.stack([log_likelihood, kl], dim=1)) / (self.n_batches * self.batch_size)
        for c, candidate in enumerate(self.running):
            rate = factor * candidate.recipe.learning_rate * ROLLBACK_FACTOR**candidate.history.n_rollbacks
            candidate.history.add(rate, terms[c])

    def _evaluate(self) -> list[tuple[Candidate, bool]]:
        """Look at the held-out rows, and say which candidates stop."""
        with self.autocast():
            judged = self.judge(self.vae, self.running, self.objective)
        return [
            (candidate, self._take_note(c, candidate, *figures))
            for c, (candidate, figures) in enumerate(zip(list(self.running), judged, strict=True))
        ]

    def _take_note(self, c: int, candidate: Candidate, criterion: float, held_out_elbo: float, is_clear: bool) -> bool:
        """Keep the weights, or go back to the best where training broke down, and answer whether to stop."""
        history, stopping, clipper = candidate.history, candidate.stopping, self.optimizer.clipper
        history.epochs[-1]["validation_elbo"] = held_out_elbo + history.offset
        models = self._models(c)
        history.n_skipped += (n_skipped := int(clipper.n_skipped[models][-1]))
        clipper.n_skipped[models] = 0.0
        has_collapsed = math.isinf(criterion) and not math.isinf(stopping.best)
        if has_collapsed or n_skipped > 0.5 * self.n_batches * self.recipe.evaluate_every:
            stopping.restore(state_of_models(self.vae, models))
            history.n_rollbacks += 1
            self.optimizer.restart(models, ROLLBACK_FACTOR)
            return history.n_rollbacks > MAX_ROLLBACKS
        is_final = self.epoch >= candidate.objective.beta.end * self.recipe.max_iter
        weights = state_of_models(self.vae, models)
        stops = stopping.update(criterion, self.epoch, weights, is_clear=is_clear, is_final_objective=is_final)
        history.flush()
        if self.report is not None:
            self.report(history)
        return stops

    def _report(self) -> None:
        """Say how training goes where no rows are held out."""
        if self.report is not None:
            for candidate in self.running:
                candidate.history.flush()
                self.report(candidate.history)

    def stop(self, candidates: list[Candidate]) -> None:
        """End the training of these, with their best weights; the others go on without them."""
        for candidate in candidates:
            c, history = self.running.index(candidate), candidate.history
            if self.split.held_out:
                candidate.stopping.restore(state_of_models(self.vae, self._models(c)))
            history.best_iter = self._best_iter(candidate)
            history.n_skipped += int(self.optimizer.clipper.n_skipped[self._models(c)][-1])
        for candidate in candidates:
            candidate.vae = self._alone(self.running.index(candidate))
        left = [candidate for candidate in self.running if candidate not in candidates]
        if candidates and left:
            models = [s for c, one in enumerate(self.running) if one in left for s in self._range(c)]
            self.optimizer = self.optimizer.take(take_models(self.vae, models), models)
        self.running = left
        if left:
            self._gather()

    def so_far(self, candidate: Candidate) -> tuple[VAE, History]:
        """Copies of what a candidate would leave behind if its training stopped now."""
        history, is_running = copy.deepcopy(candidate.history), candidate in self.running
        vae = copy.deepcopy(self.vae if is_running else candidate.vae)
        assert vae is not None, "a candidate that has stopped has a model"
        if is_running:
            models = self._models(self.running.index(candidate))
            if self.split.held_out:
                candidate.stopping.restore(state_of_models(vae, models))
            if len(self.candidates) > 1:
                vae = take_models(vae, list(range(models.start, models.stop)))
            history.best_iter = self._best_iter(candidate)
        vae.joint.is_complete = vae.encoder.is_complete = False
        return vae.eval(), history

    def _best_iter(self, candidate: Candidate) -> int:
        """Epoch of the weights that are kept."""
        return candidate.stopping.best_epoch if self.split.held_out else len(candidate.history.epochs) - 1

    def _alone(self, c: int) -> VAE:
        """The models of one running candidate; the stack itself where there was never another."""
        if len(self.candidates) == 1:
            return self.vae.eval()
        return take_models(copy.deepcopy(self.vae), list(self._range(c))).eval()

    def _range(self, c: int) -> range:
        return range(c * self.n_models, (c + 1) * self.n_models)

    def _models(self, c: int) -> slice:
        return slice(c * self.n_models, (c + 1) * self.n_models)

    def _assume_complete(self, training: bool) -> None:
        """Tell the modules whether there are gaps at all, so that they need not look at every step."""
        is_complete = self.rows.is_complete and not bool(self.x.isnan().any())
        self.vae.joint.is_complete = training and is_complete
        self.vae.encoder.is_complete = self.vae.joint.is_complete and not self.objective.input_dropout


def train(
    vae: VAE,
    x: Tensor,
    split: Split,
    recipe: Recipe,
    objective: Objective,
    *,
    offset: float = 0.0,
    **options: Any,
) -> History:
    """Train a stack of the models of one fit: see ``Training``, which takes the options."""
    candidate = Candidate(recipe, objective, vae.encoder.n_components, offset)
    Training(vae, x, split, [candidate], **options).run()
    return candidate.history


def _repeat(rows: Tensor, n_candidates: int) -> Tensor:
    """The same rows for every candidate. Shape: (F, ...) -> (C F, ...)."""
    return rows if n_candidates == 1 else rows.repeat(n_candidates, *[1] * (rows.dim() - 1))


def _hide(x: Tensor, objective: Objective, generator: torch.Generator) -> Tensor | None:
    """The rows with cells hidden at random, as the encoder sees them."""
    if not objective.input_dropout:
        return None
    u = torch.rand((1, *x.shape[1:]), generator=generator, dtype=x.dtype, device=x.device)
    return x.masked_fill(u < objective.input_dropout, torch.nan)


class Judge:
    """The held-out criterion, with the same noise at every evaluation.

    Parameters
    ----------
    x, weights : Tensor of shape (N, D), and (N,) or None
        All rows; where they are themselves a distribution, one draw of them judges.
    split : Split
        Which rows judge which models of a candidate.
    streams : Streams
        Sources of the noise.
    candidates : list of Candidates
        Who will be judged.
    """

    def __init__(
        self,
        vae: VAE,
        x: Tensor,
        weights: Tensor | None,
        split: Split,
        streams: Streams,
        candidates: list[Candidate],
    ) -> None:
        if not split.held_out:
            return
        n_rows = max(len(rows) for rows in split.held_out)
        padded = [torch.nn.functional.pad(rows, (0, n_rows - len(rows)), value=-1) for rows in split.held_out]
        nobody = [torch.full_like(padded[0], -1)] * (len(split.train) - len(split.held_out))
        self.rows = torch.stack(padded + nobody)  # (F, V); -1 pads
        rows = self.rows.clamp(min=0)
        self.weights = torch.ones_like(rows, dtype=x.dtype) if weights is None else weights[rows]
        self.x = vae.joint.redraw(embedding(rows, x), streams.cells)  # (F, V, D)
        objective = candidates[0].objective
        n_draws = max(1, objective.n_draws // 2 if objective.name == "iwae" else 1)
        halves = streams.noise(n_draws, n_rows, [candidate.n_components for candidate in candidates], self.x)
        self.draws = {k: torch.cat([half, -half]) for k, half in halves.items()}  # antithetic

    @torch.no_grad()
    def __call__(self, vae: VAE, candidates: list[Candidate], objective: Objective) -> list[tuple[float, float, bool]]:
        """The criterion of each candidate, its mean held-out ELBO, and whether its rows have clearly gained.

        The criterion is a trimmed mean of the objective; the gain is that since the first evaluation.
        """
        vae.eval()
        n_components = [candidate.n_components for candidate in candidates]
        all_noise = noise_by_model(self.draws, n_components, len(self.rows), vae.encoder.n_components)
        size = max(1, CHUNK // (len(vae.decoder.bias) * max(self.x.shape[-1], vae.decoder.bias.shape[-1])))
        parts = []
        for of_fit, noise in zip(torch.split(self.x, size, dim=1), torch.split(all_noise, size, dim=2), strict=True):
            x = _repeat(of_fit, len(candidates))
            bound = elbo(vae, x, noise)
            parts.append((bound.elbo, bound.kl, objective.rows(vae, x, noise, bound)))
        tensors = (torch.cat(tensors, dim=1) for tensors in zip(*parts, strict=True))
        by_candidate = zip(*(torch.split(tensor, len(self.rows)) for tensor in tensors), candidates, strict=True)
        return [self._figures(*of_candidate) for of_candidate in by_candidate]

    def _figures(self, elbos: Tensor, kl: Tensor, rows: Tensor, candidate: Candidate) -> tuple[float, float, bool]:
        objective, is_row = candidate.objective, self.rows >= 0
        kl = kl[..., : candidate.n_components]  # others are padding
        elbos, kl, rows, weights = elbos[is_row], kl[is_row], rows[is_row], self.weights[is_row]
        mean_kl = torch.einsum("n,nk->k", weights, kl) / weights.sum()
        free_bits = objective.free_bits * candidate.n_components / len(mean_kl)
        free = (free_bits - mean_kl).clamp(min=0.0).sum()  # what λ adds to the KL of the rows
        rows = rows - objective.beta(1.0) * free
        criterion = trimmed_mean(rows, weights)
        criterion, mean = torch.stack([criterion, (elbos * weights).sum() / weights.sum()]).tolist()
        candidate.at_start = rows if candidate.at_start is None else candidate.at_start
        is_clear = is_clear_gain(rows - candidate.at_start, weights)
        return (criterion if not math.isnan(criterion) else -math.inf), mean, is_clear
