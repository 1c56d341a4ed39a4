"""The plan of a fit: what the user said, and what the rules say where that is "auto"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Literal, TypeVar, cast

import torch

from skvae.models.architecture import BESIDE, Architecture
from skvae.models.auto import MAX_LEVELS, RULES_BESIDE, ChainRules, Facts, Rules, has_models_beside, rules_for
from skvae.models.plan import Parameters, Plan, Stage
from skvae.priors import Normal
from skvae.tables import Table
from skvae.training import BetaSchedule, LinearBeta, NestedObjective, Objective, Recipe, resolve_precision

FREE_BITS_MAX = 1e30  # nats: no KL reaches them, and float32 holds them

Number = TypeVar("Number", int, float)


def decide(
    parameters: Parameters, table: Table, n_rows: int, device: torch.device, *, is_continued: bool = False
) -> Plan:
    """The plan of a fit.

    Parameters
    ----------
    parameters : Parameters
        What the user said.
    table : Table
        The columns.
    n_rows : int
        Number of training rows.
    device : torch.device
        Device of the training.
    is_continued : bool
        Whether training goes on from a fitted model, whose z is in use already.

    Raises
    ------
    ValueError
        Where parameters contradict one another.
    """
    if parameters.ordered:
        check_can_be_nested(parameters)
    choices = Choices(parameters, rules_for(parameters, table, n_rows))
    sizes, init = choices.hidden_layer_sizes(), choices.init(table)
    beside, sizes_beside = dict[str, Stage](), tuple[int, ...]()
    if has_models_beside(parameters, table):
        facts = Facts.of(table.of_columns, n_rows, parameters.n_components)
        sizes_beside = Choices(parameters, ChainRules(facts)).hidden_layer_sizes()
        for name in BESIDE:
            beside[name] = Choices(parameters, RULES_BESIDE[name](facts)).stage(sizes_beside, device)
    architecture = Architecture(
        parameters.n_components,
        sizes,
        parameters.activation,
        parameters.dropout,
        parameters.encoder,
        parameters.decoder,
        parameters.prior,
        sizes_beside,
    )
    return Plan(
        architecture=architecture,
        recipe=choices.recipe(sizes, device),
        objective=choices.objective(init, is_continued=is_continued),
        init=init,
        early_stopping=choices.early_stopping(is_continued=is_continued),
        validation_fraction=parameters.validation_fraction,
        n_threads=choices.rules.n_threads(sizes),
        n_folds=choices.rules.n_folds(),
        beside=beside,
        is_nested=parameters.ordered,
        may_begin=init != "linear" and choices.rules.facts.n_begun > 0,
    )


@dataclass(frozen=True)
class Choices:
    """What the user said of one model, and what the rules for it say where that is "auto".

    Attributes
    ----------
    asked : Parameters
        What the user said.
    rules : Rules
        The rules for the purpose of the model.
    """

    asked: Parameters
    rules: Rules

    def hidden_layer_sizes(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        sizes = self.asked.hidden_layer_sizes
        if isinstance(sizes, str):
            return (self.rules.width(), self.rules.width())
        if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes must hold positive integers, got {sizes!r}. "
                f"Pass (128, 128), say, or () for a linear encoder and decoder."
            )
        return tuple(map(int, sizes))

    def recipe(self, sizes: Sequence[int], device: torch.device) -> Recipe:
        """How weights are found."""
        batch_size = int(_number(self.asked.batch_size, self.rules.batch_size()))  # True is 1 for scikit-learn, too
        return Recipe(
            learning_rate=float(_number(self.asked.learning_rate, self.rules.learning_rate())),
            weight_decay=float(_number(self.asked.weight_decay, self.rules.weight_decay())),
            batch_size=batch_size,
            max_iter=int(_number(self.asked.max_iter, self.rules.max_iter(batch_size))),
            n_iter_no_change=self.asked.n_iter_no_change,
            tol=float(self.asked.tol),
            dtype=resolve_precision(
                self.asked.precision, width=max(sizes, default=1), n_columns=self.rules.n_parallel(), device=device
            ),
            patient_until=self.rules.patient_until(),
        )

    def stage(self, sizes: tuple[int, ...], device: torch.device) -> Stage:
        """The training of a model beside the VAE."""
        return Stage(self.recipe(sizes, device), self.rules.n_threads(sizes), self.rules.n_folds())

    def objective(self, init: str, *, is_continued: bool) -> Objective:
        """What weights maximise, after such a start."""
        kind = NestedObjective if self.asked.ordered else Objective
        return kind(
            name=cast(Literal["elbo", "iwae"], self.asked.objective),
            beta=self._beta(init, is_continued=is_continued),
            free_bits=self._free_bits(),
            n_draws=int(self.asked.n_draws),
            input_dropout=_number(self.asked.input_dropout, self.rules.input_dropout()),
            input_noise=float(self.asked.input_noise),
            kl_by_draw=self.rules.kl_by_draw(),
        )

    def init(self, table: Table) -> str:
        """Where training starts."""
        if self.asked.init == "auto":
            return self.rules.init()
        if self.asked.init == "random" or self.rules.facts.n_begun:
            return self.asked.init
        if not any(family.is_linear for family in table.families):
            names = " or ".join(repr(name) for name in sorted({family.name for family in table.data_families}))
            raise ValueError(
                f"init='linear' starts at a linear model of columns whose likelihood has a location, such as "
                f"'gaussian' or 'normal_scores', and, where encoder and decoder are skvae's own and the decoder is "
                f"factorized, of categories with up to {MAX_LEVELS} levels in all, but all columns here are {names}. "
                f"Use init='auto', or another likelihood."
            )
        return "numbers"

    def early_stopping(self, *, is_continued: bool) -> str | bool:
        """Which rows choose the best weights."""
        if is_continued and self.asked.early_stopping == "auto":
            return False  # the model may have seen every row: no fold can judge it
        return self.asked.early_stopping

    def _beta(self, init: str, *, is_continued: bool) -> BetaSchedule:
        """Weight of the KL, epoch by epoch."""
        if isinstance(self.asked.beta, BetaSchedule):
            return self.asked.beta
        return LinearBeta(float(self.asked.beta), end=0.0 if is_continued else self.rules.kl_warmup(init))

    def _free_bits(self) -> float:
        """Nats of each component that cost nothing."""
        if self.asked.objective == "elbo":
            return min(float(_number(self.asked.free_bits, self.rules.free_bits())), FREE_BITS_MAX)
        if self.asked.free_bits not in ("auto", 0):
            raise ValueError(
                f"objective='iwae' has no KL of each component, so free_bits must be 0 or 'auto', "
                f"got {self.asked.free_bits!r}. Use objective='elbo' with free_bits."
            )
        return 0.0


def check_can_be_nested(parameters: Parameters) -> None:
    """Refuse what has no first k components.

    Raises
    ------
    ValueError
        Where a parameter and ``ordered=True`` contradict each other.
    """
    can_be = {
        "prior": parameters.prior in ("normal", Normal()),
        "decoder": parameters.decoder in ("auto", "factorized", "conditional"),
        "encoder": parameters.encoder == "mlp",
        "objective": parameters.objective == "elbo",
        "free_bits": parameters.free_bits in ("auto", 0),
        "warm_start": not parameters.warm_start,
    }
    for name, is_possible in can_be.items():
        if not is_possible:
            value = getattr(parameters, name)
            raise ValueError(
                f"ordered=True trains the first k components as a model of their own, for every k, from a start of its "
                f"own, for which {name} must be as it is by default, but it is {value!r}. Leave it out, or use "
                f"ordered=False."
            )


def _number(asked: str | Number, rule: Number) -> Number:
    """What the user said, or the rule where that is "auto"."""
    if isinstance(asked, str):
        return rule
    return asked
