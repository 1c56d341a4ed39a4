"""Columns that are constant in each of some intervals of a number or a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, log_ndtr

from skvae.tables.bins import Floats, Integers
from skvae.tables.rules.kinds import Exact, Function, Steps
from skvae.tables.rules.search.computed import all_sources
from skvae.tables.rules.search.evidence import FIRST, SECOND, Evidence, is_enough


def find_steps(evidence: Evidence, functions: Sequence[Exact], sources: Mapping[str, Sequence[str]]) -> list[Steps]:
    """Steps, in the order of the columns that they give: of several numbers of that with the fewest values.

    Parameters
    ----------
    evidence : Evidence
        The table.
    functions : list of Exact rules
        What is known of other columns. Steps of a number say more than a function of the same, which is one of the
        values that were seen, where these are so many that they would not lie in order by chance.
    sources : dict of str -> list of str
        What each column follows from that other rules give.
    """
    known = {**sources, **{rule.target(evidence.names): rule.inputs for rule in functions}}
    replaceable = {rule.name: rule.inputs for rule in functions if isinstance(rule, Function) and _is_of_one(rule)}
    most = len(evidence) / 2
    open_ = [name for name in evidence.names if name not in known or name in replaceable]
    targets = _Targets(evidence, [name for name in open_ if 2 <= evidence.n_levels(name) <= most])
    found, n_tried = dict[str, Steps](), float(len(evidence.quantities)) * len(targets.names)
    for source in sorted(evidence.quantities, key=evidence.n_levels):
        for name in targets.in_order_of(source):
            others = {other: inputs for other, inputs in known.items() if other != name}
            if name in found or replaceable.get(name) not in (None, [source]) or name in all_sources([source], others):
                continue
            intervals = targets.intervals(name, source)
            if intervals is not None and intervals.say_enough(n_tried):
                found[name], known[name] = Steps.of(name, source), [source]
    return [found[name] for name in sorted(found, key=evidence.place)]


def _is_of_one(rule: Function) -> bool:
    """Whether it is a function of one column, and not of a part of it."""
    return len(rule.terms) == 1 and rule.terms[0].part is None


class Intervals(NamedTuple):
    """A number in ascending order, and where another column changes.

    Attributes
    ----------
    numbers : ndarray of shape (n,)
        The number in each row.
    starts : ndarray of int of shape (K,)
        The first row of each value of the column.
    """

    numbers: Floats
    starts: Integers

    def say_enough(self, n_tried: float) -> bool:
        """Whether rows say that there are such steps: the order is not chance, and the edges are sharp."""
        return bool(is_enough(self.of_order, n_tried) and is_enough(self.of_edges, n_tried))

    @property
    def of_order(self) -> float:
        """−log of the chance that values of the column stand together if they are dealt to the distinct numbers."""
        is_new = np.append(True, self.numbers[1:] > self.numbers[:-1])
        sizes = np.add.reduceat(is_new, self.starts, dtype=float)
        return float(gammaln(sizes.sum() + 1) - gammaln(sizes + 1).sum() - gammaln(len(sizes) + 1))

    @property
    def of_edges(self) -> float:
        """Nats that rows say for edges which no number passes.

        Groups that lie apart, or touch with their tails, would stand in order without any rule. So numbers must
        be as dense at an edge as they are farther from it: of as many normal ones, some would lie beyond. The nearer
        half of each step is asked, which knows nothing of its other end.
        """
        nats, ends = 0.0, [*self.starts, len(self.numbers)]
        for before, start, after in zip(ends, ends[1:], ends[2:], strict=False):
            edge = (self.numbers[start - 1] + self.numbers[start]) / 2
            nats += _nats_of_an_end(edge - self.numbers[before:start][::-1])
            nats += _nats_of_an_end(self.numbers[start:after] - edge)
        return nats


def _nats_of_an_end(distances: Floats) -> float:
    """−log of the chance that as many normal distances, spread as the nearer half is, are positive as well. (n,)."""
    near = distances[: (len(distances) + 1) // 2]
    spread = near.std()
    return float(-len(distances) * log_ndtr(near.mean() / spread)) if spread > 0 else 0.0


class _Targets:
    """Columns that may have steps, side by side.

    Parameters
    ----------
    evidence : Evidence
        The table.
    names : list of str
        The columns.
    """

    def __init__(self, evidence: Evidence, names: list[str]) -> None:
        self.evidence, self.names = evidence, names
        self.codes, self.is_known = evidence.side_by_side(names)

    def in_order_of(self, source: str) -> list[str]:
        """Columns that change no more often, in rows sorted by a number, than they have values."""
        number = self.evidence.number(source)
        some = np.array([j for j, name in enumerate(self.names) if name != source], dtype=int)
        for size in (5 * FIRST, 2 * SECOND):
            order = _sorted(number[:size])
            codes, known = self.codes[order][:, some], self.is_known[order][:, some]
            n_changes = ((codes[1:] != codes[:-1]) & known[1:] & known[:-1]).sum(axis=0)
            n_levels = [len(np.unique(column[mask])) for column, mask in zip(codes.T, known.T, strict=True)]
            some = some[n_changes < np.maximum(n_levels, 1)]
        return [self.names[j] for j in some]

    def intervals(self, name: str, source: str) -> Intervals | None:
        """The intervals of a number in which a column is constant; None where there are no such."""
        j, number = self.names.index(name), self.evidence.number(source)
        order = _sorted(np.where(self.is_known[:, j], number, np.nan))
        numbers, codes = number[order], self.codes[order, j]
        is_change = codes[1:] != codes[:-1]
        n_levels = len(np.unique(codes))
        if n_levels < 2 or is_change.sum() != n_levels - 1 or (is_change & (numbers[1:] == numbers[:-1])).any():
            return None
        return Intervals(numbers, np.append(0, np.flatnonzero(is_change) + 1))


def _sorted(numbers: Floats) -> Integers:
    """Rows whose number is known, in its order. Shape: (N,) -> (n,)."""
    order = np.argsort(numbers, kind="stable")
    return order[: len(numbers) - int(np.isnan(numbers).sum())]
