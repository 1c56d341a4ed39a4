"""Gaps of a file of text that are filled where they stand: all else is written as it was, quotes and all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping

from skvae.cli.dialect import HINT

Field = tuple[str, str]  # as it is written, with its quotes, and what ends it


def fill_gaps(text: str, separator: str, fillings: Mapping[int, Mapping[int, str]]) -> str:
    """Text of a table with cells in place of gaps.

    Parameters
    ----------
    text : str
        A table as a file holds it, with its names.
    separator : str
        Between cells.
    fillings : dict of dict
        New cells, by row and column, counted from 0 below the names.

    Returns
    -------
    str
    """
    row, n_columns = -2, 0  # that of the names is -1
    hint = HINT.match(text)
    written = [hint[0]] if hint else []
    text = text[hint.end() :] if hint else text
    for record in records(text, separator):
        is_blank = len(record) == 1 and not record[0][0].strip(" \t")
        if not is_blank or n_columns == 1:  # below the name of a single column, a blank line is a gap
            n_columns = n_columns or len(record)
            row += 1
            record = _filled(record, separator, fillings.get(row, {}))
        written += [field + end for field, end in record]
    return "".join(written)


def records(text: str, separator: str) -> Iterator[list[Field]]:
    """Lines of a table, but for line breaks within quotes; fields as pandas cuts them."""
    sign = re.escape(separator)
    pattern = re.compile(rf'("[^"]*(?:""[^"]*)*"[^{sign}\r\n]*|[^{sign}\r\n]*)({sign}|\r\n|\r|\n|\Z)')
    record: list[Field] = []
    for match in pattern.finditer(text):
        if not record and match.start() == len(text):
            return  # the last line has an end
        record.append((match[1], match[2]))
        if match[2] != separator:
            yield record
            record = []


def _filled(record: list[Field], separator: str, cells: Mapping[int, str]) -> list[Field]:
    """A record with new cells; one that is shorter than the names grows as far as its last new cell."""
    fields, end = [field for field, _ in record], record[-1][1]
    fields += [""] * (max(cells, default=0) + 1 - len(fields))
    for column, cell in cells.items():
        if fields[column] not in ("", '""'):
            raise ValueError(
                f"The lines of a table end in one way, but one is cut before {fields[column]!r} by a carriage return "
                f"alone. Take these out."
            )
        fields[column] = _field(cell, separator, is_quoted=fields[column] != "")
    return [*((field, separator) for field in fields[:-1]), (fields[-1], end)]


def _field(cell: str, separator: str, *, is_quoted: bool) -> str:
    """A cell as CSV writes it."""
    written, end = io.StringIO(), "\r\n"  # cells with signs of the end are quoted
    writer = csv.writer(written, delimiter=separator, lineterminator=end)
    writer.writerow([cell])
    field = written.getvalue().removesuffix(end)
    return f'"{field}"' if is_quoted and not field.startswith('"') else field
