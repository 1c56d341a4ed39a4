"""The training loop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import embedding

from skvae.networks import VAE
from skvae.objectives import elbo
from skvae.training.history import History
from skvae.training.objective import Objective
from skvae.training.optimizer import Optimizer
from skvae.training.recipe import Recipe
from skvae.training.rows import Rows, RowsInMemory
from skvae.training.schedules import Schedule, annealed
from skvae.training.split import Split
from skvae.training.stopping import EarlyStopping, trimmed_mean

MAX_ROLLBACKS, ROLLBACK_FACTOR = 5, 0.3  # of the learning rate, where training broke down
CHUNK = 4_000_000  # cells evaluated at once


def train(
    vae: VAE,
    x: Tensor,
    split: Split,
    recipe: Recipe,
    objective: Objective,
    *,
    generator: torch.Generator,
    weights: Tensor | None = None,
    offset: float = 0.0,
    report: Callable[[History], None] | None = None,
    rows: Rows | None = None,
    continued: Optimizer | None = None,
    schedule: Schedule = annealed,
) -> History:
    """Maximise the objective of every model in the stack, and leave the best weights in it.

    Parameters
    ----------
    vae : VAE
        A stack of S models, already initialised.
    x : Tensor of shape (N, D)
        Encoded rows, on the device of the models.
    split : Split
        Rows by model.
    recipe, objective : Recipe, Objective
        The numbers.
    generator : torch.Generator
        Source of row order and noise, on the device of the models.
    weights : Tensor of shape (N,), optional
        Weight of each row.
    offset : float
        What turns an encoded log-likelihood into one in the units of the data, on average.
    report : callable, optional
        Called with the history after each held-out evaluation.
    rows : Rows, optional
        Training rows, if they are not those of the split.
    continued : Optimizer, optional
        One that has made steps before.
    schedule : callable
        Progress and the factor of the learning rate from the number of a step and that of all steps.

    Returns
    -------
    History
    """
    if weights is not None:
        weights = weights / weights[split.train[-1]].mean()
    optimizer = Optimizer(vae, recipe) if continued is None else continued
    autocast = torch.autocast(x.device.type, recipe.dtype, enabled=recipe.dtype != torch.float32)
    judge = Judge(vae, x, weights, split.held_out, objective, offset, generator)
    stopping = EarlyStopping(vae, patience=recipe.n_iter_no_change, tol=recipe.tol)
    history = History(offset)
    history.add(0.0, None)
    rows = RowsInMemory(x, weights, split.train) if rows is None else rows
    batch_size = min(recipe.batch_size, rows.n_rows)
    n_batches = rows.n_rows // batch_size
    n_steps, step = recipe.max_iter * n_batches, itertools.count()

    def evaluate(epoch: int) -> bool:
        nonlocal optimizer
        with autocast:
            criterion, history.epochs[-1]["validation_elbo"] = judge()
        history.n_skipped += (n_skipped := int(optimizer.clipper.n_skipped))
        has_collapsed = math.isinf(criterion) and not math.isinf(stopping.best)
        if has_collapsed or n_skipped > 0.5 * n_batches * recipe.evaluate_every:
            stopping.restore()
            history.n_rollbacks += 1
            optimizer = Optimizer(vae, recipe)
            return history.n_rollbacks > MAX_ROLLBACKS
        optimizer.clipper.n_skipped.zero_()
        is_final = epoch >= objective.beta.end * recipe.max_iter
        stop = stopping.update(criterion, epoch, is_final_objective=is_final)
        history.flush()
        if report is not None:
            report(history)
        return stop

    try:
        _assume_complete(vae, rows.is_complete and not bool(x.isnan().any()), objective)
        if split.held_out:
            evaluate(0)
        for epoch in range(1, recipe.max_iter + 1):
            log_likelihood, kl = x.new_zeros(()), x.new_zeros(())
            vae.train()
            for batch, of_rows in rows.epoch(batch_size, generator):
                progress, factor = schedule(next(step) + 1, n_steps)
                rate = recipe.learning_rate * factor * ROLLBACK_FACTOR**history.n_rollbacks
                batch = vae.joint.redraw(batch, generator)
                seen, noise = _hide(batch, objective, generator), _noise(vae, batch, objective, generator)
                with autocast:
                    value, bound = objective.step(vae, batch, noise, seen=seen, weights=of_rows, progress=progress)
                optimizer.step(-value.sum(), rate)
                log_likelihood += bound.log_likelihood[-1].detach().sum()
                kl += bound.kl[-1].detach().sum()
            history.add(rate, torch.stack([log_likelihood, kl]) / (n_batches * batch_size))
            if split.held_out and (epoch % recipe.evaluate_every == 0 or epoch == recipe.max_iter) and evaluate(epoch):
                break
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        vae.joint.is_complete = vae.encoder.is_complete = False
    if split.held_out:
        stopping.restore()
    history.best_iter = stopping.best_epoch if split.held_out else len(history.epochs) - 1
    history.n_skipped += int(optimizer.clipper.n_skipped)
    vae.eval()
    return history


def _assume_complete(vae: VAE, is_complete: bool, objective: Objective) -> None:
    """Tell the modules whether there are gaps at all, so that they need not look at every step."""
    vae.joint.is_complete = is_complete
    vae.encoder.is_complete = vae.joint.is_complete and not objective.input_dropout


def _noise(vae: VAE, x: Tensor, objective: Objective, generator: torch.Generator) -> Tensor:
    """Standard normal draws, shared by the models of the stack. Shape: (L, 1, B, K)."""
    size = (objective.n_draws, 1, x.shape[1], vae.encoder.n_components)
    return torch.randn(size, generator=generator, dtype=x.dtype, device=x.device)


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
    vae : VAE
        A stack of S models.
    x, weights : Tensor of shape (N, D), and (N,) or None
        All rows; where they are themselves a distribution, one draw of them judges.
    held_out : list of Tensors
        Row numbers of the first models.
    objective : Objective
        What is maximised.
    offset : float
        See ``train``.
    generator : torch.Generator
        Source of the noise.
    """

    def __init__(
        self,
        vae: VAE,
        x: Tensor,
        weights: Tensor | None,
        held_out: list[Tensor],
        objective: Objective,
        offset: float,
        generator: torch.Generator,
    ) -> None:
        self.vae, self.objective, self.offset = vae, objective, offset
        if not held_out:
            return
        n_models = len(vae.decoder.bias)
        n_rows = max(len(rows) for rows in held_out)
        padded = [torch.nn.functional.pad(rows, (0, n_rows - len(rows)), value=-1) for rows in held_out]
        nobody = [torch.full_like(padded[0], -1)] * (n_models - len(held_out))
        self.rows = torch.stack(padded + nobody)  # (S, V); -1 pads
        self.weights = torch.ones_like(self.rows, dtype=x.dtype) if weights is None else weights[self.rows.clamp(min=0)]
        self.x = vae.joint.redraw(embedding(self.rows.clamp(min=0), x), generator)  # (S, V, D)
        size = (max(1, objective.n_draws // 2 if objective.name == "iwae" else 1), 1, n_rows, vae.encoder.n_components)
        half = torch.randn(size, generator=generator, dtype=x.dtype, device=x.device)
        self.noise = torch.cat([half, -half])  # antithetic

    @torch.no_grad()
    def __call__(self) -> tuple[float, float]:
        """The criterion, a trimmed mean of the objective, and the mean held-out ELBO in the units of the data."""
        self.vae.eval()
        size = max(1, CHUNK // (len(self.rows) * max(self.x.shape[-1], self.vae.decoder.bias.shape[-1])))
        parts = []
        for x, noise in zip(torch.split(self.x, size, dim=1), torch.split(self.noise, size, dim=2), strict=True):
            bound = elbo(self.vae, x, noise)
            parts.append((bound.elbo, bound.kl, self.objective.rows(self.vae, x, noise, bound)))
        elbos, kl, rows = (torch.cat(tensors, dim=1)[self.rows >= 0] for tensors in zip(*parts, strict=True))
        weights = self.weights[self.rows >= 0]
        mean_kl = torch.einsum("n,nk->k", weights, kl) / weights.sum()
        free_bits = self.objective.free_bits * self.vae.encoder.n_components / len(mean_kl)
        free = (free_bits - mean_kl).clamp(min=0.0).sum()  # what λ adds to the KL of the rows
        criterion = trimmed_mean(rows, weights) - self.objective.beta(1.0) * free
        criterion, mean = torch.stack([criterion, (elbos * weights).sum() / weights.sum()]).tolist()
        return (criterion if not math.isnan(criterion) else -math.inf), mean + self.offset
