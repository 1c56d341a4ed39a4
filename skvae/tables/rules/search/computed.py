"""Numbers that are computed from others and rounded: units converted, logarithms, products, quotients, means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from skvae.tables.bins import MAX_DECIMALS, Floats, Integers
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Equation
from skvae.tables.rules.quantities import NUMBER
from skvae.tables.rules.search.evidence import FIRST, SECOND, Evidence, complete_rows, is_enough, surprise_of
from skvae.tables.rules.search.factors import Factor, factors_between, n_digits, simplest, slopes_between
from skvae.tables.rules.syntax import FUNCTIONS

FEWEST_LEVELS = 10  # of what is computed: fewer are on a line with anything that tells them apart
FEW = 8  # rows that are looked at before the first
CURVES: dict[str, Callable[[Floats], Floats]] = {
    "{}": lambda x: x,
    **{f"{name}({{}})": function for name, function in FUNCTIONS.items()},
    "log({} + 1)": np.log1p,
}
POWERS = ((1, 1), (1, -1), (1, -2), (1, 2))  # of two columns, the first of which may be left out
DIVISORS = (*range(1, 13), 20, 25, 50, 100, 1000)  # of sums: a mean of three, shares in per cent
SMALLEST = 1e-13  # standard deviation of a direction in which rows do not vary at all
CONSTANT = 2  # digits that one more number in a formula counts for
MOST_DIGITS = 24  # of the numbers of a formula: beyond, they are fitted


@dataclass(frozen=True)
class Computed:
    """A number and the formula that gives it.

    Attributes
    ----------
    target : str
        The number.
    right : Formula
        The formula.
    n_levels : int
        Number of values of the target.
    is_rounded : bool
        Whether the target has few decimals.
    n_quotients : int
        How often it is divided by a column.
    n_digits : int
        Digits of the constants in the formula.
    place : int
        Position of the target among the columns.
    """

    target: str
    right: Formula
    n_levels: int
    is_rounded: bool
    n_quotients: int
    n_digits: int
    place: int

    @property
    def order(self) -> tuple[int, bool, int, int, int, int]:
        """Which of several is meant: what has the most values is computed, of few columns, by a short formula.

        A number of pieces is a total over a price, too, but rounded it says less than the total does. Of as many
        values, those that are not rounded are computed, by a product before a quotient, or else the last of the table.
        """
        simplicity = len(self.right.names), self.n_quotients, self.n_digits
        return -self.n_levels.bit_length(), self.is_rounded, *simplicity, -self.place

    def equation(self) -> Equation:
        """It as a rule."""
        return Equation(Formula.of_column(self.target), self.right)


def find_computed(evidence: Evidence, sources: Mapping[str, Sequence[str]]) -> list[Equation]:
    """Equations of numbers that other numbers give, but for rounding to their last decimal.

    Parameters
    ----------
    evidence : Evidence
        The table.
    sources : dict of str -> list of str
        What each column follows from that other rules give already.
    """
    search = _Search(evidence, sources)
    if len(search.columns) < 2:
        return []
    found = sorted([*search.lines(), *search.products(), *search.sums()], key=lambda computed: computed.order)
    known, equations = dict(sources), list[Equation]()
    for computed in found:
        inputs = computed.right.names
        if computed.target not in known and computed.target not in all_sources(inputs, known):
            known[computed.target] = inputs
            equations.append(computed.equation())
    return equations


class _Search:
    """What the search goes through.

    Parameters
    ----------
    evidence : Evidence
        The table.
    sources : dict of str -> list of str
        See ``find_computed``.
    """

    def __init__(self, evidence: Evidence, sources: Mapping[str, Sequence[str]]) -> None:
        self.names, self.quantities = list(evidence.quantities), list(evidence.quantities.values())
        self.numbers = evidence.numbers
        is_complete, columns = complete_rows(self.numbers, FIRST)
        numbers = [j for j in columns if self.quantities[j].kind == NUMBER]
        self.columns = np.array(numbers, dtype=int)
        X = self.numbers[is_complete][:SECOND]
        self.X = X[np.argsort((X == 0).sum(axis=1), kind="stable")]  # those that say the most come first
        self.half = np.array([q.rounding + q.slack for q in self.quantities])  # of what cells are rounded to
        self.n_levels = {j: evidence.n_levels(self.names[j]) for j in numbers}
        self.several = [j for j in numbers if self.n_levels[j] >= FEWEST_LEVELS]
        self.targets = [j for j in self.several if self.names[j] not in sources]

    # -- y = k g(x) + c ----------------------------------------------------------------------------------------------

    def lines(self) -> Iterator[Computed]:
        """Numbers that lie on a line over another, or over a function of it."""
        for function, curve in CURVES.items():
            with np.errstate(all="ignore"):
                X = curve(self.X[:FIRST, self.several])
                centred = X - X.mean(axis=0)
                variances = (centred**2).sum(axis=0)
                for y in self.targets:
                    own = self.X[:FIRST, y] - self.X[:FIRST, y].mean()
                    left = own[:, None] - centred * (own @ centred / variances)
                    for x in np.flatnonzero((np.abs(left) <= 4 * self.half[y]).all(axis=0)):
                        if self.several[x] != y:
                            yield from self._line(y, self.several[x], function)

    def _line(self, y: int, x: int, function: str) -> Iterator[Computed]:
        """The simplest line through all rounded cells."""
        own, others = self._known(y, [x])
        with np.errstate(all="ignore"):
            bent = CURVES[function](others[:, 0])
        if not np.isfinite(bent).all():
            return
        span, constant = factors_between(own, bent[:, None], self.half[y]), 0.0
        through_zero = bool(span.has_factor)
        slopes = span if through_zero else slopes_between(bent, own, self.half[y])
        if slopes is None:
            return
        factor = Factor.of(slopes)
        if not through_zero:
            rest = own - factor.value * bent
            constant = simplest(rest.max() - self.half[y], rest.min() + self.half[y])
        formula = Formula.of_line(self.names[x], function, factor.factor, factor.divisor, constant)
        digits = factor.n_digits + n_digits(constant) + CONSTANT * (constant != 0)
        yield from self._computed(y, [x], formula, digits, len(own))

    # -- y = k a b, k a / b, … ------------------------------------------------------------------------------------

    def products(self) -> Iterator[Computed]:
        """Numbers that are products or quotients of others."""
        pairs, powers = self._pairs()
        X = np.column_stack([self.X[:FIRST], np.ones(min(FIRST, len(self.X)))])
        with np.errstate(all="ignore"):
            products = X[:, pairs[:, 0]] ** powers[:, 0] * X[:, pairs[:, 1]] ** powers[:, 1]
        for y in self.targets:
            left = np.flatnonzero((pairs != y).all(axis=1))
            for n in (FEW, FIRST):
                left = left[factors_between(self.X[:n, y], products[:n, left], self.half[y]).has_factor]
            for one, power in zip(pairs[left], powers[left], strict=True):
                yield from self._product(y, one, power)

    def _pairs(self) -> tuple[Integers, Integers]:
        """Pairs of columns and their powers; one column beyond the last stands for 1. Shape: (P, 2) twice."""
        columns, none = self.columns.tolist(), len(self.names)
        pairs, powers = list[tuple[int, int]](), list[tuple[int, int]]()
        for power in POWERS:
            is_symmetric = power[0] == power[1]
            of_two = list((combinations if is_symmetric else permutations)(columns, 2))
            new = of_two if is_symmetric else [*of_two, *((none, j) for j in columns)]
            pairs += new
            powers += [power] * len(new)
        return np.array(pairs), np.array(powers, dtype=float)

    def _product(self, y: int, pair: Integers, power: Floats) -> Iterator[Computed]:
        """The product of two columns with the simplest factor."""
        used = {int(j): int(p) for j, p in zip(pair, power, strict=True) if j < len(self.names)}
        own, others = self._known(y, list(used))
        with np.errstate(all="ignore"):
            product = np.prod(others ** np.array(list(used.values()), dtype=float), axis=1, keepdims=True)
        span = factors_between(own, product, self.half[y])
        if not span.has_factor:
            return
        factor = Factor.of(span)
        formula = Formula.of_product({self.names[j]: p for j, p in used.items()}, factor.factor, factor.divisor)
        n_quotients = -sum(min(p, 0) for p in used.values())
        yield from self._computed(y, list(used), formula, factor.n_digits, len(own), n_quotients)

    # -- y = (a + b + c) / n + constant ---------------------------------------------------------------------------

    def sums(self) -> Iterator[Computed]:
        """Numbers that are a sum of multiples of others, divided by a number and rounded."""
        X = self.X[:, self.columns]
        if len(X) <= 2 * len(self.columns):
            return
        centred = X - X.mean(axis=0)
        scale = centred.std(axis=0)
        free = np.flatnonzero(scale > 0)
        for place, deviation in zip(free, scale[free] * _shares_left(centred[:, free] / scale[free]), strict=True):
            y = int(self.columns[place])
            if y in self.targets and deviation <= 2 * self.half[y]:
                yield from self._sum(y, self.columns[[other for other in free if other != place]])

    def _sum(self, y: int, others: Integers) -> Iterator[Computed]:
        """The sum with the smallest divisor."""
        own, X = self.X[:, y], self.X[:, others]
        for _ in range(2):  # again without those that say nothing
            slopes = np.linalg.lstsq(X - X.mean(axis=0), own - own.mean(), rcond=None)[0]
            is_used = np.abs(slopes) * X.std(axis=0) > 2 * self.half[y]
            others, X, slopes = others[is_used], X[:, is_used], slopes[is_used]
        if len(others) < 2:
            return
        own, X = self._known(y, others.tolist())
        for divisor in DIVISORS:
            whole = np.rint(slopes * divisor)
            rest, room = divisor * own - X @ whole, divisor * self.half[y]
            low, high = rest.max() - room, rest.min() + room
            if whole.all() and low <= high:
                constant = simplest(low, high)
                coefficients = {self.names[j]: int(c) for j, c in zip(others, whole, strict=True)}
                formula = Formula.of_sum(coefficients, constant, divisor)
                digits = sum(map(n_digits, whole)) + n_digits(divisor) + n_digits(constant)
                yield from self._computed(y, others.tolist(), formula, digits, len(own))
                return

    # -- all ------------------------------------------------------------------------------------------------------

    def _known(self, y: int, others: list[int]) -> tuple[Floats, Floats]:
        """Cells of a target and of other columns in rows where none of them is a gap. Shape: (n,), (n, C)."""
        is_known = ~np.isnan(self.numbers[:, [y, *others]]).any(axis=1)
        return self.numbers[is_known, y], self.numbers[is_known][:, others]

    def _is_rounded(self, y: int) -> bool:
        """Whether a column has few decimals, but for what the last digits of floats leave."""
        slack, known = self.quantities[y].slack, self.numbers[~np.isnan(self.numbers[:, y]), y]
        decimals = (most for most in range(MAX_DECIMALS) if 10.0**-most >= 100 * slack)
        return any((np.abs(known - np.round(known, most)) <= slack).all() for most in decimals)

    def _computed(
        self, y: int, others: list[int], formula: Formula, digits: int, n_rows: int, n_quotients: int = 0
    ) -> Iterator[Computed]:
        """A formula, if rows say enough for it: as many as there are could have been tried, with such constants."""
        nats = n_rows * np.array([surprise_of(self.numbers[:, j]) for j in [y, *others]])
        n_tried = len(POWERS) * float(len(self.columns)) ** (1 + len(others)) * 10.0**digits
        if digits <= MOST_DIGITS and is_enough(nats, n_tried).all():
            yield Computed(self.names[y], formula, self.n_levels[y], self._is_rounded(y), n_quotients, digits, y)


def _shares_left(Z: Floats) -> Floats:
    """Standard deviation of what all other columns leave of each, which has one of 1. Shape: (n, C) -> (C,)."""
    _, scales, directions = np.linalg.svd(Z / np.sqrt(len(Z)), full_matrices=False)
    return np.asarray(1 / np.linalg.norm(directions.T / np.maximum(scales, SMALLEST), axis=1))


def all_sources(names: Sequence[str], sources: Mapping[str, Sequence[str]]) -> set[str]:
    """Some columns, and all that they follow from."""
    found = set(names)
    for name in names:
        if name in sources:
            found |= all_sources(sources[name], sources)
    return found
