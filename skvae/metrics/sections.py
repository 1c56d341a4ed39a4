"""Sections of the page on what is judged apart: identifiers, and the rules that rows keep."""

from __future__ import annotations

import pandas as pd

from skvae.identifiers import looks_like_identifier
from skvae.metrics.answers import copied_identifiers
from skvae.metrics.comparison import Comparison
from skvae.metrics.elements import percents, section, table_element
from skvae.metrics.frames import kind_of
from skvae.metrics.validity import changed_types

IDENTIFIER, RARE = "(identifier)", "(rare value)"  # stand for values that might name somebody
N_ROWS = 5
FEWEST = 5  # real rows of a value that is written out: what fewer have may say who they are


def attacks_section(comparison: Comparison) -> str:
    """What each attack on training rows achieves; nothing where none was tried."""
    attacks = comparison.attacks
    if not attacks:
        return ""
    table = pd.DataFrame({"by": [attack.attack for attack in attacks]})
    table["right in"] = percents((attack.value for attack in attacks), 1)
    table["at least"] = percents((attack.interval[0] for attack in attacks), 1)
    table["at most"] = percents((attack.interval[1] for attack in attacks), 1)
    says = (
        "Each tells rows that the model has learned from and others apart by the synthetic rows; guessing is right in "
        "50% of cases. An attack that is right in more, at the least, has found a leak."
    )
    return section("Attacks", says, table_element(table))


def identifiers_section(comparison: Comparison) -> str:
    """Which columns name their rows, and whether real names come back; nothing where there are none."""
    if not len(comparison.identifiers):
        return ""
    copied = copied_identifiers(comparison)
    if copied:
        found = f"Real values come back in {_listed(list(copied))}: they are copies."
    else:
        found = "None of them gives real values out."
    table = pd.DataFrame({"column": comparison.identifiers.index.map(str)})
    names = {"copied": "copies of real values", "copied by real rows": "of held-out rows"}
    names |= {"repeated": "values that repeat", "repeated in train": "in real rows"}
    for name, heading in names.items():
        if comparison.identifiers[name].notna().any():
            table[heading] = percents(comparison.identifiers[name], 1)
    says = (
        "In these columns nearly every value is another one: they name rows and say nothing of them. They are left out "
        f"of all other figures, and of this page. {found}"
    )
    return section("Identifiers", says, table_element(table))


def checks_section(comparison: Comparison) -> str:
    """What holds in every real row, and where synthetic rows break it."""
    checks = comparison.checks
    if not len(checks):
        return ""
    broken = checks[checks["broken"] > 0]
    says = f"{len(checks):,} rules hold in all rows that the model learned from; {len(broken):,} of them are broken."
    types = changed_types(comparison.train, comparison.synthetic)
    if types:
        changed = ", ".join(f"{label} is {there} instead of {here}" for label, (here, there) in types.items())
        says += f" Types differ: {changed}."
    if not len(broken):
        return section("Rules of the table", says, "")
    table = pd.DataFrame(
        {"column": broken["column"], "rule": broken["rule"], "broken by": percents(broken["broken"], 2)}
    )
    if not broken["by real rows"].isna().all():
        table["by held-out rows"] = percents(broken["by real rows"], 2)
    return section("Rules of the table", says, table_element(table))


def sparse_sentence(comparison: Comparison) -> str:
    """Which columns have too many values to be judged on these rows."""
    if not comparison.sparse:
        return ""
    return f" Too many values for so few rows, so left out of the mean: {_listed(list(map(str, comparison.sparse)))}."


def first_rows(comparison: Comparison) -> pd.DataFrame:
    """The first synthetic rows, without values that might name somebody.

    Synthetic names are hidden also where the real column has none, and so are the rare values of a category.
    """
    rows = comparison.synthetic.head(N_ROWS).copy()
    for label in rows.columns:
        if label in comparison.identifiers.index or looks_like_identifier(comparison.synthetic[label]):
            rows[label] = IDENTIFIER
        elif kind_of(rows[label].dtype) == "categories":
            counts = comparison.train[label].astype(object).value_counts()
            is_rare = rows[label].isin(counts.index[counts < FEWEST])
            rows[label] = rows[label].astype(object).mask(is_rare, RARE)
    return rows


def _listed(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
