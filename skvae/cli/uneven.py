"""Rows of a file of text that have not as many cells as its names."""

from __future__ import annotations

import csv
from contextlib import suppress
from typing import NamedTuple

from skvae.cli.dialect import Dialect, has_hint, opened
from skvae.cli.progress import note


class Uneven(NamedTuple):
    """A row that has not as many cells as the names.

    Attributes
    ----------
    line, n_cells, n_names : int
        The line on which it ends, from 1, and how many cells it and the names have.
    """

    line: int
    n_cells: int
    n_names: int

    def __str__(self) -> str:
        return f"line {self.line} has {self.n_cells} cell(s), and the names above are {self.n_names}"


def uneven_rows(path: str, dialect: Dialect) -> list[Uneven]:
    """Rows of a table that have not as many cells as its names; blank lines are no rows."""
    found, n_names = list[Uneven](), 0
    with opened(path, dialect.encoding) as text:
        rows = csv.reader(text, delimiter=dialect.separator)
        if has_hint(path, dialect.encoding):
            next(rows)
        with suppress(csv.Error):  # of a cell of more than 131,072 signs: what follows is not looked at
            for row in rows:
                if not row or (len(row) == 1 and not row[0].strip(" \t")):
                    continue
                n_names = n_names or len(row)
                if len(row) != n_names:
                    found.append(Uneven(rows.line_num, len(row), n_names))
    return found


def note_short_rows(path: str, dialect: Dialect) -> None:
    """Say which rows end before the last column, as Excel writes rows whose last cells are empty."""
    short = uneven_rows(path, dialect)
    if short:
        note(
            f"cells that a row of {path} lacks at its end are gaps: {short[0]}; {len(short)} such row(s). If a cell is "
            f"missing before the end, the others of its row are in wrong columns: correct the file"
        )
