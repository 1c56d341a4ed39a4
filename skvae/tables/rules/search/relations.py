"""Sums of columns with small whole coefficients that are the same in all rows: a = b + c, shares that sum to 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from skvae.tables.bins import Floats, Integers
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Equation
from skvae.tables.rules.quantities import NUMBER, Quantity, most_decimals
from skvae.tables.rules.search.evidence import FIRST, SECOND, Evidence, complete_rows, is_enough, surprise_of

LARGEST = 1000  # coefficient
WIDEST = 1000  # quantities: the pairs of more are too many
NULL = 1e-12  # share of the variance that a direction without any may have
MANY_ROWS = 20_000  # of which the directions are found


@dataclass(frozen=True)
class Relation:
    """Σ c_j x_j = constant.

    Attributes
    ----------
    coefficients : dict of str -> int
        c_j by column, none of them 0.
    constant : float
        The constant.
    """

    coefficients: dict[str, int]
    constant: float

    @property
    def target(self) -> str:
        """The column that is written on the left, where there is one: a whole of its parts, or the last."""
        for divisor in (1, LARGEST):  # a mean of others, say, is second best
            for name in reversed(self.coefficients):
                if self._is_whole(name, divisor):
                    return name
        return max(reversed(self.coefficients), key=lambda name: abs(self.coefficients[name]) == 1)

    @property
    def parts(self) -> list[str]:
        """The columns on the right."""
        return [name for name in self.coefficients if name != self.target]

    def _is_whole(self, name: str, divisor: int) -> bool:
        """Whether a column is a sum of multiples of the others, or a sum of them divided by so much at most."""
        parts = dict(self.coefficients)
        c = parts.pop(name)
        are_added = all(c * part < 0 for part in parts.values())
        return are_added and abs(c) <= divisor and (abs(c) == 1 or all(abs(part) == 1 for part in parts.values()))

    def equation(self, quantities: Mapping[str, Quantity]) -> Equation:
        """The relation as a rule."""
        target = self.target
        sign = -1 if self.coefficients[target] > 0 else 1  # so that the target goes to the left
        coefficients = {name: sign * c for name, c in self.coefficients.items()}
        decimals = most_decimals(quantities[name] for name in self.coefficients)
        constant = sign * round(self.constant, 9 if decimals is None else decimals)  # without the last digits of floats
        divisor = -coefficients.pop(target)
        if constant and coefficients and max(coefficients.values()) < 0:  # all are added up to the constant
            parts = {name: abs(c) for name, c in self.coefficients.items()}
            return Equation(Formula.of_sum(parts), Formula.of_number(-constant))
        return Equation(Formula.of_column(target), Formula.of_sum(coefficients, -constant, divisor))


def find_relations(evidence: Evidence) -> list[Relation]:
    """Relations of two, three or more quantities that hold in all rows where none of them is missing."""
    is_complete, columns = complete_rows(evidence.numbers, FIRST)
    if not 2 <= len(columns) <= WIDEST:
        return []
    search = _Search(evidence, evidence.numbers[is_complete], columns)
    search.take(_of_two_or_three(search.X[:FIRST], search.columns, evidence.tolerance))
    search.take(_of_more(search.X[:MANY_ROWS], search.left))
    return search.relations


class _Search:
    """Relations that are found so far.

    Parameters
    ----------
    evidence : Evidence
        The table.
    X : ndarray of shape (N, Q)
        Rows in which none of the columns is missing.
    columns : ndarray of int
        Positions of these columns among the quantities.
    """

    def __init__(self, evidence: Evidence, X: Floats, columns: Integers) -> None:
        self.names, self.X, self.tolerance = list(evidence.quantities), X, evidence.tolerance
        self.is_number = np.array([quantity.kind == NUMBER for quantity in evidence.quantities.values()])
        self.nats = np.array([len(X) * surprise_of(column) for column in X.T])
        self.columns = columns[self.nats[columns] > 0]
        self.n_tried = float(len(self.columns)) ** 3
        self.is_target = np.zeros(len(self.names), dtype=bool)
        self.relations = list[Relation]()

    @property
    def left(self) -> Integers:
        """Numbers that follow from no others yet."""
        is_left = self.is_number & ~self.is_target
        return self.columns[is_left[self.columns]]

    def take(self, candidates: Iterator[tuple[Integers, Integers]]) -> None:
        """Keep candidates that hold, and for which rows say enough."""
        for members, coefficients in candidates:
            if self.is_target[members].any() or not is_enough(self.nats[members], self.n_tried).all():
                continue
            constant = self._constant(members, coefficients)
            if constant is not None:
                by_place = sorted(zip(members.tolist(), coefficients.tolist(), strict=True))
                relation = Relation({self.names[j]: c for j, c in by_place}, constant)
                self.relations.append(relation)
                self.is_target[self.names.index(relation.target)] = True

    def _constant(self, members: Integers, coefficients: Integers) -> float | None:
        """What a sum is in all rows, 0 where times are in it; None for no such constant."""
        slack = (np.abs(coefficients) * self.tolerance[members]).sum()
        constant = float(self.X[0, members] @ coefficients)
        if not self.is_number[members].all() and abs(constant) > slack:
            return None
        for rows in (self.X[:SECOND], self.X):
            if (np.abs(rows[:, members] @ coefficients - constant) > 4 * slack).any():
                return None
        return 0.0 if abs(constant) <= 4 * slack else constant


def _of_two_or_three(X: Floats, columns: Integers, tolerance: Floats) -> Iterator[tuple[Integers, Integers]]:
    """Candidates: columns that agree in one random sum of some rows, with the signs of their coefficients."""
    weights = np.random.default_rng(0).normal(size=len(X))
    sums = weights @ (X - X[:1])
    slack = 8 * np.abs(weights).sum() * tolerance
    yield from _of_two(sums, slack, columns)
    yield from _of_three(sums, slack, columns)


def _of_two(sums: Floats, slack: Floats, columns: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Pairs whose sums of rows are equal, or one is minus the other. Shapes: (Q,) both, (C,)."""
    order = columns[np.argsort(sums[columns])]
    for sign in (1, -1):
        for one in columns:
            low, high = np.searchsorted(sums[order], sign * sums[one] + slack[one] * np.array([-1, 1]))
            for other in order[low:high]:
                if other > one:
                    yield np.array([one, other]), np.array([sign, -1])


def _of_three(sums: Floats, slack: Floats, columns: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Columns whose sum of rows is that of two others, added or taken away. Shapes: (Q,) both, (C,)."""
    order = columns[np.argsort(sums[columns])]
    first, second = (columns[index] for index in np.triu_indices(len(columns), k=1))
    for sign in (1, -1):
        wanted = sums[first] + sign * sums[second]
        width = slack[first] + slack[second]
        for outer in (1, -1):
            low = np.searchsorted(sums[order], outer * wanted - width, "left")
            high = np.searchsorted(sums[order], outer * wanted + width, "right")
            for i in np.flatnonzero(high > low):
                for third in order[low[i] : high[i]]:
                    if third not in (first[i], second[i]):
                        yield np.array([first[i], second[i], third]), np.array([outer, outer * sign, -1])


def _of_more(X: Floats, columns: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Candidates: a basis of the directions in which rows do not vary, where its coefficients are whole."""
    if len(columns) < 2 or len(X) <= len(columns):
        return
    varies = (np.ptp(X[:, columns], axis=0) > 0) & (X[:, columns].std(axis=0) > 0)  # squares of the smallest are 0
    columns = columns[varies]  # in the first rows
    if len(columns) < 2:
        return
    centred = X[:, columns] - X[:, columns].mean(axis=0)
    scale = centred.std(axis=0)
    variances, directions = np.linalg.eigh(np.cov((centred / scale).T))
    null = directions[:, variances < NULL * len(columns) * 100]
    for row in _echelon((null / scale[:, None]).T, scale):
        share = np.abs(row * scale)
        used = np.flatnonzero(share > 1e-6 * share.max())
        coefficients = row[used] / np.abs(row[used]).min()
        whole = np.rint(coefficients)
        is_whole = (np.abs(coefficients - whole) < 1e-5 * np.abs(whole)) & (np.abs(whole) <= LARGEST)
        if len(used) > 1 and is_whole.all():
            yield columns[used], whole.astype(np.int64)


def _echelon(basis: Floats, scale: Floats) -> Floats:
    """The same space by rows with few entries: each has a 1 where all others have 0, from the last column."""
    done = 0
    for column in range(basis.shape[1] - 1, -1, -1):
        if done == len(basis):
            break
        pivot = done + int(np.abs(basis[done:, column]).argmax())
        if abs(basis[pivot, column]) * scale[column] < 1e-7:
            continue
        basis[[done, pivot]] = basis[[pivot, done]]
        basis[done] /= basis[done, column]
        others = np.arange(len(basis)) != done
        basis[others] -= basis[others, column][:, None] * basis[done]
        done += 1
    return basis[:done]
