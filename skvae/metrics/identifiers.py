"""Columns that name their rows: which they are, and whether synthetic rows give real names away."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.identifiers import looks_like_identifier
from skvae.metrics.frames import Category

COLUMNS = ("copied", "copied by real rows", "repeated", "repeated in train")


def find_identifiers(*tables: pd.DataFrame) -> list[Hashable]:
    """Columns that name the rows of all these real tables together, in their order."""
    rows = pd.concat(tables, ignore_index=True)
    return [label for label in rows.columns if looks_like_identifier(rows[label])]


def judge_identifiers(
    train: pd.DataFrame, synthetic: pd.DataFrame, labels: list[Hashable], test: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Whether identifiers of real rows come back, and whether new ones repeat.

    Parameters
    ----------
    train, synthetic : DataFrame
        Rows that the generator has seen, and rows that it has drawn.
    labels : list
        Columns that are identifiers.
    test : DataFrame or None
        Real rows that it has not seen.

    Returns
    -------
    DataFrame of shape (I, 4)
        One row a column: ``copied``, the share of synthetic rows whose value is one of ``train``; the same ``by real
        rows``, NaN without them; ``repeated``, the share of values that an earlier row has, too; the same ``in train``.

    Examples
    --------
    >>> real = pd.DataFrame({"mail": ["ann", "bob", "cyd", "dan"]})
    >>> judge_identifiers(real, pd.DataFrame({"mail": ["ann", "ann", "eve", "fay"]}), ["mail"]).loc["mail"].tolist()
    [0.5, nan, 0.25, 0.0]
    """
    figures = []
    for label in labels:
        of_real = np.nan if test is None else _is_copied(train[label], test[label]).mean()
        copied = _is_copied(train[label], synthetic[label]).mean()
        figures.append((copied, of_real, _repeated(synthetic[label]), _repeated(train[label])))
    return pd.DataFrame(figures, pd.Index(labels, dtype=object), list(COLUMNS), dtype=float)


def has_copied_identifier(train: pd.DataFrame, rows: pd.DataFrame, labels: list[Hashable]) -> NDArray[np.bool_]:
    """Whether each row has an identifier of a training row. Shape: (M,)."""
    found = np.zeros(len(rows), dtype=bool)
    for label in labels:
        found |= _is_copied(train[label], rows[label])
    return found


def _is_copied(train: pd.Series, values: pd.Series) -> NDArray[np.bool_]:
    """Whether each observed value is one of train, whatever their dtypes. Shape: (M,)."""
    known = Category.fit(train)
    return ~np.isnan(known.encode(values))


def _repeated(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.duplicated().mean()) if len(known) else 0.0
