"""Times of all kinds."""

import pandas as pd
import pytest

DAYS = pd.to_datetime(["2021-03-28", "1969-12-31", "2024-02-29", "2021-03-29"])
MINUTES = pd.to_datetime(["2021-03-28 01:30", "1969-12-31 23:59", "2024-02-29 12:00", "2021-10-31 01:30"])
WAITS = pd.to_timedelta(["1 days", "-3 days", "20 days", "0 days"])


def _arrow(values, dtype):
    pa = pytest.importorskip("pyarrow")
    kinds = {
        "date32": pa.date32(),
        "date64": pa.date64(),
        "timestamp": pa.timestamp("us"),
        "duration": pa.duration("ms"),
    }
    dtype = pd.ArrowDtype(kinds.get(dtype) or pa.timestamp("ns", tz="America/New_York"))
    if "date" in str(dtype):
        return pd.Series(pd.array([value.date() for value in values], dtype=dtype), name="a")
    return pd.Series(values, name="a").astype(dtype)


def _times(kind):
    if kind in ("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]"):
        return pd.Series(DAYS, name="a").astype(kind)
    if kind.startswith("timedelta64"):
        return pd.Series(WAITS, name="a").astype(kind)
    if kind.startswith("period"):
        return pd.Series(DAYS, name="a").dt.to_period(kind[-2])
    if kind.startswith("arrow"):
        dtype = kind.removeprefix("arrow ")
        values = WAITS if dtype == "duration" else MINUTES.tz_localize("UTC") if dtype == "zoned" else DAYS
        return _arrow(values, dtype)
    return pd.Series(MINUTES, name="a").dt.tz_localize("UTC").dt.tz_convert(kind)


KINDS_OF_TIME = [
    "datetime64[s]",
    "datetime64[ms]",
    "datetime64[us]",
    "datetime64[ns]",
    "timedelta64[s]",
    "timedelta64[ns]",
    "period[D]",
    "period[M]",
    "period[Y]",
    "Europe/Oslo",
    "America/New_York",
    "UTC",
    "arrow timestamp",
    "arrow zoned",
    "arrow date32",
    "arrow date64",
    "arrow duration",
]


@pytest.fixture
def times():
    """A function: a kind → a column."""
    return _times


@pytest.fixture(params=KINDS_OF_TIME)
def kind(request):
    return request.param
