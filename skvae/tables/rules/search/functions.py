"""Columns that are a function of one or two others, or of a part of the calendar: functional dependences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np

from skvae.tables.bins import Integers
from skvae.tables.columns.base import Mask
from skvae.tables.rules.calendar import PARTS, part_of
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Equation, Exact, Function
from skvae.tables.rules.quantities import MOMENT, NUMBER
from skvae.tables.rules.search.evidence import FIRST, SECOND, Evidence, is_enough
from skvae.tables.rules.syntax import Term

ROWS_OF_A_KEY = 5  # of the table for each value of what a column follows from, at least
FEW_KEYS = 400  # of a column that, with another, says what a third is
MAX_PAIRS = 400  # of such columns
SHORTER = 4  # times fewer keys, for which a function of two columns is better than one of a single


@dataclass(frozen=True)
class Determinant:
    """What a column may be a function of: another, a part of one, or two of these.

    Attributes
    ----------
    terms : list of Terms
        As a rule has them.
    codes : ndarray of int of shape (N,)
        Its value in each row.
    n_levels : int
        Number of its values.
    is_known : ndarray of bool of shape (N,)
        Where none of its cells is a gap.
    parts : ndarray of int or None
        Of one part of the calendar, the part itself.
    """

    terms: list[Term]
    codes: Integers
    n_levels: int
    is_known: Mask
    parts: Integers | None = None

    @classmethod
    def of(cls, name: str, evidence: Evidence) -> Self:
        """A column itself."""
        return cls([Term(name)], evidence.codes(name), evidence.n_levels(name), ~evidence.gaps(name))

    @property
    def columns(self) -> list[str]:
        """Columns that it is made of."""
        return list(dict.fromkeys(term.column for term in self.terms))

    def beside(self, other: Determinant) -> Determinant:
        """Both together."""
        codes = self.codes * other.n_levels + other.codes
        n_levels = self.n_levels * other.n_levels
        return Determinant(self.terms + other.terms, codes, n_levels, self.is_known & other.is_known)


def find_functions(evidence: Evidence, targets: set[str]) -> list[Exact]:
    """Functions, and equations of a number and a part of the calendar, in the order of the columns that they give.

    Parameters
    ----------
    evidence : Evidence
        The table.
    targets : set of str
        Columns that other rules give already.
    """
    names = [name for name in evidence.names if evidence.n_levels(name) >= 2]
    asked = [name for name in names if name not in targets and evidence.n_levels(name) <= len(evidence) / 2]
    if not asked or len(names) < 2:
        return []
    columns = _Columns(evidence, asked)
    most = len(evidence) / ROWS_OF_A_KEY
    ones = [*_calendar(evidence), *(Determinant.of(name, evidence) for name in names)]
    singles = [one for one in ones if 2 <= one.n_levels <= most]
    singles.sort(key=lambda one: (one.parts is None and one.n_levels > FEW_KEYS, one.n_levels))
    found = dict[str, Determinant]()
    for one in singles:
        for name in columns.that_follow(one, float(len(singles)) * len(asked)):
            if name not in found and not _circular(name, one, found):
                found[name] = one
    for pair in _pairs(singles, most):
        open_ = [name for name in asked if name not in found or pair.n_levels * SHORTER < found[name].n_levels]
        for name in columns.that_follow(pair, float(len(singles)) ** 2 * len(asked), among=open_):
            if not _circular(name, pair, found):
                found[name] = pair
    return [_rule(evidence, name, found[name]) for name in sorted(found, key=evidence.place)]


def _rule(evidence: Evidence, name: str, of: Determinant) -> Exact:
    """A column as the part of the calendar, where it is no other than that, else as a function."""
    quantity = evidence.quantities.get(name)
    if of.parts is not None and quantity is not None and quantity.kind == NUMBER:
        is_other = np.abs(evidence.number(name) - of.parts) > 0
        if not is_other[of.is_known].any():
            return Equation(Formula.of_column(name), Formula.of_part(of.terms[0]))
    return Function.of(name, of.terms)


def _calendar(evidence: Evidence) -> Iterator[Determinant]:
    """Parts of the calendar of all moments, and the day of the year."""
    for name, quantity in evidence.quantities.items():
        if quantity.kind != MOMENT:
            continue
        ones, known = dict[str, Determinant](), ~evidence.gaps(name)
        for part in PARTS:
            parts = part_of(evidence.column(name), part)
            first, last = int(parts[known].min()), int(parts[known].max())
            codes = np.where(known, parts - first, 0)
            ones[part] = Determinant([Term(name, part)], codes, last - first + 1, known, parts)
        yield from ones.values()
        yield ones["month"].beside(ones["day"])


def _pairs(singles: list[Determinant], most: float) -> Iterator[Determinant]:
    """Two together, those with the fewest values first."""
    few = [one for one in singles if one.n_levels <= FEW_KEYS and len(one.terms) == 1]
    pairs = [(one, other) for one, other in combinations(few, 2) if one.columns != other.columns]
    by_size = sorted(pairs, key=lambda pair: pair[0].n_levels * pair[1].n_levels)
    for one, other in by_size[:MAX_PAIRS]:
        if one.n_levels * other.n_levels <= most:
            yield one.beside(other)


def _circular(name: str, of: Determinant, found: dict[str, Determinant]) -> bool:
    """Whether a column would follow from itself."""
    seen, ahead = set[str](), list(of.columns)
    while ahead:
        source = ahead.pop()
        if source == name:
            return True
        if source not in seen:
            seen.add(source)
            ahead += found[source].columns if source in found else []
    return False


class _Columns:
    """Columns that may be functions, side by side.

    Parameters
    ----------
    evidence : Evidence
        The table.
    names : list of str
        The columns.
    """

    def __init__(self, evidence: Evidence, names: list[str]) -> None:
        self.names = names
        self.codes, self.is_known = evidence.side_by_side(names)

    def that_follow(self, of: Determinant, n_tried: float, among: list[str] | None = None) -> list[str]:
        """Columns that have one value for each of a determinant."""
        chosen, own = self.names if among is None else among, of.columns
        some = np.array([self.names.index(name) for name in chosen if name not in own], dtype=int)
        for size in (5 * FIRST, 2 * SECOND, len(self.codes)):
            some = some[self._agrees(of, some, size, n_tried if size >= len(self.codes) else None)]
            if not len(some):
                return []
        return [self.names[i] for i in some]

    def _agrees(self, of: Determinant, some: Integers, size: int, n_tried: float | None) -> Mask:
        """Which columns have one value for each of it among the first rows, and enough rows say so at the end."""
        order = np.argsort(of.codes[:size], kind="stable")
        order = order[of.is_known[order]]
        keys, known = of.codes[order], self.is_known[order][:, some]
        if n_tried is None or known.all():
            return self._in_order(keys, self.codes[order][:, some], known, n_tried)
        agrees = []
        for k in range(len(some)):  # whose gaps differ
            rows, one = order[known[:, k]], some[k : k + 1]
            codes = self.codes[rows][:, one]
            agrees.append(self._in_order(of.codes[rows], codes, np.ones_like(codes, dtype=bool), n_tried)[0])
        return np.array(agrees)

    def _in_order(self, keys: Integers, codes: Integers, known: Mask, n_tried: float | None) -> Mask:
        """The same, of rows in the order of the keys. Shape: (n,), (n, C), (n, C) -> (C,)."""
        recurs = (keys[1:] == keys[:-1])[:, None] & known[1:] & known[:-1]
        holds = ~((codes[1:] != codes[:-1]) & recurs).any(axis=0)
        if n_tried is None:
            return np.asarray(holds)
        nats = [_surprise_of_two(column[mask]) for column, mask in zip(codes.T, known.T, strict=True)]
        return np.asarray(holds & is_enough(recurs.sum(axis=0) * np.array(nats), n_tried))


def _surprise_of_two(codes: Integers) -> float:
    """Nats that a row says by having the value of another: −log of the chance that two agree. Shape: (n,)."""
    shares = np.bincount(codes) / max(len(codes), 1)
    return float(-np.log((shares**2).sum())) if len(codes) else 0.0
