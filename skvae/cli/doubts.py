"""Cells that a person may have meant otherwise than they are read: a note says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Context, Decimal

import pandas as pd

from skvae.cli.cells import NUMBERS, Form, Numbers, Reading
from skvae.cli.dates import find_format
from skvae.cli.progress import note

THOUSANDS = r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d+)?|[+-]?\d{1,3}(?:[,'\s]\d{3})*(?:\.\d+)?"
UNIT = r"[\s%‰$€£¥₹]*"
DATE = r"\d{1,4}([-./])\d{1,2}\1\d{1,4}([ T]\d{1,2}:.*)?"
DIGITS = 17  # that tell a float from all others; programs write up to these


def note_words(raw: pd.DataFrame, forms: Mapping[str, Form], reading: Reading) -> None:
    """Say what makes text of a column of numbers: words, numbers that no float holds, or signs between thousands."""
    number = Numbers(reading.decimal)
    for name, form in forms.items():
        if form.holds != "text":
            continue
        cells = raw[name].dropna()
        is_number = cells.map(number.fits).astype(bool)
        words = list(cells.unique())
        grouped = [word for word in words if re.search(r"\d[.,'\s]\d{3}", word)]
        if grouped and all(re.fullmatch(THOUSANDS, word) for word in words):
            note(
                f"{name!r} is read as text, for {grouped[0]!r} has signs between thousands; take these out for numbers"
            )
        elif len(words) and all(number.fits(_without_unit(word)) for word in words):
            what = "blanks around the number" if words[0].strip() == _without_unit(words[0]) else "more than a number"
            note(f"{name!r} is read as text, for {words[0]!r} has {what}; take that out for numbers")
        elif is_number.mean() > 0.5:
            word = cells[~is_number].iloc[0]
            is_code = any(sign.isdigit() for sign in word) and not NUMBERS[reading.decimal].fullmatch(word)
            if not is_code:  # as 00501, which is text on purpose
                note(f"{name!r} is read as text, for it holds {word!r} among numbers; empty such cells for numbers")


def _without_unit(word: str) -> str:
    """A cell without blanks, signs of currencies and of shares at its ends."""
    return re.sub(rf"^{UNIT}|{UNIT}$", "", word)


def note_dates(raw: pd.DataFrame, forms: Mapping[str, Form]) -> None:
    """Say which columns of text are dates, which are learned as such where --date says so."""
    for name, form in forms.items():
        words = raw[name].dropna().unique()
        if form.holds != "text" or not len(words) or not all(re.fullmatch(DATE, word) for word in words):
            continue
        with suppress(ValueError):  # such as versions, 1.2.3
            find_format(pd.Series(words, dtype=object), name, day_first=True)
            note(f"{name!r} is read as text, but {words[0]!r} is a date; --date {name} reads dates")


def note_digits(raw: pd.DataFrame, forms: Mapping[str, Form]) -> None:
    """Say which numbers have more digits than are read."""
    for name, form in forms.items():
        if not isinstance(form, Numbers):
            continue
        cell = next((cell for cell in raw[name].dropna() if is_rounded(cell, form)), None)
        if cell is not None:
            note(
                f"{name!r} is read as numbers of {DIGITS} digits, but holds {cell!r}: digits beyond are lost. "
                f"Where they matter, pass a Parquet file with decimals of Arrow"
            )


def is_rounded(cell: str, form: Numbers) -> bool:
    """Whether a number has more digits than a float, and is neither its short nor its long way of writing."""
    if len(cell.lstrip("-0.,")) <= DIGITS:  # which is soon told of most
        return False
    known, value = Decimal(cell.replace(form.decimal, ".")), form.value(cell)
    n_digits = len(known.as_tuple().digits)
    if n_digits <= DIGITS or known == Decimal(repr(value)):
        return False
    return Context(prec=n_digits).create_decimal(Decimal(value)) != known
