"""In which order rules are settled, so that what follows comes after what it follows from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Bound, Exact, Rule, Steps


class Order(NamedTuple):
    """In which order rules are settled.

    Attributes
    ----------
    table : list of str
        Names of all columns, as the table has them.
    names : list of str
        Columns of rules: what follows from others comes after these, else in the order of the table.
    exact : list of Exact rules
        In the order of what follows from them.
    bounds : list of Bounds
        With those that follow from others: a <= c from a <= b and b <= c.
    """

    table: list[str]
    names: list[str]
    exact: list[Exact]
    bounds: list[Bound]

    @property
    def rules(self) -> list[Rule]:
        """All of them."""
        return [*self.exact, *self.bounds]

    def target(self, rule: Exact) -> str:
        """The column that follows from the others of a rule."""
        return rule.target(self.table)

    def is_computed(self, name: str, others: Sequence[str]) -> bool:
        """Whether a column is computed from one of some others."""
        return any(self.target(rule) == name and set(rule.inputs) & set(others) for rule in self.exact)

    def rules_from(self, name: str, *, by_steps: bool = True) -> list[Exact]:
        """Rules whose target follows from a column alone, then those of two columns that do: both, or itself and one.

        Of a date these are a month, say, and then open = f(weekday(day), holiday) where holiday = f(day). ``by_steps``
        says whether steps count, too.
        """
        alone = [rule for rule in self.exact if rule.follows_from([name]) and (by_steps or not isinstance(rule, Steps))]
        if not alone:
            return []
        known = [name, *map(self.target, alone)]
        return alone + [rule for rule in self.exact if len(rule.inputs) > 1 and rule.follows_from(known)]

    @classmethod
    def of(cls, rules: Sequence[Rule], table: list[str]) -> Order:
        """The order for some rules of a table whose columns have these names."""
        exact = [rule for rule in rules if isinstance(rule, Exact)]
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
        return cls(table, names, exact, closed([rule for rule in rules if isinstance(rule, Bound)]))


def closed(bounds: Sequence[Bound]) -> list[Bound]:
    """Bounds, and those between two columns that follow from them.

    Examples
    --------
    >>> a, b, c = map(Formula.of_column, "abc")
    >>> list(map(str, closed([Bound(a, "<=", b), Bound(c, ">", b)])))
    ['a <= b', 'c > b', 'a < c']
    """
    pairs = [(*bound.columns, bound.is_strict) for bound in bounds if bound.columns is not None]
    names = sorted({name for low, high, _ in pairs for name in (low, high)})
    below, strictly = (np.zeros((len(names), len(names)), dtype=bool) for _ in range(2))
    for low, high, is_strict in pairs:
        below[names.index(low), names.index(high)] = True
        strictly[names.index(low), names.index(high)] |= is_strict
    stated = below.copy()
    for k in range(len(names)):
        strictly |= np.outer(strictly[:, k], below[k]) | np.outer(below[:, k], strictly[k])
        below |= np.outer(below[:, k], below[k])
    implied = list[Bound]()
    for i, j in np.argwhere(below & ~stated).tolist():
        if i != j:
            implied.append(
                Bound(Formula.of_column(names[i]), "<" if strictly[i, j] else "<=", Formula.of_column(names[j]))
            )
    return [*bounds, *implied]
