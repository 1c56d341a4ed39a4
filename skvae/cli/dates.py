"""Dates as they are typed: one format for a whole column, found in it or given."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from itertools import product

import pandas as pd

ORDERS = ("%Y{}%m{}%d", "%d{}%m{}%Y", "%m{}%d{}%Y", "%d{}%m{}%y", "%m{}%d{}%y", "%y{}%m{}%d")
DAYS = (
    *(order.replace("{}", sign) for order, sign in product(ORDERS, "-./")),
    *("%Y%m%d", "%Y-%m", "%Y", "%d %b %Y", "%d %B %Y", "%d. %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"),
)
TIMES = (
    "",
    *(f"{sign}{time}" for sign in " T" for time in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S%z", "%H:%M:%S.%f%z")),
    *(" %I:%M %p", " %I:%M:%S %p"),
)
OFFSET = r"[T ]\d\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$"  # from UTC, behind a time
BARE = ("", "dm", "HI", "d", "m", "dmHI")  # signs whose numbers may lack leading zeros
MARK = "\x01"  # before a number whose zero goes
ISO = "ISO8601"  # what pandas calls any mixture of its forms


@dataclass(frozen=True)
class DateFormat:
    """How the dates of a column are written.

    Attributes
    ----------
    pattern : str
        As of ``datetime.strptime``; "ISO8601" for any mixture of its forms.
    bare : str
        Signs whose numbers below ten do not begin with a zero: "dm" for days and months.
    utc : str
        What stands for no offset from UTC.
    """

    pattern: str
    bare: str = ""
    utc: str = "+00:00"

    @classmethod
    def of(cls, typed: str) -> DateFormat:
        """A format as it is typed: %-d is a day without a leading zero, Z at the end is UTC."""
        bare = "".join(sign for sign in BARE[-1] if f"%-{sign}" in typed)
        pattern = re.sub(f"%-([{BARE[-1]}])", r"%\1", typed)
        is_zulu = re.search("[^%]Z$", pattern) is not None
        return cls(f"{pattern[:-1]}%z", bare, "Z") if is_zulu else cls(pattern, bare)

    @property
    def typed(self) -> str:
        """The format as it is typed."""
        typed = re.sub(f"%([{self.bare}])", r"%-\1", self.pattern) if self.bare else self.pattern
        return re.sub("%z$", "Z", typed) if self.utc == "Z" else typed

    def try_read(self, cells: pd.Series) -> pd.Series:
        """Dates, and a gap where a cell is none in this format; moments whose offsets from UTC differ are in UTC."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandas 2 reads offsets that differ as objects
            try:
                dates: pd.Series = pd.to_datetime(cells, format=self.pattern, errors="coerce")
                is_read = not pd.api.types.is_object_dtype(dates.dtype)
            except ValueError:  # pandas 3 does not read them
                is_read = False
        return dates if is_read else pd.to_datetime(cells, format=self.pattern, errors="coerce", utc=True)

    def write(self, dates: pd.Series) -> pd.Series:
        """Text of dates."""
        if self.pattern == ISO:
            return dates.map(pd.Timestamp.isoformat, na_action="ignore").astype(object)
        pattern = re.sub(f"%([{self.bare}])", f"{MARK}%\\1", self.pattern) if self.bare else self.pattern
        cells: pd.Series = dates.dt.strftime(pattern).astype(object)
        if self.bare:
            cells = cells.str.replace(f"{MARK}0?", "", regex=True)
        if self.pattern.endswith("%z"):
            cells = cells.str.replace(r"([+-]\d\d)(\d\d)$", r"\1:\2", regex=True)
            cells = cells.str.replace("\\+00:00$", self.utc, regex=True)
        return cells


def find_format(cells: pd.Series, name: str, *, day_first: bool = False) -> DateFormat:
    """The one format that every cell of a column has.

    Parameters
    ----------
    cells : Series of str
        Cells that are not empty.
    name : str
        Of the column, for errors.
    day_first : bool
        Whether the day stands before the month, where the cells leave it open.

    Raises
    ------
    ValueError
        Where no format reads them all, or where several do and read other dates.
    """
    cells = pd.Series(cells.unique(), dtype=object)
    reading = [pattern for pattern in _candidates(cells) if DateFormat(pattern).try_read(cells).notna().all()]
    found = list({_order(pattern): pattern for pattern in reversed(reading)}.values())[::-1]
    if day_first and len(found) > 1:
        found = [pattern for pattern in found if re.search("%d.*%m.*%[yY]", pattern)] or found
    if len(found) > 1:
        first, second = (f"{DateFormat(pattern).try_read(cells[:1]).iloc[0]:%Y-%m-%d}" for pattern in found[:2])
        reads = f"{cells[0]!r} is {first} or {second}" if first != second else f"{cells[0]!r} fits both"
        raise ValueError(
            f"The dates of a column have one format, but those of {name!r} can be read as {' or as '.join(found)}: "
            f"{reads}. Say which: --date {name}={found[0]}, or --day-first for a day before its month."
        )
    if found:
        return _as_written(DateFormat(found[0]), cells)
    if DateFormat(ISO).try_read(cells).notna().all():
        _check_offsets(cells, name)
        return DateFormat(ISO)
    raise unreadable(cells, name)


def unreadable(cells: pd.Series, name: str, pattern: str | None = None) -> ValueError:
    """What is wrong with a column that is not one of dates."""
    if pattern is not None:
        return ValueError(
            f"--date {name}={pattern} must read every cell, but {cells.iloc[0]!r} is not written so. Correct the cell, "
            f"or the format."
        )
    shown = ", ".join(map(repr, cells[:3]))
    return ValueError(
        f"The dates of a column have one format, but none that is known reads all of {name!r}: {shown} … Say it, such "
        f"as --date {name}=%d.%m.%Y, or leave --date out."
    )


def given_format(cells: pd.Series, name: str, pattern: str) -> DateFormat:
    """A format that was typed, where it reads every cell that is not empty."""
    typed = DateFormat.of(pattern)
    try:
        is_read = typed.try_read(cells).notna()
    except (ValueError, re.error) as error:
        raise ValueError(
            f"--date {name}={pattern} needs a format with signs such as %d, %m and %Y, but pandas says: {error}. "
            f"Correct the format."
        ) from error
    if not is_read.all():
        raise unreadable(cells[~is_read], name, pattern)
    if typed.pattern == ISO:
        _check_offsets(cells, name)
    return _as_written(typed, cells)


def kept_format(cells: pd.Series, typed: str) -> DateFormat | None:
    """A format that a model was fitted with, where it reads every cell that is not empty."""
    kept = DateFormat.of(typed)
    try:
        dates = kept.try_read(cells)
    except (ValueError, re.error):  # of a file that no fit has written
        return None
    if dates.isna().any() or (kept.pattern == ISO and _is_offset(cells).nunique() > 1):
        return None
    return _as_written(kept, cells)


def _is_offset(cells: pd.Series) -> pd.Series:
    """Whether cells say how far from UTC they are."""
    return cells.astype(str).str.contains(OFFSET, regex=True)


def _check_offsets(cells: pd.Series, name: str) -> None:
    """Refuse moments of one time zone beside moments of none."""
    is_offset = _is_offset(cells)
    if is_offset.any() and not is_offset.all():
        raise ValueError(
            f"The moments of a column all say how far from UTC they are, or none does, but {name!r} has "
            f"{cells[is_offset].iloc[0]!r} and {cells[~is_offset].iloc[0]!r}. Write them alike, or leave --date out."
        )


def _candidates(cells: pd.Series) -> list[str]:
    """Formats that the first cell has."""
    first = cells[:1]
    patterns = (day + time for day, time in product(DAYS, TIMES))
    return [pattern for pattern in patterns if DateFormat(pattern).try_read(first).notna().all()]


def _order(pattern: str) -> str:
    """The order of year, month and day, which alone can be in doubt: May is short and long."""
    return re.sub("%[bB]", "%m", pattern)


def _as_written(format_: DateFormat, cells: pd.Series) -> DateFormat:
    """A format with the leading zeros and the sign of UTC that bring the cells back, if any do."""
    if format_.pattern == ISO:
        return format_
    dates = format_.try_read(cells)
    for utc, signs in product(("+00:00", "Z"), (None, *BARE)):
        bare = "".join(sign for sign in signs or "" if f"%{sign}" in format_.pattern)
        written = format_ if signs is None else DateFormat(format_.pattern, bare, utc)
        if written.write(dates).tolist() == cells.tolist():
            return written
    return format_
