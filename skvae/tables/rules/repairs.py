"""What columns follow from, moved to where functions give what is known: a date into its month, the last resort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from skvae.tables.bins import Floats, Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import positions
from skvae.tables.rules.calendar import DAY, part_of_ticks
from skvae.tables.rules.constraints import Equation, Function, codes_together
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.expressions import part_in
from skvae.tables.rules.quantities import Quantity

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
        All that give another column from this one alone, and after them those that do so by the columns which they
        give.
    free : dict of ndarrays
        Cells that may change, by column.
    rng : numpy.random.Generator
        Source of choices among values without an order.
    """
    candidates = _candidates(draft, name, rules)
    moved = np.zeros(len(draft), dtype=bool)
    if candidates is None or not len(candidates):
        return moved
    targets = [rule.target(list(draft.place)) for rule in rules]
    outcomes = list[pd.Index]()
    for rule in rules:
        outcomes.append(_outcome(rule, name, candidates, dict(zip(targets, outcomes, strict=False))))
    wrong = np.column_stack([_wrong(rule, draft) for rule in rules])
    at_fault = free[name] & draft.observed([name]) & wrong.any(axis=1)
    for rows, known in _patterns(at_fault, [~free[target] for target in targets]):
        wanted = [draft.labels(targets[i])[rows] for i in known]
        offered = [outcomes[i] for i in known]
        chosen = _nearest_alike(wanted, offered, *_places(draft, name, candidates, rows, rng))
        mask = _mask_of(rows[chosen >= 0], len(draft))
        draft.put_labels(name, mask, candidates.take(chosen[chosen >= 0]))
        moved |= mask
    return moved


def _patterns(at_fault: Mask, are_known: Sequence[Mask]) -> Iterator[tuple[Integers, list[int]]]:
    """Rows at fault in which the same columns are known, and the positions of these. Shape: (N,) -> (n,) each."""
    is_known = np.column_stack(are_known)
    for pattern in np.unique(is_known[at_fault], axis=0):
        rows = np.flatnonzero(at_fault & (is_known == pattern).all(axis=1))
        yield rows, np.flatnonzero(pattern).tolist()


def _mask_of(rows: Integers, n_rows: int) -> Mask:
    """Which rows are some of them. Shape: (n,) -> (N,)."""
    mask = np.zeros(n_rows, dtype=bool)
    mask[rows] = True
    return mask


def _wrong(rule: Equation | Function, draft: Draft) -> Mask:
    """Rows that break a rule, or of which it says nothing. Shape: (N,)."""
    broken = rule.broken(draft)
    return broken | rule.unknown(draft) if isinstance(rule, Function) else broken


def _candidates(draft: Draft, name: str, rules: Sequence[Equation | Function]) -> pd.Index | None:
    """Values that a column may be moved to: those that functions know, or the days of its range."""
    seen = [rule.keys[i] for rule in rules if isinstance(rule, Function) for i in _terms_of(rule, name)]
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


def _terms_of(rule: Function, name: str) -> list[int]:
    """Which terms of a function are a column itself."""
    return [i for i, term in enumerate(rule.terms) if part_in(term) == (name, None)]


def _outcome(rule: Equation | Function, name: str, candidates: pd.Index, outcomes: Mapping[str, pd.Index]) -> pd.Index:
    """What follows from each candidate, as labels; an impossible one where nothing does.

    Columns other than the one with that name have what followed before.
    """
    if isinstance(rule, Equation):
        assert rule.part is not None, "other equations are solved"
        return _part(candidates, rule.part[1])
    terms = [part_in(term) for term in rule.terms]
    keys = [_part(candidates, part) if column == name else outcomes[column] for column, part in terms]
    entries = rule.entries_of(keys)
    return rule.values.take(entries).where(entries >= 0, None)


def _part(moments: pd.Index, part: str | None) -> pd.Index:
    """A part of the calendar of moments; these themselves for None."""
    return moments if part is None else pd.Index(part_of_ticks(moments.to_numpy(), part))


def _places(
    draft: Draft, name: str, candidates: pd.Index, rows: Integers, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Where rows and candidates lie: by their numbers, or anywhere for what has no order. Shape: (n,), (m,)."""
    quantity: Quantity | None = draft.quantities.get(name)
    if quantity is None:
        return rng.random(len(rows)), rng.random(len(candidates))
    return draft.numbers(name)[rows].astype(float), candidates.to_numpy(dtype=float)


def _nearest_alike(
    wanted: Sequence[pd.Index], offered: Sequence[pd.Index], of_rows: Floats, of_candidates: Floats
) -> Integers:
    """The nearest candidate that offers all that each row wants; −1 where there is none. Shape: (n,), (m,) -> (n,)."""
    of_wanted, of_offered = np.zeros(len(of_rows), dtype=int), np.zeros(len(of_candidates), dtype=int)
    for one, other in zip(wanted, offered, strict=True):
        levels = other.unique()
        of_wanted = codes_together(of_wanted, positions(levels, one), len(levels))
        of_offered = codes_together(of_offered, positions(levels, other), len(levels))
    chosen = np.full(len(of_rows), -1)
    for code in np.unique(of_wanted[of_wanted >= 0]):
        rows, alike = np.flatnonzero(of_wanted == code), np.flatnonzero(of_offered == code)
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
    entries = [*zip(names, rule.keys, strict=True), (rule.name, rule.values)]
    at_fault = _wrong(rule, draft) & (free[names[0]] | free[names[1]])
    moved = np.zeros(len(draft), dtype=bool)
    for rows, known in _patterns(at_fault, [~free[name] for name, _ in entries]):
        wanted = [draft.labels(entries[i][0])[rows] for i in known]
        offered = [entries[i][1] for i in known]
        chosen = _nearest_alike(wanted, offered, rng.random(len(rows)), rng.random(len(rule.values)))
        mask = _mask_of(rows[chosen >= 0], len(draft))
        for i, (name, values) in enumerate(entries):
            if i not in known:
                draft.put_labels(name, mask, values.take(chosen[chosen >= 0]))
        moved |= mask
    return moved
