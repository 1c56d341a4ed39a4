"""What "auto" means: from an estimator's parameters and a table to numbers."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import torch

from skvae.likelihoods import Bernoulli, Gaussian, Likelihood
from skvae.tables import Table
from skvae.training import BetaSchedule, LinearBeta, Objective, Recipe, resolve_precision
from skvae.training import recipe as rules


def kinds(table: Table) -> set[type[Likelihood]]:
    """The classes of the families, which the rules go by."""
    return {type(family) for family in table.data_families}


def is_autoregressive(parameters: Any) -> bool:
    """Whether columns see earlier columns."""
    return bool(parameters.decoder == "autoregressive")


def n_parallel(parameters: Any, table: Table) -> int:
    """How many times as wide as a hidden layer the largest matrix products are."""
    n_columns = len(table.columns)
    return 32 * n_columns if is_autoregressive(parameters) else n_columns  # one row each for the context network


def resolve_recipe(parameters: Any, table: Table, n_rows: int, device: torch.device) -> Recipe:
    """Turn every "auto" of the optimisation into a number."""
    n_columns = len(table.data_columns)
    is_binary, sees_columns = kinds(table) == {Bernoulli}, is_autoregressive(parameters)
    if isinstance(parameters.hidden_layer_sizes, str):
        width = rules.auto_synthesis_width(n_rows) if sees_columns else rules.auto_width(n_rows, n_columns)
        sizes: tuple[int, ...] = (width, width)
    else:
        sizes = tuple(parameters.hidden_layer_sizes)
        if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes must hold positive integers, got {parameters.hidden_layer_sizes!r}. "
                f"Pass (128, 128), say, or () for a linear encoder and decoder."
            )
    width = max(sizes, default=1)

    def number(value: Any, rule: Callable[[], float]) -> Any:
        return rule() if isinstance(value, str) else value

    def learning_rate() -> float:
        if sees_columns:
            return rules.auto_synthesis_learning_rate(n_rows)
        return rules.auto_learning_rate(n_rows, is_binary)

    def max_iter() -> int:
        rule = rules.auto_synthesis_max_iter if sees_columns else rules.auto_max_iter
        return rule(n_rows, batch_size)

    batch_size = number(parameters.batch_size, lambda: rules.auto_batch_size(n_rows, sees_columns))
    return Recipe(
        hidden_layer_sizes=sizes,
        learning_rate=number(parameters.learning_rate, learning_rate),
        weight_decay=number(parameters.weight_decay, lambda: rules.auto_weight_decay(n_rows, is_binary)),
        batch_size=batch_size,
        max_iter=number(parameters.max_iter, max_iter),
        n_iter_no_change=parameters.n_iter_no_change,
        tol=parameters.tol,
        dtype=resolve_precision(
            parameters.precision, width=width, n_columns=n_parallel(parameters, table), device=device
        ),
    )


def resolve_objective(parameters: Any, table: Table, n_rows: int) -> Objective:
    """Turn every "auto" of the objective into a number."""
    input_dropout = parameters.input_dropout
    if isinstance(input_dropout, str):
        is_gaussian = kinds(table) == {Gaussian} and {family.scaling for family in table.data_families} == {"shared"}
        n_columns, n_components = len(table.data_columns), parameters.n_components
        input_dropout = rules.auto_input_dropout(n_rows, n_columns, n_components, is_gaussian)
    free_bits, beta = parameters.free_bits, parameters.beta
    if isinstance(free_bits, str):
        free_bits = rules.auto_free_bits(is_autoregressive(parameters)) if parameters.objective == "elbo" else 0.0
    elif free_bits and parameters.objective == "iwae":
        raise ValueError(
            f"objective='iwae' has no KL of each component, so free_bits must be 0 or 'auto', got {free_bits!r}. "
            f"Use objective='elbo' with free_bits."
        )
    if not isinstance(beta, BetaSchedule):
        has_categories = any(family.levels != "none" for family in table.data_families)
        beta = LinearBeta(beta, end=rules.auto_kl_warmup(kinds(table) == {Bernoulli}, has_categories))
    by_draw = rules.auto_kl_by_draw(kinds(table) == {Bernoulli})
    return Objective(parameters.objective, beta, free_bits, parameters.n_draws, input_dropout, by_draw)


def resolve_init(parameters: Any, table: Table) -> str:
    """Turn an "auto" start into a linear or a random one."""
    if parameters.init != "auto":
        return str(parameters.init)
    n_coded = sum(family.levels != "none" for family in table.data_families)
    return rules.auto_init(n_coded, len(table.data_families))
