"""Tables from files."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from gzip import BadGzipFile
from importlib.util import find_spec
from io import StringIO
from lzma import LZMAError
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from skvae.cli.cells import Dtype, Form, Numbers, Reading, kind_of
from skvae.cli.dialect import (
    COMPRESSIONS,
    Dialect,
    find_encoding,
    find_newline,
    find_separator,
    has_hint,
    read_text,
)
from skvae.cli.doubts import note_dates, note_digits, note_words
from skvae.cli.progress import note
from skvae.cli.uneven import note_short_rows, uneven_rows

PACKED = (*COMPRESSIONS, ".zip")
TEXT = (".csv", ".tsv")
WRITTEN = "Use a name that ends in .csv, .tsv (.gz if you like) or .parquet."
NEEDS = {".xlsx": "openpyxl", ".parquet": "pyarrow"}


@dataclass(frozen=True)
class Source:
    """A table as a file holds it.

    Attributes
    ----------
    frame : DataFrame
        Values of the columns that a model is to see.
    whole : DataFrame
        All columns of the file, in its order; cells where it is one of text.
    dialect : Dialect
        How a file of text is written.
    forms : dict
        How each column of ``frame`` is written in a file of text.
    path : str or None
        A file of text.
    """

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    whole: pd.DataFrame = field(default_factory=pd.DataFrame)
    dialect: Dialect = field(default_factory=Dialect)
    forms: Mapping[str, Form] = field(default_factory=dict)
    path: str | None = None


def kind_of_file(path: str | Path, *, is_output: bool = False) -> str:
    """Suffix without that of a compression: ".csv", ".tsv", ".parquet", or ".xlsx", which is read only."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in (*TEXT, ".parquet", *(() if is_output else (".xlsx",))):
        names = WRITTEN if is_output else WRITTEN.replace(" or .parquet", ", .parquet or .xlsx")
        raise ValueError(f"The name of a table tells its format, but {str(path)!r} does not. {names}")
    return kind


def read_table(
    path: str,
    *,
    drop: Sequence[str] = (),
    reading: Reading | None = None,
    decimal: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    dtypes: Mapping[str, Dtype] | None = None,
) -> Source:
    """A table whose whole numbers stay whole where cells are missing, and whose text stays text.

    Parameters
    ----------
    path : str
        Name of a file of CSV, TSV, Parquet or Excel.
    drop : sequence of str
        Columns to leave out.
    reading : Reading, optional
        What is said of dates.
    decimal, separator, encoding : str, optional
        How a file of text is written; found in the file unless given.
    dtypes : dict, optional
        Columns and dtypes of a model, by which the file is read then; other columns are left out with a note.

    Returns
    -------
    Source
    """
    if not Path(path).exists():
        raise ValueError(f"There is no file {path!r} in {Path.cwd()}. Check the name.")
    if Path(path).is_dir():
        raise ValueError(f"A table is a file, but {path!r} is a folder. Name a file in it.")
    reading = reading or Reading()
    kind = kind_of_file(path)
    if kind in TEXT:
        with _whole(path):
            encoding = encoding or find_encoding(path)
            dialect = Dialect(separator or ("\t" if kind == ".tsv" else ""), decimal or "", encoding)
            whole, dialect = _read_cells(path, dialect)
    else:
        whole, dialect = _read_binary(path, kind), Dialect(separator or ",", decimal or ".", encoding or "utf-8")
    unknown = [name for name in (*drop, *reading.dates) if name not in whole.columns]
    if unknown:
        raise ValueError(
            f"{path} has no column {unknown[0]!r}. Its columns are {', '.join(map(str, whole.columns[:20]))}."
        )
    if dtypes is not None:
        check_dates(list(reading.dates), dtypes)
        _check_dropped(drop, dtypes)
    used = whole.drop(columns=list(drop))
    used = _without_empty(used) if dtypes is None else _columns_of(used, list(dtypes), path, reading)
    if not used.shape[0] or not used.shape[1]:
        raise ValueError(f"{path} holds {used.shape[0]} rows of {used.shape[1]} columns. There is nothing to learn.")
    if kind in TEXT and not dialect.decimal:
        dialect = replace(dialect, decimal=_find_decimal(used, dialect))
    reading = replace(reading, decimal=dialect.decimal)
    frame, forms = values_of(used, reading, dtypes, is_text=kind in TEXT)
    if dtypes is None and kind in TEXT:
        note_words(used, forms, reading)
        note_dates(used, forms)
        note_digits(used, forms)
    return Source(frame, whole, dialect, forms, path if kind in TEXT else None)


def values_of(
    used: pd.DataFrame, reading: Reading, dtypes: Mapping[str, Dtype] | None, *, is_text: bool
) -> tuple[pd.DataFrame, dict[str, Form]]:
    """Values of columns, and how those of text are written."""
    frame, forms = used.copy(), dict[str, Form]()
    for name in frame.columns:
        if is_text or _is_text_of_dates(frame[name], reading, dtypes):
            forms[name] = reading.form_of(used[name]) if dtypes is None else reading.form_for(used[name], dtypes[name])
            frame[name] = forms[name].read(used[name])
            if dtypes is not None and kind_of(dtypes[name]) == "dates" and used[name].isna().all():
                frame[name] = frame[name].astype(object).astype(dtypes[name])  # a gap has no time zone
        elif dtypes is not None:
            _check_kind(frame[name], dtypes[name], reading)
    return frame, forms


@contextmanager
def _whole(path: str, *more: type[Exception]) -> Iterator[None]:
    """A sentence where a file is not of the format that its name tells, or was cut off."""
    errors: tuple[type[Exception], ...] = (BadGzipFile, BadZipFile, EOFError, LZMAError, zlib.error)
    try:
        yield
    except errors + more as error:
        raise ValueError(
            f"The name of a table tells its format, but {path} is not of the format of its name, or is not whole "
            f"({' '.join(str(error).split()).rstrip('.')}). Rename it, or fetch it again."
        ) from error


def _read_cells(path: str, dialect: Dialect) -> tuple[pd.DataFrame, Dialect]:
    """Cells as they are typed, gaps where they are empty."""
    try:
        dialect = replace(
            dialect,
            separator=dialect.separator or find_separator(path, dialect.encoding),
            newline=find_newline(path, dialect.encoding),
        )
        cells = _cells(path, dialect)
        if cells.shape[1] == 1:  # a blank line is a gap
            cells = _cells(path, dialect, skip_blank_lines=False, names=[0])
            cells = cells[cells[0].str.strip(" \t").fillna("").ne("").cummax()]
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty. A table begins with a row of names.") from error
    except pd.errors.ParserError as error:
        longer = (row for row in uneven_rows(path, dialect) if row.n_cells > row.n_names)
        what = next(longer, f"pandas says: {str(error).strip()}")
        raise ValueError(
            f"The rows of {path} must have no more cells than it has names, separated by {dialect.separator!r}, but "
            f"{what}. Correct the row (a cell that holds a separator is put into quotes), or say what separates cells "
            f"with --sep."
        ) from error
    except UnicodeError as error:
        raise ValueError(
            f"The text of {path} is read as {dialect.encoding}, but holds other bytes ({error}). Say how it is "
            f"encoded: --encoding latin-1, or --encoding cp1252 for a file from Windows."
        ) from error
    except LookupError as error:
        raise ValueError(f"--encoding {dialect.encoding} is unknown. Take utf-8, latin-1 or cp1252, say.") from error
    if cells.shape[1] > 1 and cells.iloc[:, -1].isna().any():
        note_short_rows(path, dialect)
    return _with_header(cells, path), dialect


def _cells(path: str, dialect: Dialect, **options: Any) -> pd.DataFrame:
    file: Any = path
    if dialect.newline == "\r":  # after an empty line of such, pandas would lose a sign
        file = StringIO(re.sub("\r\n?", "\n", read_text(path, dialect.encoding)), newline="")
    cells: pd.DataFrame = pd.read_csv(
        file,
        sep=dialect.separator,
        encoding=dialect.encoding,
        header=None,  # pandas would rename what occurs twice, and take a column without a name for an index
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        skiprows=int(has_hint(path, dialect.encoding)),
        **options,
    )
    return cells


def _with_header(cells: pd.DataFrame, path: str) -> pd.DataFrame:
    """Rows below the first, which has the names."""
    header = [f"Unnamed: {j}" if pd.isna(name) else str(name) for j, name in enumerate(cells.iloc[0])]
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise ValueError(
            f"The columns of a table have names of their own, but {path} has {twice[0]!r} more than once. Rename one."
        )
    return cells.iloc[1:].reset_index(drop=True).set_axis(header, axis=1)


def _read_binary(path: str, kind: str) -> pd.DataFrame:
    check_installed(kind)
    with _whole(path, ValueError, KeyError, OSError):
        if kind == ".parquet":
            return pd.read_parquet(path)
        cells = pd.read_excel(path, header=None, dtype=object, keep_default_na=False, na_values=[""])
    if cells.empty:
        raise ValueError(f"{path} is empty. A table begins with a row of names.")
    frame = _with_header(cells, path)
    for name in frame.columns:
        if frame[name].map(lambda cell: isinstance(cell, str), na_action="ignore").eq(True).any():
            frame[name] = frame[name].map(str, na_action="ignore")
    return frame.convert_dtypes()


def check_installed(kind: str) -> None:
    """Refuse a kind of file that takes a package which is not there."""
    module = NEEDS.get(kind)
    if module is not None and not is_installed(module):
        raise ImportError(f"{kind} files need {module}, which is not installed. Run: python -m pip install {module}")


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    return sys.modules.get(module, module) is not None and find_spec(module) is not None


def _without_empty(raw: pd.DataFrame) -> pd.DataFrame:
    """Columns with a cell, and a note on those without."""
    empty = [str(name) for name in raw.columns[raw.isna().all()]]
    if empty and len(raw) and len(empty) < raw.shape[1]:
        note(f"nothing is learned of columns without a cell, which are left out: {', '.join(empty[:10])}")
    return raw.drop(columns=empty) if len(raw) else raw


def check_dates(names: Sequence[str], dtypes: Mapping[str, Dtype]) -> None:
    """Refuse --date for a column that a model does not know as one of dates."""
    for name in names:
        held = kind_of(dtypes[name]) if name in dtypes else "nothing that the model knows"
        if held != "dates":
            raise ValueError(
                f"--date names a column of dates, but {name!r} held {held} when the model was fitted. Leave --date "
                f"out, or fit a model with it."
            )


def _check_dropped(drop: Sequence[str], dtypes: Mapping[str, Dtype]) -> None:
    known = [name for name in drop if name in dtypes]
    if known:
        raise ValueError(
            f"A model sees all columns that it was fitted with, but --drop names {known[0]!r}, which is one. Leave "
            f"--drop out, or fit a model with it."
        )


def _columns_of(raw: pd.DataFrame, names: list[str], path: str, reading: Reading) -> pd.DataFrame:
    """The columns that are known, in their order."""
    missing = [name for name in names if name not in raw.columns]
    if missing:
        raise ValueError(
            f"{path} has no column {missing[0]!r}, which was there {reading.known.since}. Its columns are "
            f"{', '.join(map(str, raw.columns[:20]))}. Add the column, or {reading.known.else_}."
        )
    others = [str(name) for name in raw.columns if name not in names]
    if others:
        note(f"these columns were not read {reading.known.since} and are left out: {', '.join(others[:10])}")
    return raw[names]


def _find_decimal(raw: pd.DataFrame, dialect: Dialect) -> str:
    """The sign before decimals: where cells are not separated by commas, a comma may be one.

    Raises
    ------
    ValueError
        Where columns disagree, or commas may group thousands.
    """
    if dialect.separator == ",":
        return "."
    by: dict[str, str] = {}
    for sign in ".,":
        for name in raw.columns:
            known = raw[name].dropna()
            words = list(known.unique())
            if any(sign in word for word in words) and all(map(Numbers(sign).fits, words)):
                by.setdefault(sign, name)
                if sign == "," and all(len(word.partition(",")[2]) in (0, 3) for word in words):
                    by.setdefault("000", name)
    if "," in by and ("." in by or "000" in by):
        commas = f"those of {by[',']!r} have commas"
        doubt = (
            f"{commas}, and those of {by['.']!r} points" if "." in by else f"commas in {by['000']!r} may be thousands"
        )
        raise ValueError(
            f"The numbers of a file have one decimal sign, but {doubt}. Say which: --decimal , or --decimal . (what "
            f"has the other sign is text)."
        )
    return "," if "," in by else "."


def _is_text_of_dates(column: pd.Series, reading: Reading, dtypes: Mapping[str, Dtype] | None) -> bool:
    is_wanted = column.name in reading.dates or (dtypes is not None and kind_of(dtypes[str(column.name)]) == "dates")
    return is_wanted and kind_of(column.dtype) == "text"


def _check_kind(column: pd.Series, wanted: Dtype, reading: Reading) -> None:
    """Refuse a column of another type than the known one."""
    dtype = column.dtype
    kinds = [kind_of(d.categories.dtype if isinstance(d, pd.CategoricalDtype) else d) for d in (dtype, wanted)]
    if kinds[0] != kinds[1] and column.notna().any():
        raise ValueError(
            f"Column {column.name!r} held {kinds[1]} {reading.known.since}, but now holds {kinds[0]} ({dtype}). "
            f"Convert it, or {reading.known.else_}."
        )
