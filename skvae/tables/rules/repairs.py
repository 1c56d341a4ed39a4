"""What columns follow from, moved to where functions give what is known: a date into its month, the last resort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.bins import Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import positions
from skvae.tables.rules.constraints import Equation, Function
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.expressions import part_in
from skvae.tables.rules.quantities import DAY, Quantity, part_of_ticks

MOST_DAYS = 20_000  # that are tried


def repair_inputs(
    draft: Draft,
    name: str,
    rules: Sequence[Equation | Function],
    free: Mapping[str, Mask],
    rng: np.random.Generator,
) -> Mask:
    """Move a column, from which others follow, where these are known and do not follow from it. Shape: (N,).

    Parameters
    ----------
    draft : Draft
        The rows.
    name : str
        The column.
    rules : sequence of Equations and Functions
        All that give another column from this one alone.
    free : dict of ndarrays
        Cells that may change, by column.
    rng : numpy.random.Generator
        Source of choices among values without an order.
    """
    candidates = _candidates(draft, name, rules)
    moved = np.zeros(len(draft), dtype=bool)
    if candidates is None or not len(candidates):
        return moved
    outcomes = [_outcome(rule, candidates, draft) for rule in rules]
    is_known = np.column_stack([~free[_target(rule, draft)] for rule in rules])
    wrong = np.column_stack([_wrong(rule, draft) for rule in rules])
    at_fault = free[name] & draft.observed([name]) & wrong.any(axis=1)
    for pattern in np.unique(is_known[at_fault], axis=0):
        rows = np.flatnonzero(at_fault & (is_known == pattern).all(axis=1))
        some = np.flatnonzero(pattern).tolist()
        wanted = [_codes(outcomes[i], draft.labels(_target(rules[i], draft))[rows]) for i in some]
        offered = [_codes(outcomes[i], outcomes[i]) for i in some]
        places = _places(draft, name, candidates, rows, rng)
        chosen = _nearest_alike(_joined(wanted, len(rows)), _joined(offered, len(candidates)), places)
        mask = np.zeros(len(draft), dtype=bool)
        mask[rows[chosen >= 0]] = True
        draft.put_labels(name, mask, candidates.take(chosen[chosen >= 0]))
        moved |= mask
    return moved


def _wrong(rule: Equation | Function, draft: Draft) -> Mask:
    """Rows that break a rule, or of which it says nothing. Shape: (N,)."""
    broken = rule.broken(draft)
    return broken | rule.unknown(draft) if isinstance(rule, Function) else broken


def _candidates(draft: Draft, name: str, rules: Sequence[Equation | Function]) -> pd.Index | None:
    """Values that a column may be moved to: those that functions know, or the days of its range."""
    seen = [rule.keys[i] for rule in rules if isinstance(rule, Function) for i in _places_of(rule, name)]
    if seen:
        common = seen[0].unique()
        for other in seen[1:]:
            common = common[positions(other, common) >= 0]
        return common
    quantity = draft.quantities.get(name)
    if quantity is None or quantity.kind != "moment":
        return None
    step = max(quantity.step, DAY if quantity.step <= DAY else quantity.step)
    step = step // quantity.step * quantity.step
    first, last = int(quantity.lower), int(quantity.upper)
    return pd.Index(np.arange(first, min(last, first + MOST_DAYS * step) + 1, step))


def _places_of(rule: Function, name: str) -> list[int]:
    """Which terms of a function are a column itself."""
    return [i for i, term in enumerate(rule.terms) if part_in(term) == (name, None)]


def _outcome(rule: Equation | Function, candidates: pd.Index, draft: Draft) -> pd.Index:
    """What follows from each candidate, as labels; an impossible one where nothing does."""
    if isinstance(rule, Equation):
        part = rule.sides[1].part
        assert part is not None, "other equations are solved"
        return pd.Index(part_of_ticks(candidates.to_numpy(), part[1]))
    keys = []
    for term in rule.terms:
        part_name = part_in(term)[1]
        keys.append(candidates if part_name is None else pd.Index(part_of_ticks(candidates.to_numpy(), part_name)))
    entries = rule.entries_of(keys)
    return rule.values.take(entries).where(entries >= 0, None)


def _target(rule: Equation | Function, draft: Draft) -> str:
    """The column that a rule gives."""
    return rule.target(list(draft.place))


def _codes(levels: pd.Index, values: pd.Index) -> Integers:
    """Which of some values each is, by its first place; −1 for none."""
    return positions(levels.unique(), values)


def _joined(codes: Sequence[Integers], n: int) -> Integers:
    """One number for several codes of n rows; −1 where one of them is none. Shape: (n,)."""
    total, is_known = np.zeros(n, dtype=np.int64), np.ones(n, dtype=bool)
    for code in codes:
        total, is_known = total * 100_003 + code, is_known & (code >= 0)
    return np.where(is_known, total, -1)


def _places(
    draft: Draft, name: str, candidates: pd.Index, rows: Integers, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where rows and candidates lie: by their numbers, or anywhere for what has no order. Shape: (n,), (m,)."""
    quantity: Quantity | None = draft.quantities.get(name)
    if quantity is None:
        return rng.random(len(rows)), rng.random(len(candidates))
    return draft.numbers(name)[rows].astype(float), candidates.to_numpy(dtype=float)


def _nearest_alike(
    wanted: Integers, offered: Integers, places: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Integers:
    """The nearest candidate of the same code as each row; −1 where there is none. Shape: (n,), (m,) -> (n,)."""
    of_rows, of_candidates = places
    chosen = np.full(len(wanted), -1)
    for code in np.unique(wanted[wanted >= 0]):
        rows, alike = np.flatnonzero(wanted == code), np.flatnonzero(offered == code)
        if len(alike):
            alike = alike[np.argsort(of_candidates[alike])]
            values = of_candidates[alike]
            above = np.clip(np.searchsorted(values, of_rows[rows]), 0, len(alike) - 1)
            below = np.maximum(above - 1, 0)
            is_below = of_rows[rows] - values[below] < values[above] - of_rows[rows]
            chosen[rows] = alike[np.where(is_below, below, above)]
    return chosen


def repair_terms(draft: Draft, rule: Function, free: Mapping[str, Mask], rng: np.random.Generator) -> Mask:
    """Take free columns of a function of two from an entry that agrees with what is known. Shape: (N,)."""
    names = [part_in(term)[0] for term in rule.terms]
    if len(set(names)) < len(names) or any(part_in(term)[1] is not None for term in rule.terms):
        return np.zeros(len(draft), dtype=bool)
    columns, labels = [*rule.keys, rule.values], [*names, rule.name]
    some_free = free[names[0]] | free[names[1]]
    at_fault = _wrong(rule, draft) & some_free
    moved = np.zeros(len(draft), dtype=bool)
    is_known = np.column_stack([~free[name] for name in labels])
    for pattern in np.unique(is_known[at_fault], axis=0):
        rows = np.flatnonzero(at_fault & (is_known == pattern).all(axis=1))
        some = [i for i, is_used in enumerate(pattern) if is_used]
        wanted = _joined([_codes(columns[i], draft.labels(labels[i])[rows]) for i in some], len(rows))
        offered = _joined([_codes(columns[i], columns[i]) for i in some], len(rule.values))
        chosen = _nearest_alike(wanted, offered, (rng.random(len(rows)), rng.random(len(offered))))
        mask = np.zeros(len(draft), dtype=bool)
        mask[rows[chosen >= 0]] = True
        for i, name in enumerate(labels):
            if i not in some:
                draft.put_labels(name, mask, columns[i].take(chosen[chosen >= 0]))
        moved |= mask
    return moved
