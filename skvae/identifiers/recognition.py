"""Whether a column names its rows."""

from __future__ import annotations

import re
import uuid
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.identifiers.keys import aligned

ROWS = 50  # below, a table may well hold every value once
DISTINCT = 0.9  # values of text a row, from which on they hardly recur
MEASURED = 0.5  # share of texts that are dates or decimals, from which on the column is one of these
SOME = 1000  # texts that are looked at for that
DENSE = 0.5  # share of the numbers of a range, in steps, that keys which count have used
UNIFORM_ROWS = 200  # that show whether numbers are uniform
FREE_DIGITS = 5  # that keys of one length have, after those which all share
UNIFORM = 1.36  # times 1 / sqrt(n): the distance from a uniform distribution that one sample in twenty exceeds
ROOM = 100  # new numbers for each old one, which the dtype must hold
YEARS = (1500, 2200)
DAYS = (15000101, 22001231)  # as 20231231
EPOCH = (500_000_000, 5_000_000_000_000)  # seconds or milliseconds since 1970, in steps of a minute

DECIMAL = re.compile(r"\s*[+-]?[^\W\d_]?\s*\d*[.,]\d+\s*%?")
DATE = re.compile(r"((1[5-9]|2[01])\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]((1[5-9]|2[01])?\d\d))(\D.*)?")


def looks_like_identifier(column: pd.Series) -> bool:
    """Whether the values of a column (nearly) never repeat, by their counts and form and not by its name.

    Text does where nine values in ten differ, unless they are dates or decimals; so do objects of ``uuid.UUID``. Whole
    numbers do where all differ and count, so that they are half of the numbers of their range or more; or where there
    are 200 of one length, uniform over the digits that they do not share. Years, days and moments are no such numbers.
    Floats, categories and times are never identifiers, and no column with fewer than 50 values is.

    Parameters
    ----------
    column : Series of shape (N,)
        A column; gaps do not count.

    Examples
    --------
    >>> looks_like_identifier(pd.Series(range(1, 101)))
    True
    >>> looks_like_identifier(pd.Series([18, 35, 36, 70] * 25)), looks_like_identifier(pd.Series(range(1900, 2000)))
    (False, False)
    """
    known = column.dropna()
    if len(known) < ROWS or isinstance(known.dtype, pd.CategoricalDtype):
        return False
    if pd.api.types.is_integer_dtype(known.dtype):
        return are_keys(known)
    if is_text(known) or is_uuid(known):
        return known.nunique() > DISTINCT * len(known) and not are_measured(known)
    return False


def is_text(known: pd.Series) -> bool:
    """Whether all values are text."""
    if known.dtype == object:
        return bool(pd.api.types.infer_dtype(known, skipna=False) == "string")
    return bool(pd.api.types.is_string_dtype(known.dtype)) and isinstance(known.iloc[0], str)


def is_uuid(known: pd.Series) -> bool:
    """Whether all values are of ``uuid.UUID``."""
    return known.dtype == object and all(isinstance(value, uuid.UUID) for value in known)


def are_measured(known: pd.Series) -> bool:
    """Whether most texts are dates or decimals."""
    some = known.iloc[:: max(1, len(known) // SOME)].astype(str)
    n_measured = sum(bool(DECIMAL.fullmatch(text) or DATE.fullmatch(text)) for text in some)
    return n_measured > MEASURED * len(some)


def are_keys(known: pd.Series) -> bool:
    """Whether whole numbers, at least two of them, are keys."""
    values = np.unique(known.to_numpy())
    has_room = int(values[-1]) + ROOM * len(values) <= np.iinfo(values.dtype).max
    if len(values) < len(known) or not has_room or are_moments(values):
        return False
    return do_count(values) or are_uniform(values)


def do_count(values: NDArray[Any]) -> bool:
    """Whether sorted numbers, all different, are so many of their range that chance would have made some equal."""
    lower, upper, step = int(values[0]), int(values[-1]), int(np.gcd.reduce(np.diff(values)))
    return len(values) >= DENSE * ((upper - lower) // step + 1)


def are_uniform(values: NDArray[Any]) -> bool:
    """Whether sorted numbers have one length, and are uniform over the digits after those that all of them share."""
    lower, upper = int(values[0]), int(values[-1])
    if len(values) < UNIFORM_ROWS or lower < 0 or len(str(lower)) != len(str(upper)):
        return False
    first, last = aligned(lower, upper)
    if last - first + 1 < 9 * 10 ** (FREE_DIGITS - 1):
        return False
    shares = (values.astype(float) - first) / (last - first)
    expected = (np.arange(len(values)) + 0.5) / len(values)
    return bool(np.abs(shares - expected).max() * np.sqrt(len(values)) < UNIFORM)


def are_moments(values: NDArray[Any]) -> bool:
    """Whether sorted numbers may be years, days such as 20231231, or moments in steps of a minute."""
    lower, upper = int(values[0]), int(values[-1])
    if YEARS[0] <= lower and upper <= YEARS[1]:
        return True
    if DAYS[0] <= lower and upper <= DAYS[1]:
        months, days = values // 100 % 100, values % 100
        return bool(((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)).all())
    return EPOCH[0] <= lower and upper <= EPOCH[1] and int(np.gcd.reduce(np.diff(values))) % 60 == 0
