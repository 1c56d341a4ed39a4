"""Inference: what the synthetic rows tell of a column of a person whose other columns are known."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from skvae.metrics.attacks.outcome import Guesses
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import Floats, align
from skvae.metrics.gower import neighbors, on_gowers_scale

TOLERANCE = 0.05  # of the interquartile range of a number


def inference(members: pd.DataFrame, others: pd.DataFrame, synthetic: pd.DataFrame, column: Hashable) -> Guesses:
    """How often a column of a training row is that of the synthetic row which is closest in all other columns.

    A number is right within a twentieth of its interquartile range. The control asks rows that the generator has not
    seen: what it finds the population tells, not the table. Rows in which the column is missing are left out.

    Parameters
    ----------
    members, others : DataFrame of shape (m, D) and (n, D)
        Rows that the generator has seen, and rows of the same distribution that it has not.
    synthetic : DataFrame of shape (M, D)
        Rows that it has drawn.
    column : label
        What the attacker wants to know.

    Returns
    -------
    Guesses

    References
    ----------
    Giomi et al. (2023), A Unified Framework for Quantifying Privacy Risk in Synthetic Data (Anonymeter), section 4.3.
    DIFFERS: numbers are right within a share of their spread, theirs within a share of their value.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh = (pd.DataFrame(rng.normal(size=(200, 4))) for _ in range(2))
    >>> copied = inference(train, fresh, train, 0)
    >>> copied.rate, copied.control < 0.2
    (1.0, True)
    """
    tables = align(members=members, others=others, synthetic=synthetic)
    if column not in tables[0].columns or len(tables[0].columns) < 2:
        raise ValueError(
            f"column must be one of at least two columns, but {column!r} was asked of {list(tables[0].columns[:10])}. "
            f"Name one of these, beside others."
        )
    for name, table in zip(("members", "others", "synthetic"), tables, strict=True):
        if table[column].isna().all():
            raise ValueError(
                f"A guess needs observed cells, but all {len(table)} of {column!r} in {name} are missing. Pass more."
            )
    tables = [table[table[column].notna()] for table in tables]
    known = Rows.of(*(table.drop(columns=column) for table in tables))
    wanted = Rows.of(*(table[[column]] for table in tables))
    train, fresh, drawn = on_gowers_scale([known.members, known.others, known.synthetic], known.is_number)
    answers = wanted.synthetic[:, 0]
    tolerance = 0.0
    if wanted.is_number[0]:
        tolerance = TOLERANCE * float(np.subtract(*np.quantile(answers, [0.75, 0.25])))
    hits = _n_right(answers[neighbors(train, drawn, 1)[:, 0]], wanted.members[:, 0], tolerance)
    control_hits = _n_right(answers[neighbors(fresh, drawn, 1)[:, 0]], wanted.others[:, 0], tolerance)
    return Guesses(f"inference of {column}", "rows", hits, len(train), control_hits, len(fresh))


def _n_right(answers: Floats, truth: Floats, tolerance: float) -> int:
    """Number of answers that are the truth, but for the tolerance. Shape: (n,) both."""
    return int(np.sum(np.abs(answers - truth) <= tolerance))
