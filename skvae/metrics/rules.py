"""Rules of a table, and the share of rows that keep each of them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from skvae.metrics.elements import section, table_element
from skvae.metrics.frames import align
from skvae.tables import Rulebook


def rules_held(real: pd.DataFrame, synthetic: pd.DataFrame, constraints: Sequence[str]) -> pd.DataFrame:
    """The share of rows that keep each of some rules, among rows where none of its cells is missing.

    Parameters
    ----------
    real : DataFrame of shape (N, D)
        Rows that say what functions are, as in ``"currency = f(country)"``.
    synthetic : DataFrame of shape (M, D)
        Rows that should keep the rules.
    constraints : sequence of str
        The rules, as ``VAETransformer.constraints_`` lists them.

    Returns
    -------
    DataFrame
        One row a rule, with the columns "real" and "synthetic".

    Examples
    --------
    >>> real = pd.DataFrame({"start": [1, 2, 3], "end": [2, 3, 4]})
    >>> rules_held(real, real.assign(end=[5, 1, 6]), ["start <= end"])["synthetic"].round(2).to_dict()
    {'start <= end': 0.67}
    """
    real, synthetic = align(real=real, synthetic=synthetic)
    book = Rulebook.stated(constraints, real)
    shares = pd.DataFrame({"real": book.held(real), "synthetic": book.held(synthetic)}, dtype=float)
    return shares.rename_axis("rule")


def constraints_section(shares: pd.DataFrame | None) -> str:
    """The rules as a section of a page; nothing without rules."""
    if shares is None or shares.empty:
        return ""
    says = "What every row should keep, and the share of rows that do, among those where none of the cells is missing."
    return section("Rules", says, table_element(shares.map(in_percent).reset_index()))


def in_percent(share: float) -> str:
    """A share that is 100 % only where all rows are.

    Examples
    --------
    >>> in_percent(1.0), in_percent(0.99999), in_percent(0.5)
    ('100%', '99.99%', '50%')
    """
    return "100%" if share == 1 else f"{int(10_000 * share) / 100:g}%"
