"""In which order rules are settled, so that what follows comes after what it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skvae.tables.rules.constraints import Bound, Equation, Function, Rule

Exact = Equation | Function


class Order(NamedTuple):
    """In which order rules are settled.

    Attributes
    ----------
    names : list of str
        Columns of rules: what follows from others comes after these, else in the order of the table.
    exact : list of Equations and Functions
        In the order of what follows from them.
    bounds : list of Bounds
        With those that follow from others: a <= c from a <= b and b <= c.
    """

    names: list[str]
    exact: list[Exact]
    bounds: list[Bound]

    @property
    def rules(self) -> list[Rule]:
        """All of them."""
        return [*self.exact, *self.bounds]

    @classmethod
    def of(cls, rules: Sequence[Rule], table: list[str]) -> Order:
        """The order for some rules of a table whose columns have these names."""
        exact = [rule for rule in rules if not isinstance(rule, Bound)]
        waits = {name: set[str]() for rule in rules for name in rule.names}
        for rule in exact:
            target = rule.target(table)
            waits[target] |= {name for name in rule.names if name != target}
        names, left = list[str](), sorted(waits, key=table.index)
        while left:
            ready = [name for name in left if not waits[name] - set(names)]
            names.append((ready or left)[0])  # in a circle, the first of the table
            left.remove(names[-1])
        exact.sort(key=lambda rule: names.index(rule.target(table)))
        return cls(names, exact, closed([rule for rule in rules if isinstance(rule, Bound)]))


def closed(bounds: Sequence[Bound]) -> list[Bound]:
    """Bounds, and those between two columns that follow from them.

    Examples
    --------
    >>> list(map(str, closed([Bound("a", "<=", "b"), Bound("c", ">", "b")])))
    ['a <= b', 'c > b', 'a < c']
    """
    pairs = {(bound.sides[0].text, bound.sides[1].text): bound for bound in bounds if _is_pair(bound)}
    texts = sorted({text for pair in pairs for text in pair})
    place = {text: i for i, text in enumerate(texts)}
    below, strictly = (np.zeros((len(texts), len(texts)), dtype=bool) for _ in range(2))
    for (low, high), bound in pairs.items():
        below[place[low], place[high]] = True
        strictly[place[low], place[high]] |= bound.is_strict
    for k in range(len(texts)):
        strictly |= np.outer(strictly[:, k], below[k]) | np.outer(below[:, k], strictly[k])
        below |= np.outer(below[:, k], below[k])
    implied = list[Bound]()
    for i, j in np.argwhere(below).tolist():
        if i != j and (texts[i], texts[j]) not in pairs:
            implied.append(Bound(texts[i], "<" if strictly[i, j] else "<=", texts[j]))
    return [*bounds, *implied]


def _is_pair(bound: Bound) -> bool:
    """Whether both sides are columns."""
    return all(side.column is not None for side in bound.sides)
