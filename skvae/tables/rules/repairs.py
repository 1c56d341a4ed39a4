"""What columns follow from, moved to where functions give what is known: a date into its month, the last resort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from skvae.tables.bins import Floats, Integers
from skvae.tables.columns.base import Mask
from skvae.tables.columns.category import positions
from skvae.tables.columns.time import zone_of
from skvae.tables.columns.zones import moments_of
from skvae.tables.rules.calendar import DAY
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.kinds import Exact
from skvae.tables.rules.kinds.base import Free
from skvae.tables.rules.kinds.function import codes_together
from skvae.tables.rules.quantities import MOMENT, NUMBER, Numbers, Quantity

HOUR = DAY // 24
MOST_DAYS = 50_000  # that are tried: the lives of all people who are there

Values = Sequence[tuple[str, pd.Index]]  # that columns may have together, one combination a place
Places = Callable[[Integers], tuple[Floats, Floats]]  # rows → where they lie, and where the combinations do


def repair_input(
    draft: Draft, name: str, rules: Sequence[Exact], targets: Sequence[str], free: Free, rng: np.random.Generator
) -> Mask:
    """Move a column, from which others follow, where these are known and do not follow from it. Shape: (N,).

    Parameters
    ----------
    draft : Draft
        The rows.
    name : str
        The column.
    rules : sequence of Exact rules
        All that give another column from this one alone, and after them those that do so by the columns which they
        give.
    targets : sequence of str
        The columns which they give.
    free : dict of ndarrays
        Cells that may change, by column.
    rng : numpy.random.Generator
        Source of choices among values without an order.
    """
    unit = HOUR if any("hour" in rule.parts(name) for rule in rules) else DAY
    candidates = _candidates(draft, name, rules, unit)
    if candidates is None or not len(candidates):
        return np.zeros(len(draft), dtype=bool)
    quantity = draft.quantities.get(name)
    shown = candidates if quantity is None else pd.Index(_shown(candidates.to_numpy(), quantity))
    labels, outcomes = {name: candidates}, list[tuple[str, pd.Index]]()
    for rule, target in zip(rules, targets, strict=True):
        outcome = rule.outcome(labels | {name: shown} if rule.parts(name) else labels)
        outcomes.append((target, outcome))
        labels.setdefault(target, outcome)
    at_fault = _breaks(draft, rules) & free[name]

    def places(rows: Integers) -> tuple[Floats, Floats]:
        if quantity is None:
            return rng.random(len(rows)), rng.random(len(candidates))
        return draft.numbers(name)[rows].astype(float), candidates.to_numpy(dtype=float)

    before = draft.numbers(name) if quantity is not None else None
    moved = _move(draft, [(name, candidates)], outcomes, at_fault, free, places)
    if before is not None and quantity is not None and quantity.kind == MOMENT:
        _keep_time(draft, name, rules, moved, before[moved], unit)
    return moved


def _keep_time(draft: Draft, name: str, rules: Sequence[Exact], moved: Mask, before: Numbers, unit: int) -> None:
    """Give moments that were moved by days or hours their own time in these back, where the rules and range let them.

    Shape: moved (N,), before (n,).
    """
    quantity, now = draft.quantities[name], draft.numbers(name)[moved]
    begin = _shown(now, quantity) // unit * unit
    own = quantity.snapped(_moments(begin + _shown(before, quantity) % unit, quantity))
    draft.put(name, moved, np.where(quantity.is_inside(own), own, now))
    is_broken = _breaks(draft, rules) & moved
    draft.put(name, is_broken, now[is_broken[moved]])


def _shown(moments: Numbers, quantity: Quantity) -> Numbers:
    """What the clocks of a column show at some moments. Shape: kept."""
    zone = zone_of(quantity.dtype)
    if zone is None:
        return moments
    return (
        pd.DatetimeIndex(moments.view("M8[ns]"), tz="UTC").tz_convert(zone).tz_localize(None).to_numpy().view(np.int64)
    )


def _moments(shown: Numbers, quantity: Quantity) -> Numbers:
    """The moments at which the clocks of a column show something. Shape: kept."""
    zone = zone_of(quantity.dtype)
    return shown if zone is None else moments_of(shown, "ns", zone)


def repair_combination(draft: Draft, rule: Exact, free: Free, rng: np.random.Generator) -> Mask:
    """Take free columns of a function of two from an entry that agrees with what is known. Shape: (N,)."""
    values = rule.combinations()
    if not values:
        return np.zeros(len(draft), dtype=bool)
    at_fault = _breaks(draft, [rule]) & np.logical_or.reduce([free[name] for name in rule.inputs])

    def places(rows: Integers) -> tuple[Floats, Floats]:
        return rng.random(len(rows)), rng.random(len(values[0][1]))

    return _move(draft, values, [], at_fault, free, places)


def _move(draft: Draft, movable: Values, fixed: Values, at_fault: Mask, free: Free, places: Places) -> Mask:
    """Move free cells of rows at fault to the nearest combination that has all that is known. Shape: (N,).

    Parameters
    ----------
    draft : Draft
        The rows.
    movable, fixed : sequence of pairs of a column and its values
        The combinations: columns that are moved where they are free, and others, which only have to agree.
    at_fault : ndarray of bool of shape (N,)
        Rows to repair.
    free : dict of ndarrays
        Cells that may change, by column.
    places : callable
        Positions of rows → where these lie, and where the combinations do.
    """
    values, moved = [*movable, *fixed], np.zeros(len(draft), dtype=bool)
    for rows, known in _patterns(at_fault, [~free[name] for name, _ in values]):
        wanted = [draft.labels(values[i][0])[rows] for i in known]
        offered = [values[i][1] for i in known]
        chosen = _nearest_alike(wanted, offered, *places(rows))
        mask = np.zeros(len(draft), dtype=bool)
        mask[rows[chosen >= 0]] = True
        for i, (name, labels) in enumerate(movable):
            if i not in known:
                draft.put_labels(name, mask, labels.take(chosen[chosen >= 0]))
        moved |= mask
    return moved


def _patterns(at_fault: Mask, are_known: Sequence[Mask]) -> Iterator[tuple[Integers, list[int]]]:
    """Rows at fault in which the same columns are known, and the positions of these. Shape: (N,) -> (n,) each."""
    is_known = np.column_stack(are_known)
    for pattern in np.unique(is_known[at_fault], axis=0):
        rows = np.flatnonzero(at_fault & (is_known == pattern).all(axis=1))
        yield rows, np.flatnonzero(pattern).tolist()


def _breaks(draft: Draft, rules: Sequence[Exact]) -> Mask:
    """Rows that break a rule, or of which one says nothing. Shape: (N,)."""
    return np.asarray(np.any([rule.broken(draft) | rule.unknown(draft) for rule in rules], axis=0))


def _candidates(draft: Draft, name: str, rules: Sequence[Exact], unit: int) -> pd.Index | None:
    """Values that a column may be moved to: those that functions know, else ends of steps, and days of its range."""
    seen = [values for rule in rules for values in rule.seen(name)]
    if seen:
        common = seen[0].unique()
        for other in seen[1:]:
            common = common[positions(other, common) >= 0]
        return common
    quantity = draft.quantities.get(name)
    if quantity is None:
        return None
    ends = [rule.ends(name, quantity) for rule in rules]
    if quantity.kind == MOMENT and not all(map(len, ends)):
        ends.append(_days(quantity, unit))
    numbers = np.unique(np.concatenate(ends))
    values: pd.Index = pd.Index(quantity.values_of(numbers) if quantity.kind == NUMBER else numbers)
    return values


def _days(quantity: Quantity, unit: int) -> Numbers:
    """The days, or hours, of the range of moments."""
    step = max(quantity.step, unit) // quantity.step * quantity.step
    first, last = _shown(np.array([quantity.lower, quantity.upper], dtype=np.int64), quantity).tolist()
    shown = np.arange(first, min(last, first + MOST_DAYS * (DAY // unit) * step) + 1, step)
    return quantity.snapped(_moments(shown, quantity))


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
