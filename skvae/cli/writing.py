"""Tables to files, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import TextIOWrapper

import pandas as pd

from skvae.cli.cells import Form, Numbers, Reading
from skvae.cli.dialect import Dialect, read_text, write_text
from skvae.cli.files import Source, kind_of_file, values_of
from skvae.cli.gaps import fill_gaps


def write_table(
    frame: pd.DataFrame,
    path: str | None,
    *,
    dialect: Dialect | None = None,
    forms: Mapping[str, Form] | None = None,
) -> None:
    """Write a table to a file by its suffix, or as CSV to standard output.

    Parameters
    ----------
    frame : DataFrame
        Values, or cells of text.
    path : str or None
        Where to.
    dialect : Dialect, optional
        How text is written.
    forms : dict, optional
        How columns are written, other than as pandas would.
    """
    kind = ".csv" if path is None else kind_of_file(path, is_output=True)
    if kind == ".parquet":
        frame.to_parquet(path, index=False)
        return
    dialect, forms = dialect or Dialect(), forms or {}
    cells = frame.copy()
    for name in frame.columns:
        is_float = pd.api.types.is_float_dtype(frame[name].dtype)
        form = forms.get(name) or (Numbers(dialect.decimal) if is_float and dialect.decimal != "." else None)
        if form is not None:
            cells[name] = form.write(frame[name])
    separator = "\t" if kind == ".tsv" else dialect.separator
    if path is None:
        _prepare_output(dialect)
    cells.to_csv(
        sys.stdout if path is None else path,
        index=False,
        sep=separator,
        encoding=dialect.encoding,
        lineterminator=dialect.newline,
    )


def write_filled(source: Source, full: pd.DataFrame, path: str | None) -> None:
    """Write a table with its gaps filled; all else is left as it is, character by character in a file of text.

    Parameters
    ----------
    source : Source
        The table.
    full : DataFrame
        Its columns that a model has filled.
    path : str or None
        Where to; None for standard output.
    """
    kind = ".csv" if path is None else kind_of_file(path, is_output=True)
    separator = "\t" if kind == ".tsv" else source.dialect.separator
    if source.path is None:
        write_table(_replaced(source.whole, full), path, dialect=source.dialect, forms=source.forms)
    elif kind == ".parquet":
        rest = source.whole.drop(columns=list(full.columns))
        values, _ = values_of(rest, Reading(decimal=source.dialect.decimal), None, is_text=True)
        write_table(_replaced(_replaced(source.whole, values), full), path)
    elif separator == source.dialect.separator:
        text = read_text(source.path, source.dialect.encoding)
        text = fill_gaps(text, separator, _fillings(source, full))
        if path is None:
            _prepare_output(source.dialect)
            sys.stdout.write(text)
        else:
            write_text(text, path, source.dialect.encoding)
    else:
        cells = source.whole.astype(object)
        for row, fillings in _fillings(source, full).items():
            for column, cell in fillings.items():
                cells.iat[row, column] = cell
        write_table(cells, path, dialect=source.dialect)


def _replaced(whole: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    """A table with other values of some columns."""
    replaced = whole.copy()
    for name in columns.columns:
        replaced[name] = columns[name]
    return replaced


def _fillings(source: Source, full: pd.DataFrame) -> dict[int, dict[int, str]]:
    """Cells in place of gaps, by row and column of a file."""
    fillings: dict[int, dict[int, str]] = {}
    for column, name in enumerate(source.whole.columns):
        if name not in full.columns:
            continue
        rows = source.whole[name].isna().to_numpy().nonzero()[0].tolist()
        for row, cell in zip(rows, source.forms[name].write(full[name].iloc[rows]), strict=True):
            fillings.setdefault(row, {})[column] = cell
    return fillings


def _prepare_output(dialect: Dialect) -> None:
    """Make standard output write the letters and ends of lines of a file."""
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding=dialect.encoding, newline="")  # the encoding of the locale may lack letters
