"""One fit: from an estimator's parameters and a table to trained weights."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from skvae.models.rules import (
    is_autoregressive,
    n_parallel,
    resolve_init,
    resolve_objective,
    resolve_recipe,
)
from skvae.networks import (
    MLP,
    VAE,
    AutoregressiveDecoder,
    Decoder,
    DiagonalNormal,
    Encoder,
    Replicas,
    Trunk,
    join,
    narrow,
    restack,
)
from skvae.objectives import kl_to_standard_normal, normal_nodes
from skvae.priors import PRIORS, Normal, fit_prior
from skvae.tables import Table
from skvae.training import (
    BetaSchedule,
    Candidate,
    History,
    LinearBeta,
    Recipe,
    Split,
    StreamedRows,
    Training,
    initialize,
    intraop_threads,
    isolated_rng,
    match_marginals,
    split_rows,
    train,
)

KL_ROWS = 10_000  # rows that the KL of each component is averaged over
KL_NODES = 512  # fixed draws of a KL without a closed form
MAX_STACK = 48  # models trained at once on a CPU: more outgrow its caches
STACKED = ("n_components", "beta", "free_bits", "learning_rate", "weight_decay")  # in what the models of a stack differ

Network = str | Callable[[int, int], nn.Module]


class Followed(Protocol):
    """Who is told how a fit goes: see ``skvae.estimators._callbacks``."""

    def begin(self, n_epochs: int) -> None:
        """Training starts, and takes so many epochs at most."""

    def after_epoch(self, *, goes_on: bool, fit: Callable[[], Fit]) -> bool:
        """An epoch has ended; True ends the training.

        ``fit`` gives what training would leave behind now, without the steps after it that ``refine`` takes.
        """


class Fit(NamedTuple):
    """What training leaves behind.

    Attributes
    ----------
    vae : VAE
        The trained model, a stack of one.
    history : History
        Of its training.
    kl : Tensor of shape (K,)
        Mean KL of each component over up to 10,000 training rows.
    extreme : tuple of int and float, or None
        Column of the number that lies farthest out, and where, encoded; the first suspect where training broke down.
    """

    vae: VAE
    history: History
    kl: Tensor
    extreme: tuple[int, float] | None


def fit_vae(
    parameters: Any,
    table: Table,
    x: Tensor,
    *,
    weights: Tensor | None,
    x_val: Tensor | None,
    device: torch.device,
    seed: int,
    start: VAE | None,
    stream: StreamedRows | None = None,
    followed: Followed | None = None,
) -> Fit:
    """Train one model, with its folds beside it where the rows are few.

    Parameters
    ----------
    parameters : VAETransformer
        Its constructor parameters are read, nothing is written.
    table : Table
        The columns.
    x, x_val : Tensor of shape (N, D)
        Encoded training rows, and rows that judge them, if given.
    weights : Tensor of shape (N,), optional
        Weight of each training row.
    device : torch.device
        Where to train.
    seed : int
        Of everything random.
    start : VAE, optional
        A trained model to continue from.
    stream : StreamedRows, optional
        The training rows, if x is only a sample of them: it starts the model and judges it.
    followed : Followed, optional
        Who is told of every epoch, and may end the training.
    """
    n_rows = len(x) if stream is None else stream.n_rows
    recipe = resolve_recipe(parameters, table, n_rows, device)
    objective = resolve_objective(parameters, table, n_rows)
    early_stopping = parameters.early_stopping if x_val is None else False
    if stream is not None and early_stopping == "auto":
        early_stopping = True  # folds are for few rows
    if start is not None:
        if not isinstance(parameters.beta, BetaSchedule):
            objective = replace(objective, beta=LinearBeta(parameters.beta, end=0.0))  # z is in use already
        if early_stopping == "auto":
            early_stopping = False  # the model may have seen every row: no fold can judge it
    offset = float(table.log_jacobian(x).double().mean())
    with prepared(parameters, table, recipe, device, seed) as generator:
        split = split_rows(len(x), early_stopping, parameters.validation_fraction, generator)
        if stream is not None and split.held_out:
            stream = stream.without(split.held_out[0])
        if x_val is not None:
            split = Split(split.train, [torch.arange(len(x_val), device=device) + len(x)])
            weights = None if weights is None else torch.cat([weights, weights.new_ones(len(x_val))])
            x = torch.cat([x, x_val])
        x, weights = x.to(device), None if weights is None else weights.to(device)
        vae = build_vae(parameters, table, recipe.hidden_layer_sizes, seed) if start is None else copy.deepcopy(start)
        vae = vae.to(device).requires_grad_(True)
        restack(vae, [0] * len(split.train))
        if start is None:
            initialize(vae, x, split.train, resolve_init(parameters, table), generator, weights)
        x, weights = x.float(), None if weights is None else weights.float()

        def end(vae: VAE, history: History, generator: torch.Generator | None) -> Fit:
            return conclude(vae, history, table, x, split.train[-1], weights, generator)

        def tell(training: Training) -> bool:
            assert followed is not None, "nobody listens"
            gpus = [device] if device.type == "cuda" else []
            with torch.random.fork_rng(devices=gpus, enabled=reads_global_rng(parameters)):
                return followed.after_epoch(
                    goes_on=bool(training.running) and training.epoch < recipe.max_iter,
                    fit=lambda: end(*training.so_far(training.candidates[0]), None),
                )

        if followed is not None:
            followed.begin(recipe.max_iter)
        run = partial(
            train,
            vae,
            x,
            split,
            objective=objective,
            seed=seed,
            weights=weights,
            offset=offset,
            report=partial(print_progress, max_iter=recipe.max_iter) if parameters.verbose else None,
            after_epoch=tell if followed is not None else None,
            rows=stream,
        )
        history = train_within_memory(run, recipe)
        if parameters.verbose:
            print(f"{_epoch(history.best_iter, recipe.max_iter)}  is kept")
        return end(vae, history, generator)


def fit_together(
    parameters: Sequence[Any],
    table: Table,
    x: Tensor,
    *,
    device: torch.device,
    seed: int,
    factor: float | None = None,
) -> list[Fit]:
    """Train several models on the same rows as one stack: each is what ``fit_vae`` would make of it.

    Parameters
    ----------
    parameters : sequence of VAETransformer
        Alike but for ``STACKED``, and such that ``is_stackable``.
    table : Table
        The columns.
    x : Tensor of shape (N, D)
        Encoded training rows.
    device : torch.device
        Where to train.
    seed : int
        Of everything random in each.
    factor : float, optional
        Of successive halving: after 1 / factor² of the passes and after 1 / factor, one in ``factor`` goes on.
    """
    recipes = [resolve_recipe(each, table, len(x), device) for each in parameters]
    order = sorted(range(len(recipes)), key=lambda c: (recipes[c].learning_rate, recipes[c].weight_decay))
    offset = float(table.log_jacobian(x).double().mean())
    first = parameters[0]
    with prepared(first, table, recipes[0], device, seed) as generator:
        split = split_rows(len(x), first.early_stopping, first.validation_fraction, generator)
        x, state = x.to(device), generator.get_state()
        rows, stacks = x.float(), []
        size = max(1, MAX_STACK // len(split.train)) if device.type == "cpu" else len(order)
        for chosen in (order[i : i + size] for i in range(0, len(order), size)):
            models = []
            for c in chosen:
                generator.set_state(state)
                vae = build_vae(parameters[c], table, recipes[c].hidden_layer_sizes, seed).to(device)
                restack(vae, [0] * len(split.train))
                initialize(vae, x, split.train, resolve_init(parameters[c], table), generator)
                models.append(vae)
            candidates = [
                Candidate(
                    recipes[c], resolve_objective(parameters[c], table, len(x)), parameters[c].n_components, offset
                )
                for c in chosen
            ]
            widest = max(chosen, key=lambda c: parameters[c].n_components)
            stack = join(
                models, build_vae(parameters[widest], table, recipes[widest].hidden_layer_sizes, seed).to(device)
            )
            stacks.append(Training(stack, rows, split, candidates, seed=seed))
        if factor is not None:
            halve(stacks, factor)
        for training in stacks:
            training.run()
        if any(candidate.history.interrupted for training in stacks for candidate in training.candidates):
            raise KeyboardInterrupt  # a search has nothing to keep of it
        trained = [candidate for training in stacks for candidate in training.candidates]
        fits: list[Fit | None] = [None] * len(order)
        for c, candidate in zip(order, trained, strict=True):
            assert candidate.vae is not None, "training has ended"
            vae = narrow(candidate.vae, build_vae(parameters[c], table, recipes[c].hidden_layer_sizes, seed).to(device))
            fits[c] = conclude(vae, candidate.history, table, rows, split.train[-1], None, generator)
        return [fit for fit in fits if fit is not None]


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


def is_stackable(parameters: Any) -> bool:
    """Whether the model can be one of a stack of fits: nothing in it draws from torch's own generator or needs more."""
    return (
        parameters.encoder == "mlp"
        and parameters.decoder == "factorized"
        and parameters.prior in ("normal", Normal())
        and parameters.dropout == 0
        and not parameters.warm_start
    )


def reads_global_rng(parameters: Any) -> bool:
    """Whether something in the model draws from torch's own generator."""
    return bool(parameters.dropout > 0 or callable(parameters.encoder) or callable(parameters.decoder))


@contextmanager
def prepared(
    parameters: Any, table: Table, recipe: Recipe, device: torch.device, seed: int
) -> Iterator[torch.Generator]:
    """A generator of our own, and as many threads as the matrix products want."""
    rng = isolated_rng(seed, device, lends_global=reads_global_rng(parameters))
    with rng as generator, intraop_threads(recipe.n_threads(n_parallel(parameters, table))):
        yield generator


def conclude(
    vae: VAE,
    history: History,
    table: Table,
    x: Tensor,
    rows: Tensor,
    weights: Tensor | None,
    generator: torch.Generator | None,
) -> Fit:
    """The model of all training rows, refined unless there is no generator, and what there is to say of it."""
    restack(vae, [len(vae.decoder.bias) - 1])
    try:
        if generator is not None:
            refine(vae, x[rows], None if weights is None else weights[rows], generator)
    except KeyboardInterrupt:  # the trained weights are as good as without
        history.interrupted = True
    vae.requires_grad_(False)
    rows = rows[:: math.ceil(len(rows) / KL_ROWS)]
    went_wrong = history.n_skipped or history.n_rollbacks
    extreme = most_extreme(table, x) if went_wrong else None
    return Fit(vae, history, mean_kl(vae, x[rows], None if weights is None else weights[rows]), extreme)


def train_within_memory(run: Callable[..., History], recipe: Recipe) -> History:
    """Train, with half the batch where the whole one does not fit into the memory of the device."""
    for half in (False, True):
        recipe = replace(recipe, batch_size=max(1, recipe.batch_size // 2)) if half else recipe
        try:
            return run(recipe=recipe)
        except torch.OutOfMemoryError:
            pass  # the traceback, which holds the memory, goes first
        torch.cuda.empty_cache()
        if not half:
            warnings.warn(
                f"The device has no memory for {recipe.batch_size} rows a step, so training goes on with half as many. "
                f"Set batch_size to {recipe.batch_size // 2} or less.",
                ResourceWarning,
                stacklevel=5,
            )
    raise MemoryError(
        f"The device has no memory for {recipe.batch_size} rows a step. Set batch_size to fewer, choose smaller "
        f"hidden_layer_sizes, or use device='cpu'."
    )


def most_extreme(table: Table, x: Tensor) -> tuple[int, float] | None:
    """Position of the column whose number lies farthest out, and where, encoded. Shape: (N, D)."""
    numbers = [j for j, family in enumerate(table.families) if family.levels == "none"]
    if not numbers:
        return None
    size = x[:, numbers].abs().nan_to_num(nan=0.0, posinf=torch.inf).amax(dim=0)
    return numbers[int(size.argmax())], float(size.max())


def build_vae(parameters: Any, table: Table, sizes: Sequence[int], seed: int) -> VAE:
    """The untrained module, a stack of one, on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    joint = table.joint()
    n_components = parameters.n_components
    linear = any(family.is_linear for family in table.families)

    def trunk(network: Network, sizes: Sequence[int]) -> Trunk:
        if callable(network):
            return partial(Replicas, network)
        return lambda n_in, n_out: MLP(n_in, n_out, sizes, parameters.activation, parameters.dropout, generator)

    encoder = Encoder(
        joint,
        n_components,
        trunk(parameters.encoder, sizes),
        gaps=table.gaps.tolist(),
        linear=linear,
        generator=generator,
    )
    if is_autoregressive(parameters):
        mlp = trunk("mlp", sizes[::-1])
        decoder: Decoder = AutoregressiveDecoder(joint, n_components, mlp, mlp, linear=linear, generator=generator)
    else:
        mlp = trunk(parameters.decoder, sizes[::-1])
        decoder = Decoder(joint, n_components, mlp, linear=linear, generator=generator)
    family = PRIORS[parameters.prior]() if isinstance(parameters.prior, str) else parameters.prior
    return VAE(joint, family.build(n_components, encoder, generator), encoder, decoder).float()


def refine(vae: VAE, x: Tensor, weights: Tensor | None, generator: torch.Generator) -> None:
    """The steps after training: a learned prior is matched to the posteriors, the columns to their frequencies."""
    if vae.prior.is_learned:
        refit_prior(vae, x, weights, generator)
    if isinstance(vae.decoder, AutoregressiveDecoder):
        match_marginals(vae, x, generator, weights)


def refit_prior(vae: VAE, x: Tensor, weights: Tensor | None, generator: torch.Generator) -> None:
    """Match a learned prior to the posteriors that training left."""
    if weights is not None:
        x = x[torch.multinomial(weights.float(), len(x), replacement=True, generator=generator)]
    with torch.no_grad():
        posteriors = [vae.posterior(rows[None]) for rows in torch.split(x, 1000)]
    loc = torch.cat([q.loc for q in posteriors], dim=1)
    q = DiagonalNormal(loc, torch.cat([q.scale for q in posteriors], dim=1))
    fit_prior(vae.prior, q, generator=generator)


@torch.no_grad()
def mean_kl(vae: VAE, x: Tensor, weights: Tensor | None = None) -> Tensor:
    """What each component says of a row, nats, on average. Shape: x (N, D), weights (N,) -> (K,).

    KL(q(z_k | x) ‖ p(z_k)) where the prior has it in closed form. Others need not factorise: then the normal
    distribution with the moments of the aggregate posterior takes their place, which bounds the mutual information.
    """
    posteriors = [vae.posterior(rows[None]) for rows in torch.split(x, 1000)]
    loc, scale = torch.cat([q.loc[0] for q in posteriors]), torch.cat([q.scale[0] for q in posteriors])
    share = loc.new_ones(len(loc)) if weights is None else weights.to(loc)
    share = share / share.sum()
    if vae.prior.has_closed_form_kl:
        kl = vae.prior.kl(DiagonalNormal(loc[None], scale[None]), loc[None])[0]
        return share @ kl.masked_fill(x.isnan().all(dim=-1, keepdim=True), 0.0)
    center = share @ loc
    spread = (share @ ((loc - center).square() + scale.square())).sqrt()
    return share @ kl_to_standard_normal((loc - center) / spread, scale / spread)


@torch.no_grad()
def mean_kl_of_rows(vae: VAE, x: Tensor) -> Tensor:
    """KL(q(z | x) ‖ p(z)) under a prior without a closed form, by many fixed draws. Shape: (1, B, D) -> (1, B, 1)."""
    q = vae.posterior(x)
    nodes = normal_nodes(KL_NODES, vae.encoder.n_components).to(x)
    kl = torch.stack([vae.prior.kl(q, q.at(node)) for node in nodes]).mean(dim=0)
    return kl.masked_fill(x.isnan().all(dim=-1)[..., None], 0.0)


def print_progress(history: History, max_iter: int | None = None) -> None:
    """One line for each held-out evaluation, or as many without them."""
    row = history.epochs[-1]
    terms = {"elbo": row["elbo"], "held-out": row["validation_elbo"], "kl": row["kl"]}
    if math.isnan(row["validation_elbo"]):
        del terms["held-out"]
    figures = (f"{name} {'-' if math.isnan(value) else format(value, '.3f'):>10}" for name, value in terms.items())
    print(f"{_epoch(row['epoch'], max_iter)}  {row['seconds']:6.1f} s  {'  '.join(figures)}")


def _epoch(epoch: float, max_iter: int | None) -> str:
    return f"epoch {epoch:4.0f}" if max_iter is None else f"epoch {epoch:{len(str(max_iter))}.0f}/{max_iter}"
