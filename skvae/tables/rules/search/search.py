"""The search for rules that hold in all rows of a table, and would not by chance."""

from __future__ import annotations

import pandas as pd

from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Bound, Exact, Rule
from skvae.tables.rules.search.bounds import find_bounds
from skvae.tables.rules.search.computed import all_sources, find_computed
from skvae.tables.rules.search.durations import find_durations
from skvae.tables.rules.search.evidence import Evidence
from skvae.tables.rules.search.extremes import find_extremes
from skvae.tables.rules.search.functions import find_functions
from skvae.tables.rules.search.relations import Relation, find_relations
from skvae.tables.rules.search.steps import find_steps

MAX_COLUMNS = 100  # of a table in which functions and bounds are looked for
FEWEST = 30  # rows


def find_rules(rows: pd.DataFrame) -> list[Rule]:
    """Rules of a table: equations, steps, functions of one or two columns, and bounds.

    Every one but bounds must have so much evidence that less than one in a million tables of independent
    columns would show one. That a rule holds in all rows that were seen does not say that it always will: of bounds,
    up to three in the number of rows may break it.

    Parameters
    ----------
    rows : DataFrame of shape (N, D)
        Rows; a rule is looked at where none of its cells is missing.

    Examples
    --------
    >>> import numpy as np
    >>> parts = np.random.default_rng(0).integers(0, 50, (200, 2))
    >>> rows = pd.DataFrame({"above": parts[:, 0], "basement": parts[:, 1], "living": parts.sum(axis=1)})
    >>> list(map(str, find_rules(rows)))
    ['living = above + basement']
    """
    if len(rows) < FEWEST or rows.shape[1] < 2:
        return []
    evidence = Evidence(rows)
    relations = find_relations(evidence)
    rules: list[Rule] = [relation.equation(evidence.quantities) for relation in relations]
    sources = {relation.target: relation.parts for relation in relations}
    exact = list[Exact](find_durations(evidence))
    if rows.shape[1] <= MAX_COLUMNS:
        computed = find_computed(evidence, sources | {rule.target(evidence.names): rule.inputs for rule in exact})
        exact += computed
        extremes = find_extremes(evidence, sources | {rule.target(evidence.names): rule.inputs for rule in exact})
        exact += extremes
        known = sources | {rule.target(evidence.names): rule.inputs for rule in exact}
        functions = find_functions(evidence, set(known))
        steps = find_steps(evidence, functions, known)
        exact += [*steps, *functions]  # of a column that has both, the steps are taken
    for rule in exact:
        target = rule.target(evidence.names)
        if target not in sources and target not in all_sources(rule.inputs, sources):
            rules.append(rule)
            sources[target] = rule.inputs
    if rows.shape[1] <= MAX_COLUMNS:
        bounds = [pair for pair in find_bounds(evidence) if not _follows(*pair, relations, sources, evidence)]
        sides = [{rule.target(evidence.names), name} for rule in [*computed, *extremes, *steps] for name in rule.inputs]
        rules += [
            Bound(Formula.of_column(low), "<=", Formula.of_column(high))
            for low, high in bounds
            if {low, high} not in sides  # one is computed from the other
        ]
    return rules


def _follows(low: str, high: str, relations: list[Relation], sources: dict[str, list[str]], evidence: Evidence) -> bool:
    """Whether a bound follows from what is known: a part of a whole, or two functions of one column."""
    for relation in relations:
        c = relation.coefficients
        if relation.constant == 0 and low in c and high in c and c[low] == -c[high]:
            rest = [name for name in c if name not in (low, high)]
            if all(c[name] * c[low] > 0 and evidence.quantities[name].lower >= 0 for name in rest):
                return True
    leaves = all_sources([low, high], sources) - set(sources)
    return len(leaves) == 1 and (low in sources or high in sources)
