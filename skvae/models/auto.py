"""What "auto" means: one table of rules for each purpose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from skvae.likelihoods import Bernoulli, Gaussian
from skvae.models.pace import SMALL, STEPS_OF_A_ROW, Pace, n_folds, pace_of
from skvae.models.plan import Parameters
from skvae.tables import Table
from skvae.training import WARMUP, can_begin

MAX_COLUMNS = 200  # that see one another unless a user asks for it
MANY_COLUMNS = 20  # whose chain bears no larger rate for many rows
MAX_LEVELS = 1000  # that start at a linear model: beyond, a covariance of all indicators costs more than it brings


@dataclass(frozen=True)
class Facts:
    """What the rules go by.

    Attributes
    ----------
    n_rows, n_columns, n_components : int
        Sizes of the data, and of z.
    n_encoded : int
        Number of encoded columns: those of the data and the indicators of their gaps.
    n_coded, n_begun : int
        Number of columns whose cells are levels, and how many of these a linear model can start.
    is_binary : bool
        Whether all columns are Bernoulli.
    is_gaussian : bool
        Whether all columns share one Gaussian scale.
    """

    n_rows: int
    n_columns: int
    n_components: int
    n_encoded: int
    n_coded: int = 0
    n_begun: int = 0
    is_binary: bool = False
    is_gaussian: bool = False

    @classmethod
    def of(cls, table: Table, n_rows: int, n_components: int, *, starts_levels: bool = False) -> Self:
        """Facts of the columns of a table, and whether levels may start linearly, too."""
        families = table.data_families
        are_begun = starts_levels and n_coded_levels(table) <= MAX_LEVELS
        return cls(
            n_rows=n_rows,
            n_columns=len(families),
            n_components=n_components,
            n_encoded=len(table.families),
            n_coded=sum(family.levels != "none" for family in families),
            n_begun=sum(map(can_begin, families)) if are_begun else 0,
            is_binary=all(type(family) is Bernoulli for family in families),
            is_gaussian=all(type(family) is Gaussian and family.scaling == "shared" for family in families),
        )


@dataclass(frozen=True)
class Rules:
    """Rules for a z that holds all that columns share: for representation.

    Attributes
    ----------
    facts : Facts
        What the rules go by.
    """

    facts: Facts

    def width(self) -> int:
        """Width of both hidden layers."""
        if self.facts.n_rows < SMALL:
            return 64
        if self.facts.n_rows >= 20_000 and self.facts.n_columns >= 200:
            return 512
        return 128

    def pace(self) -> Pace:
        """How fast z can be learned."""
        facts = self.facts
        is_risky = facts.is_binary or facts.n_encoded > self.width()
        if facts.n_rows >= SMALL:  # levels were not measured, and many components overfit sooner
            is_risky |= facts.n_coded > 0 or facts.n_columns < 4 * facts.n_components
        return pace_of(facts.n_rows, is_risky=is_risky)

    def learning_rate(self) -> float:
        """Peak learning rate; binary rows bear a larger one."""
        return 5e-3 if self.facts.is_binary else self.pace().learning_rate

    def weight_decay(self) -> float:
        """Decay of the networks' matrices: strong where rows are few."""
        return 0.0 if self.facts.is_binary else self.pace().weight_decay

    def batch_size(self) -> int:
        """A power of two near n / 16, from 32 to 512; near n / 4, and 128 at least, from 250 to 1,000 rows."""
        pace = self.pace()
        return power_of_two(self.facts.n_rows / pace.n_batches, pace.min_batch_size, 512)

    def max_iter(self, batch_size: int) -> int:
        """A hundred passes, but so many steps at least (folds are shorter), and 20,000 at most."""
        n_rows = self.facts.n_rows
        least = min(self.pace().min_steps, STEPS_OF_A_ROW * n_rows)
        return passes(min(max(100 * n_rows / batch_size, least), 20_000), n_rows, batch_size)

    def n_folds(self) -> int:
        """Folds that are trained at most."""
        return n_folds(self.facts.n_rows)

    def kl_warmup(self, init: str) -> float:
        """None after a linear start; columns without one would switch components off before they are in use."""
        facts = self.facts
        if facts.is_binary:
            return 0.25
        n_begun = facts.n_begun if init == "linear" else 0
        return 0.1 if facts.n_coded > n_begun else 0.0

    def kl_by_draw(self) -> bool:
        """Whether the gradient of the KL runs through the draw alone: less noise where q is near the truth."""
        return self.facts.is_binary

    def patient_until(self) -> float:
        """Share of training before which it does not stop: the warm-up."""
        return WARMUP

    def free_bits(self) -> float:
        """None: z is in use."""
        return 0.0

    def input_dropout(self) -> float:
        """A fifth of the cells where rows are wide and redundant, so that the others can stand in for them."""
        facts = self.facts
        is_redundant = facts.n_columns >= 50 and facts.n_columns >= 4 * facts.n_components
        if facts.is_gaussian and is_redundant and facts.n_rows >= SMALL:
            return 0.2
        return 0.0

    def init(self) -> Literal["linear", "numbers", "random"]:
        """Linear for numbers; random where half of the columns or more are categories: numbers would take all of z.

        Where three quarters are, categories start linearly, too, but not of few rows, which would be learned by heart.
        """
        facts = self.facts
        if 2 * facts.n_coded < facts.n_columns:
            return "numbers"
        return "linear" if facts.n_rows >= 2 * SMALL and 4 * facts.n_begun >= 3 * facts.n_columns else "random"

    def n_parallel(self) -> int:
        """How many times as wide as a hidden layer the largest matrix products are."""
        return self.facts.n_encoded

    def n_threads(self, hidden_layer_sizes: Sequence[int]) -> int | None:
        """One thread for small matrix products, which gain nothing from two; None, all of them, for wide ones."""
        size = max(hidden_layer_sizes, default=1) * self.n_parallel()
        return 1 if size < 65_536 else None


@dataclass(frozen=True)
class NestedRules(Rules):
    """Rules for components of which the first k are themselves a model: rows are shared among them."""

    def learning_rate(self) -> float:
        """Three times that of representation, where rows bear it."""
        return (3 if self.facts.n_rows >= SMALL and not self.facts.is_binary else 1) * super().learning_rate()

    def max_iter(self, batch_size: int) -> int:
        """Twice the passes."""
        return 2 * super().max_iter(batch_size)

    def patient_until(self) -> float:
        """A third: the mean over all levels may fall at first."""
        return 1 / 3


@dataclass(frozen=True)
class SynthesisRules(Rules):
    """Rules for columns that see one another, so that z holds little: for synthesis."""

    def width(self) -> int:
        """Width of both hidden layers."""
        if self.facts.n_rows < SMALL:
            return 64
        return 128 if self.facts.n_rows < 5 * SMALL else 256

    def learning_rate(self) -> float:
        """Peak learning rate."""
        return 4e-3 if self.facts.n_rows < 12 * SMALL else 8e-3

    def weight_decay(self) -> float:
        """Decay of the networks' matrices: strong where rows are few."""
        if self.facts.is_binary:
            return 0.0
        return 1.0 if self.facts.n_rows < SMALL else 1e-2

    def batch_size(self) -> int:
        """A power of two near n / 16, from 32 to 256."""
        return power_of_two(self.facts.n_rows / 16, 32, 256)

    def max_iter(self, batch_size: int) -> int:
        """14 passes, fewer beyond 30,000 rows, but 400 steps at least."""
        n_rows = self.facts.n_rows
        n_passes = 14 * min(1.0, math.sqrt(30_000 / n_rows))
        return passes(max(n_passes * n_rows / batch_size, 400), n_rows, batch_size)

    def free_bits(self) -> float:
        """Columns that see one another need z for little, and would switch every component off."""
        return 0.05

    def n_parallel(self) -> int:
        """The network of the context has a row for each column."""
        return 32 * self.facts.n_encoded


@dataclass(frozen=True)
class ChainRules(SynthesisRules):
    """Rules for columns that see earlier ones, without z."""

    def learning_rate(self) -> float:
        """The same, but 4e-3 at most for many columns: contexts are sums over them, and would move too far."""
        return super().learning_rate() if self.facts.n_columns < MANY_COLUMNS else 4e-3

    def max_iter(self, batch_size: int) -> int:
        """Where folds are trained beside, 12 passes, but 150 steps at least; else as with z."""
        n_rows = self.facts.n_rows
        if n_rows >= 2 * SMALL:
            return super().max_iter(batch_size)
        return passes(max(12 * n_rows / batch_size, 150), n_rows, batch_size)

    def n_folds(self) -> int:
        """As many as hold 200 rows: more choose no better, and each of them is one more model."""
        return math.ceil(SMALL / self.facts.n_rows)

    def n_parallel(self) -> int:
        """A batch has a row for each column, and columns have many levels."""
        return 64 * self.facts.n_encoded


@dataclass(frozen=True)
class ReaderRules(ChainRules):
    """Rules for one network that tells each cell from any others."""

    def learning_rate(self) -> float:
        """Peak learning rate; the smallest batches bear half of it."""
        return 3e-3 if self.batch_size() > 32 else 1.5e-3

    def batch_size(self) -> int:
        """A power of two near n / 8, from 32 to 512."""
        return power_of_two(self.facts.n_rows / 8, 32, 512)

    def max_iter(self, batch_size: int) -> int:
        """About 1,500,000 rows, but 25 passes at least and 200 at most; 100 where folds are trained beside."""
        n_rows = self.facts.n_rows
        most = 100 if n_rows < 2 * SMALL else 200
        n_passes = min(max(1_500_000 / n_rows, 25), most)
        return passes(n_passes * n_rows / batch_size, n_rows, batch_size)

    def n_parallel(self) -> int:
        """The rows of a large batch."""
        return 512

    def n_threads(self, hidden_layer_sizes: Sequence[int]) -> int | None:
        """One, which a few small matrix products keep busy."""
        return 1


RULES_BESIDE: dict[str, type[ChainRules]] = {"chain": ChainRules, "reader": ReaderRules}


def power_of_two(near: float, least: int, most: int) -> int:
    """The power of two next to a number, within bounds."""
    return int(min(max(2 ** round(math.log2(max(near, 1))), least), most))


def passes(n_steps: float, n_rows: int, batch_size: int) -> int:
    """Passes over the rows that take about so many steps."""
    return max(1, round(n_steps / max(1, n_rows // batch_size)))


def has_models_beside(parameters: Parameters, table: Table) -> bool:
    """Whether there are models beside the VAE in which columns see one another: for DataFrames, unless very wide."""
    if parameters.decoder == "auto":
        return table.is_frame and len(table.data) <= MAX_COLUMNS
    return parameters.decoder == "conditional"


def carries_levels(parameters: Parameters) -> bool:
    """Whether the networks can carry a linear start of levels: perceptrons, of columns that are independent given z."""
    return parameters.encoder == "mlp" and parameters.decoder in ("auto", "factorized", "conditional")


def n_coded_levels(table: Table) -> int:
    """Number of levels of all columns whose cells are levels."""
    columns = zip(table.columns, table.families, strict=True)
    return sum(len(column.edges) for column, family in columns if family.levels != "none")


def rules_for(parameters: Parameters, table: Table, n_rows: int) -> Rules:
    """The table of rules for the purpose that the decoder serves."""
    facts = Facts.of(table, n_rows, parameters.n_components, starts_levels=carries_levels(parameters))
    if parameters.ordered:
        return NestedRules(facts)
    if parameters.decoder == "autoregressive":
        return SynthesisRules(facts)
    return Rules(facts)
