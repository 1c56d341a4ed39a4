"""Cells of text ↔ values: what a column of a file holds, and how it is written back."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from skvae.cli.dates import DateFormat, find_format, given_format, kept_format
from skvae.cli.progress import note

Dtype: TypeAlias = np.dtype[Any] | ExtensionDtype

WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
NUMBERS = {sign: re.compile(rf"-?(0|[1-9]\d*)?({re.escape(sign)}\d*)?([eE][+-]?\d+)?", re.ASCII) for sign in ".,"}
TRUTHS = (("True", "False"), ("true", "false"), ("TRUE", "FALSE"))
LARGEST = 2**63


class Form(Protocol):
    """How the values of a column are written.

    Attributes
    ----------
    holds : str
        What the values are, in a word or two.
    """

    @property
    def holds(self) -> str:
        """What the values are."""
        ...

    def fits(self, cell: str) -> bool:
        """Whether a cell that is not empty is written so."""
        ...

    def read(self, cells: pd.Series) -> pd.Series:
        """Values of cells that are written so, and of gaps."""
        ...

    def write(self, values: pd.Series) -> pd.Series:
        """Cells, and gaps."""
        ...


@dataclass(frozen=True)
class Text:
    """Characters as they are."""

    holds: str = "text"

    def fits(self, cell: str) -> bool:
        """Whether a cell is text: always."""
        return True

    def read(self, cells: pd.Series) -> pd.Series:
        """Cells as they are."""
        return cells.astype("string")

    def write(self, values: pd.Series) -> pd.Series:
        """Cells as they are."""
        return values.astype(object)


@dataclass(frozen=True)
class WholeNumbers:
    """Whole numbers of 64 bits that come back character by character: no leading zeros, no "+"."""

    holds: str = "whole numbers"

    def fits(self, cell: str) -> bool:
        """Whether a cell is such a number."""
        is_whole = WHOLE.fullmatch(cell) is not None and cell != "-0"
        return is_whole and len(cell) <= 20 and -LARGEST <= int(cell) < LARGEST  # Python reads no int of 5000 digits

    def read(self, cells: pd.Series) -> pd.Series:
        """Numbers that stay whole beside gaps."""
        return _read(cells, int, "Int64")

    def write(self, values: pd.Series) -> pd.Series:
        """Digits."""
        return values.map(lambda value: str(int(value)), na_action="ignore").astype(object)


@dataclass(frozen=True)
class Numbers:
    """Numbers that come back as the same number: no leading zeros, no "+"."""

    decimal: str = "."
    holds: str = "numbers"

    def fits(self, cell: str) -> bool:
        """Whether a cell is such a number."""
        digits = re.split("[eE]", cell)[0]
        if not NUMBERS[self.decimal].fullmatch(cell) or not any(sign.isdigit() for sign in digits):
            return False
        value = self.value(cell)
        if WHOLE.fullmatch(cell):
            return Decimal(cell) == value  # twenty digits are more than a float holds
        return math.isfinite(value) and (value != 0 or not re.search("[1-9]", digits))  # 1e400 and 1e-400 are no floats

    def holds_whole(self, cell: str) -> bool:
        """Whether a cell is such a number, and a whole one."""
        return self.fits(cell) and self.value(cell).is_integer()

    def read(self, cells: pd.Series) -> pd.Series:
        """Floats."""
        return _read(cells, self.value, "Float64")

    def write(self, values: pd.Series) -> pd.Series:
        """The fewest digits that tell a number from its neighbours."""
        return values.map(lambda value: str(value).replace(".", self.decimal), na_action="ignore").astype(object)

    def value(self, cell: str) -> float:
        """The float next to a number."""
        return float(cell.replace(self.decimal, "."))


@dataclass(frozen=True)
class Truths:
    """Two words for true and false."""

    words: tuple[str, str] = TRUTHS[0]

    @property
    def holds(self) -> str:
        """The words."""
        return " and ".join(self.words)

    def fits(self, cell: str) -> bool:
        """Whether a cell is one of the words."""
        return cell in self.words

    def read(self, cells: pd.Series) -> pd.Series:
        """Booleans."""
        return _read(cells, lambda cell: cell == self.words[0], "boolean")

    def write(self, values: pd.Series) -> pd.Series:
        """The words."""
        return values.map(lambda value: self.words[0 if value else 1], na_action="ignore").astype(object)


@dataclass(frozen=True)
class Dates:
    """Dates in one format."""

    format: DateFormat

    @property
    def holds(self) -> str:
        """Dates, and how they are written."""
        return f"dates as {self.format.typed}"

    def fits(self, cell: str) -> bool:
        """Whether a cell is a date of the format."""
        return bool(self.format.try_read(pd.Series([cell], dtype=object)).notna().all())

    def read(self, cells: pd.Series) -> pd.Series:
        """Moments."""
        return self.format.try_read(cells)

    def write(self, values: pd.Series) -> pd.Series:
        """Dates in the format of the others."""
        return self.format.write(values)


@dataclass(frozen=True)
class Known:
    """Where types are known from, in the words of an error.

    Attributes
    ----------
    since : str
        When, or where, a column had its type.
    else_ : str
        What helps beside correcting the cells.
    may_be_fractions : bool
        Whether fractions may stand in a column of whole numbers, for others to judge.
    """

    since: str = "when the model was fitted"
    else_: str = "fit a model to this file"
    may_be_fractions: bool = False


@dataclass(frozen=True)
class Reading:
    """What the user says of cells of text.

    Attributes
    ----------
    decimal : str
        The sign before decimals.
    dates : dict
        Columns of dates, and the format of each, or None for one that is to be found.
    kept : dict
        Formats that a model was fitted with.
    day_first : bool
        Whether the day stands before the month, where dates leave it open.
    known : Known
        Where types are known from, if they are.
    """

    decimal: str = "."
    dates: Mapping[str, str | None] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    day_first: bool = False
    known: Known = field(default_factory=Known)

    def form_of(self, cells: pd.Series) -> Form:
        """What a column of text holds, by its name and all of its cells."""
        known, name = cells.dropna(), str(cells.name)
        if name in self.dates:
            return self._dates(known, name)
        words = list(known.unique())
        forms: list[Form] = [WholeNumbers(), Numbers(self.decimal), *map(Truths, TRUTHS)]
        for form in forms if words else []:
            if all(map(form.fits, words)):
                return form
        return Text()

    def form_for(self, cells: pd.Series, dtype: Dtype) -> Form:
        """How a column of text is read where its dtype is known.

        Raises
        ------
        ValueError
            Where a cell holds something else.
        """
        known, name = cells.dropna(), str(cells.name)
        if isinstance(dtype, pd.CategoricalDtype):
            dtype = dtype.categories.dtype
        kind = kind_of(dtype)
        if kind == "dates":
            form: Form = self._dates(known, name)
        elif kind == "true and false":
            form = truths_of(known)
        elif kind == "numbers":
            form = self._numbers(known, dtype)
        elif kind == "text":
            form = Text()
        else:
            raise ValueError(
                f"Column {name!r} of the model holds {kind}, which are not read from text. Convert the file to Parquet."
            )
        odd = [cell for cell in known.unique() if not form.fits(cell)] if kind != "dates" else []
        if odd:
            odd.sort(key=Numbers(self.decimal).holds_whole)  # 34.0 is odd beside a fraction only
            raise ValueError(
                f"Column {name!r} held {form.holds} {self.known.since}, but now holds {odd[0]!r}. Correct the "
                f"cell, or {self.known.else_}."
            )
        return form

    def _numbers(self, known: pd.Series, dtype: Dtype) -> Form:
        whole, numbers, words = WholeNumbers(), Numbers(self.decimal), known.unique()
        if not pd.api.types.is_integer_dtype(dtype):
            return numbers
        if all(map(whole.fits, words)):
            return whole
        are_whole = all(map(numbers.holds_whole, words))  # as 34.0, which is how pandas writes them beside gaps
        return numbers if are_whole or self.known.may_be_fractions else whole

    def _dates(self, known: pd.Series, name: str) -> Dates:
        pattern, kept = self.dates.get(name), self.kept.get(name)
        if pattern is not None:
            return Dates(given_format(known, name, pattern))
        as_kept = None if kept is None else kept_format(known, kept)
        if as_kept is not None:
            return Dates(as_kept)
        if known.empty:
            return Dates(DateFormat("ISO8601"))
        found = find_format(known, name, day_first=self.day_first)
        if kept is not None:
            note(f"the dates of {name!r} are read as {found.typed}; {self.known.since}, they were {kept}")
        return Dates(found)


def truths_of(known: pd.Series) -> Truths:
    """The two words of cells that are not empty."""
    return next((truths for truths in map(Truths, TRUTHS) if known.isin(truths.words).all()), Truths())


def kind_of(dtype: Dtype) -> str:
    """What values of a dtype are: numbers, true and false, dates, text, or else the name of the dtype."""
    if pd.api.types.is_bool_dtype(dtype):
        return "true and false"
    if pd.api.types.is_numeric_dtype(dtype):
        return "numbers"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "dates"
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
        return "text"
    return str(dtype)


def _read(cells: pd.Series, value: Callable[[str], object], dtype: Any) -> pd.Series:
    return cells.astype(object).map(value, na_action="ignore").astype(dtype)
