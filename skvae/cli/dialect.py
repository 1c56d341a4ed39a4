"""How a file of text is written: its separator, decimal sign and encoding."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

SEPARATORS = (",", ";", "\t", "|")
COMPRESSIONS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
HINT = re.compile("\ufeff?sep=([^\r\n])(\r\n|\r|\n)")  # a first line by which Excel knows the separator
SAMPLE = 100_000  # characters that are looked at


@dataclass(frozen=True)
class Dialect:
    """How a file of text is written.

    Attributes
    ----------
    separator, decimal : str
        Between cells, and before decimals.
    encoding : str
        As Python names it.
    newline : str
        Between rows.
    """

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    newline: str = os.linesep


def find_encoding(path: str) -> str:
    """UTF-8, or what the first bytes of a file say."""
    with _bytes(path) as file:
        start = file.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "utf-8"


def find_separator(path: str, encoding: str) -> str:
    """The sign that cuts all first rows of a file into as many cells.

    Raises
    ------
    ValueError
        Where several do.
    """
    text = read_text(path, encoding, SAMPLE)
    hint = HINT.match(text)
    if hint:
        return hint[1]
    lines = list(io.StringIO(text, newline=""))  # splitlines would cut at signs that latin-1 text holds
    if len(text) == SAMPLE:
        lines = lines[:-1]  # may be cut in two
    widths = {sign: _widths(lines, sign) for sign in SEPARATORS}
    even = [sign for sign, found in widths.items() if len(set(found)) == 1 and found[0] > 1]
    if len(even) > 1:
        counts = " and ".join(f"{widths[sign][0]} by {sign!r}" for sign in even)
        raise ValueError(
            f"One sign separates the cells of a table, but the rows of {path} have as many cells each by several: "
            f"{counts}. Say which: --sep {_typed(even[0])}"
        )
    if even:
        return even[0]
    return max(SEPARATORS, key=lambda sign: widths[sign][0] if widths[sign] else 0)  # the comma, in doubt


def has_hint(path: str, encoding: str) -> bool:
    """Whether the first line of a file only says what separates its cells, as Excel reads it."""
    return HINT.match(read_text(path, encoding, SAMPLE)) is not None


def find_newline(path: str, encoding: str) -> str:
    """What ends the first row of a file."""
    found = re.search("\r\n|\r|\n", read_text(path, encoding, SAMPLE))
    return found[0] if found else os.linesep


def read_text(path: str, encoding: str, n_characters: int = -1) -> str:
    """Text of a file from its beginning, unpacked, with the ends of its lines as they are."""
    with opened(path, encoding) as text:
        return text.read(n_characters)


@contextmanager
def opened(path: str, encoding: str) -> Iterator[TextIO]:
    """A file of text, unpacked, with the ends of its lines as they are."""
    with _bytes(path) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        yield text


def write_text(text: str, path: str, encoding: str) -> None:
    """Text to a file, packed by its suffix, with the ends of its lines as they are."""
    content, suffix = text.encode(encoding), Path(path).suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(Path(path).stem, content)
    else:
        opener: Any = COMPRESSIONS.get(suffix, open)
        with opener(path, "wb") as file:
            file.write(content)


def _widths(lines: list[str], sign: str) -> list[int]:
    """Cells of each row."""
    try:
        return [len(row) for row in csv.reader(lines, delimiter=sign) if row]
    except csv.Error:
        return []


def _typed(sign: str) -> str:
    return {"\t": "tab"}.get(sign, f"'{sign}'")


@contextmanager
def _bytes(path: str) -> Iterator[IO[bytes]]:
    """A file, unpacked."""
    suffix = Path(path).suffix.lower()
    file: Any
    if suffix == ".zip":
        with zipfile.ZipFile(path) as packed, packed.open(packed.namelist()[0]) as file:
            yield file
    else:
        opener: Any = COMPRESSIONS.get(suffix, open)
        with opener(path, "rb") as file:
            yield file
