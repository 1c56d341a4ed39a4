"""Rows that are known in part, in their container: conditions of a sample, and gaps that are filled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from skvae.tables.columns.base import UNREADABLE, Mask
from skvae.tables.columns.category import CategoryColumn
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import is_bool, is_whole
from skvae.tables.frames import to_pandas
from skvae.tables.rows import Rows, with_cells
from skvae.tables.table import Table


def read_condition(table: Table, given: object) -> pd.DataFrame:
    """What ``sample`` takes as ``given``, as a DataFrame: of one row for a dict.

    Raises
    ------
    ValueError, TypeError
        Where it is empty, of another type, or names an identifier or a column that the table does not have.
    """
    names = list(table.dtypes)
    frame, _ = to_pandas(_one_row(given, table) if isinstance(given, Mapping) else given)
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        what = type(given).__name__
        if isinstance(frame, pd.DataFrame):
            what = f"a {what} of {frame.shape[0]} row(s) and {frame.shape[1]} column(s)"
        raise TypeError(
            f"given must be a dict of one value for each condition, or a DataFrame whose gaps are to be drawn, with a "
            f"row and a column at least, got {what}. Pass given={{{names[0]!r}: …}}, say."
        )
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"given must name a column once, but {twice!r} occurs more than once. Drop one of them.")
    unknown = [name for name in frame.columns if name not in names]
    if unknown:
        more = " …" if len(names) > 10 else ""
        raise ValueError(
            f"given names column {unknown[0]!r}, but the columns are {names[:10]}{more}. Name one of these."
        )
    for column in table.identifiers.values():
        if column.name in frame.columns and not is_missing(frame[column.name]).all():
            raise ValueError(f"A condition is a value that the model knows, but {what_it_is(column.name)}")
    return frame


def what_it_is(name: Hashable) -> str:
    """What an identifier is, and what to do: the end of a sentence."""
    return (
        f"column {name!r} is an identifier, of which it learns nothing: its values are drawn anew. Leave the column "
        f"out, or fit with likelihood={{{name!r}: …}} to model it as it is."
    )


def position_of(table: Table, name: Any, *, with_levels: bool = False) -> int:
    """Position of a column among those of the data.

    Raises
    ------
    ValueError
        Where there is no such column, it is an identifier, or it has no levels but should have.
    """
    names = list(table.dtypes)
    if not isinstance(name, Hashable) or name not in names:
        more = " …" if len(names) > 10 else ""
        raise ValueError(f"There is no column {name!r}; the columns are {names[:10]}{more}. Name one of these.")
    names = [column.name for column in table.data]
    if name not in names:
        raise ValueError(f"The model tells a column from the others, but {what_it_is(name)}")
    j = names.index(name)
    if with_levels and table.data_columns[j].level_labels is None:
        raise ValueError(
            f"Probabilities are those of levels, but column {name!r} has the family {table.data_families[j]!r}, whose "
            f"numbers have none. Fit with likelihood={{{name!r}: 'normal_scores'}}, or draw with sample."
        )
    return j


def _one_row(given: Mapping[Hashable, object], table: Table) -> pd.DataFrame:
    """A dict of one value for each condition as a DataFrame."""
    if not given:
        raise ValueError(
            f"given must say something of a column at least, but the dict is empty. "
            f"Pass given={{{next(iter(table.dtypes))!r}: …}}, say, or leave given out."
        )
    for name, value in given.items():
        if pd.api.types.is_list_like(value) and not _is_category(value, name, table):
            raise TypeError(
                f"A condition is one value for all rows, but that of column {name!r} is {value!r}. "
                f"Pass a DataFrame with a row for each."
            )
    return pd.DataFrame({name: [value] for name, value in given.items()})


def _is_category(value: object, name: Hashable, table: Table) -> bool:
    """Whether a value of several parts, such as a tuple, is one of the categories of a column."""
    column = next((column for column in table.data_columns if column.name == name), None)
    if not isinstance(value, Hashable) or not isinstance(column, CategoryColumn):
        return False
    return bool(column.is_possible(pd.Series([value], dtype=object)).all())


def fill_gaps(X: Rows, has_gap: Mask, filled: Any) -> Rows:
    """X with its missing cells taken from ``filled``, which has only the rows with gaps; others are not touched."""
    if not isinstance(X, pd.DataFrame):
        values = X.copy()
        values[has_gap] = np.where(np.isnan(X[has_gap]), filled, X[has_gap])
        return values
    result = X.copy()
    for j in range(X.shape[1]):
        is_gap = is_missing(X.iloc[:, j])
        if is_gap.any():
            cells: Any = _with_gaps_filled(X.iloc[:, j], is_gap, filled.iloc[is_gap[has_gap], j])
            result.isetitem(j, cells)
    return result


def _with_gaps_filled(column: pd.Series, is_gap: Mask, values: pd.Series) -> pd.Series:
    """A column with its gaps filled, in its dtype if this holds them; one of gaps alone says nothing of a dtype."""
    if is_gap.all():
        return values.set_axis(column.index)
    with suppress(*UNREADABLE):
        cells = with_cells(column, is_gap, values)
        may_wrap = is_whole(column.dtype) or is_bool(column.dtype)
        if not may_wrap or cells[is_gap].tolist() == values.tolist():
            return cells
    both = pd.concat([column[~is_gap], values])  # in a dtype that holds both
    order = np.argsort(np.concatenate([np.flatnonzero(~is_gap), np.flatnonzero(is_gap)]))
    filled: pd.Series = both.iloc[order].set_axis(column.index)
    return filled


def keep_given(rows: Rows, given: pd.DataFrame, table: Table) -> Rows:
    """Completed rows with the cells that were given, as the table reads them."""
    for j, column in zip(table.positions, table.data, strict=True):
        if column.name not in given.columns:
            continue
        is_known = ~is_missing(given[column.name])
        known = column.read_condition(given[column.name])
        if not isinstance(rows, pd.DataFrame):
            rows[is_known, j] = known
        elif is_known.any():
            cells: Any = with_cells(rows.iloc[:, j], is_known, known)
            rows.isetitem(j, cells)
    return rows
