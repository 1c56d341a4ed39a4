"""Values, dtypes and indexes of pandas ↔ simpler parts, down to numbers, text and arrays: what a file can hold."""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.files.hints import checked
from skvae.tables import FlatTable, Native, Table
from skvae.tables.columns import Dtype

NUMPY = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|O8?|[mM]8\[\d*[a-zA-Z]{1,2}\])")  # what NumPy's names may look like
ZONE = re.compile(r"(?!dateutil)[A-Za-z0-9_+\-/:]{1,64}")
NUMBERS = {"Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"}
MASKED = NUMBERS | {"boolean"}
NARWHALS = NUMBERS | {"Boolean", "String", "Date", "Datetime", "Duration", "Decimal", "Categorical", "Enum"}
DIGITS = 10_000  # before or after the point of a Decimal: a few letters can say numbers that fill the memory
DECIMALS = {32: "decimal32", 64: "decimal64", 256: "decimal256"}  # by their bits; those of 128 are "decimal"
LONG = 100  # from which on a range is written as values where it may be longer than the table is wide
DETAILS = {
    "Datetime": ("time_unit", "time_zone"),
    "Duration": ("time_unit",),
    "Enum": ("categories",),
    "Decimal": ("precision", "scale"),  # older releases of narwhals know neither
}


class Part(NamedTuple):
    """How values of one type are taken apart and put together again.

    Attributes
    ----------
    types : tuple of type
        Types of these values; for most, without derived types.
    take : callable
        A value → simpler values.
    put : callable
        Simpler values → the value. Runs no code but that of the constructors named here.
    """

    types: tuple[type, ...]
    take: Callable[[Any], Any]
    put: Callable[[Any], Any]


def _take_zone(zone: datetime.tzinfo | str | None) -> str | None:
    return None if zone is None else str(zone)


def _put_zone(name: str | None) -> str | None:
    if name is not None and not ZONE.fullmatch(name):
        raise ValueError(f"{name!r} is no time zone")
    return name


def _take_timestamp(moment: pd.Timestamp) -> list[Any]:
    return [*_ticks(moment), _take_zone(moment.tz)]


def _put_timestamp(parts: list[Any]) -> pd.Timestamp:
    ticks, unit, zone = parts
    moment = pd.Timestamp(np.datetime64(int(ticks), unit))
    if zone is not None:
        moment = moment.tz_localize("UTC").tz_convert(_put_zone(zone))
    return moment


def _ticks(value: pd.Timestamp | pd.Timedelta) -> list[Any]:
    return [int(value.asm8.astype(np.int64)), value.unit]


def _take_local(moment: datetime.datetime | datetime.time) -> str:
    if moment.tzinfo is not None:
        raise ValueError(f"a {type(moment).__name__} of the datetime module with a time zone, not a pandas.Timestamp")
    return moment.isoformat()


def _take_scalar(value: np.generic) -> list[Any]:
    kind = value.dtype.kind
    if kind in "mM":
        return [value.dtype.str, int(value.astype(np.int64))]
    if kind == "U":
        return ["U", str(value)]
    if not NUMPY.fullmatch(value.dtype.str):
        raise ValueError(f"a number of the dtype {value.dtype}")
    return [value.dtype.str, value.item()]


def _put_scalar(parts: list[Any]) -> Any:
    name, value = parts
    if name == "U":
        return np.str_(value)
    dtype = _put_dtype(name)
    if type(value) not in (int, float, bool):
        raise ValueError(f"a number cannot be made of a {type(value).__name__}")
    if dtype.kind in "mM":
        return np.array(value, dtype=np.int64).view(dtype)[()]
    return np.array(value, dtype=dtype)[()]


def _put_decimal(text: str) -> decimal.Decimal:
    value = decimal.Decimal(text)
    if value.is_finite() and abs(value.adjusted()) > DIGITS:
        raise ValueError(f"a Decimal of more than {DIGITS:,} digits")
    return value


def _take_decimal(value: decimal.Decimal) -> str:
    return str(_put_decimal(str(value)))


def _take_dtype(dtype: Dtype) -> Any:
    try:
        parts = _parts_of_dtype(dtype)
        if _put_dtype(parts) == dtype:
            return parts
    except (TypeError, ValueError, NotImplementedError):  # a period or an extension of which pandas knows more than we
        pass
    raise ValueError(f"the dtype {dtype}")


def _parts_of_dtype(dtype: Dtype) -> Any:
    if isinstance(dtype, np.dtype) and NUMPY.fullmatch(dtype.str):
        return dtype.str
    if isinstance(dtype, pd.StringDtype):
        is_nan = dtype.na_value is np.nan
        return ["string", dtype.storage, "nan" if is_nan else "NA"]
    if isinstance(dtype, pd.CategoricalDtype):
        return ["category", _short(dtype.categories), bool(dtype.ordered)]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return ["moment", dtype.unit, _take_zone(dtype.tz)]
    if isinstance(dtype, pd.PeriodDtype):
        return ["period", str(dtype).removeprefix("period[").removesuffix("]")]
    if isinstance(dtype, pd.IntervalDtype):
        return ["interval", dtype.subtype, dtype.closed]
    if isinstance(dtype, pd.ArrowDtype):
        return ["arrow", _take_arrow(dtype.pyarrow_dtype)]
    if isinstance(dtype, pd.SparseDtype):
        return ["sparse", dtype.subtype, dtype.fill_value]
    if str(dtype) in MASKED:
        return ["masked", str(dtype)]
    raise ValueError(f"the dtype {dtype}")


def _put_dtype(parts: Any) -> Any:
    if isinstance(parts, str):
        if not NUMPY.fullmatch(parts):
            raise ValueError(f"{parts!r} is no dtype")
        return np.dtype(parts)
    kind, *details = parts
    if kind == "string":
        storage, missing = details
        options = {"na_value": np.nan} if missing == "nan" else {}
        return pd.StringDtype(storage, **options)
    if kind == "category":
        return pd.CategoricalDtype(details[0], ordered=details[1])
    if kind == "moment":
        return pd.DatetimeTZDtype(details[0], _put_zone(details[1]))
    if kind == "period":
        return pd.PeriodDtype(details[0])
    if kind == "interval":
        return pd.IntervalDtype(*details)
    if kind == "sparse":
        return pd.SparseDtype(*details)
    if kind == "arrow":
        return pd.ArrowDtype(_put_arrow(details[0]))
    if kind == "masked" and details[0] in MASKED:
        return pd.api.types.pandas_dtype(details[0])
    raise ValueError(f"{parts!r} is no dtype")


def _plain_arrow() -> dict[str, Any]:
    """The types of Arrow that are no more than their name."""
    import pyarrow as pa

    numbers = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
    others = [pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.large_string()]
    others += [pa.date32(), pa.date64(), pa.binary(), pa.large_binary(), pa.null()]
    others += [pa.string_view()] if hasattr(pa, "string_view") else []
    return {str(type_): type_ for type_ in numbers + others}


def _take_arrow(type_: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_timestamp(type_):
        return ["timestamp", type_.unit, _take_zone(type_.tz)]
    if pa.types.is_duration(type_):
        return ["duration", type_.unit]
    if pa.types.is_decimal(type_):
        kind = DECIMALS.get(type_.bit_width, "decimal")
        return [kind, type_.precision, type_.scale]
    if pa.types.is_dictionary(type_):
        return ["dictionary", _take_arrow(type_.index_type), _take_arrow(type_.value_type), type_.ordered]
    if str(type_) in _plain_arrow():
        return str(type_)
    raise ValueError(f"Arrow's type {type_}")


def _put_arrow(parts: Any) -> Any:
    import pyarrow as pa

    if isinstance(parts, str):
        return _plain_arrow()[parts]
    kind, *details = parts
    if kind == "timestamp":
        return pa.timestamp(details[0], _put_zone(details[1]))
    if kind == "duration":
        return pa.duration(*details)
    if kind == "decimal":
        return pa.decimal128(*details)
    if kind in DECIMALS.values():
        return getattr(pa, kind)(*details)
    if kind == "dictionary":
        return pa.dictionary(_put_arrow(details[0]), _put_arrow(details[1]), ordered=details[2])
    raise ValueError(f"{parts!r} is no type of Arrow")


def _take_index(index: pd.Index) -> dict[str, Any]:
    if isinstance(index, pd.MultiIndex):
        return {
            "levels": list(map(_short, index.levels)),
            "codes": list(map(np.asarray, index.codes)),
            "names": list(index.names),
        }
    parts: dict[str, Any] = {"dtype": index.dtype, "name": index.name}
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": index.name}
    if isinstance(index, pd.IntervalIndex):
        return parts | {"left": _short(index.left), "right": _short(index.right)}
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex | pd.PeriodIndex):
        return parts | {"values": np.asarray(index.asi8)}
    if isinstance(index, pd.CategoricalIndex):
        return parts | {"values": np.asarray(index.codes)}
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "biuf":
        return parts | {"values": index.to_numpy()}
    return parts | {"values": list(index)}


def _short(index: pd.Index) -> pd.Index:
    """An index as it is, or the values of a long range, of which a table may use few: load refuses ranges like that."""
    is_long = isinstance(index, pd.RangeIndex) and len(index) > LONG
    return pd.Index(index.to_numpy(), name=index.name) if is_long else index


def _put_index(parts: dict[str, Any]) -> Any:
    if "levels" in parts:
        return pd.MultiIndex(parts["levels"], parts["codes"], names=parts["names"])
    name = parts["name"]
    if "range" in parts:
        start, stop, step = parts["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    dtype = parts["dtype"]
    if "left" in parts:
        return pd.IntervalIndex.from_arrays(parts["left"], parts["right"], dtype.closed, name=name)
    values = parts["values"]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.DatetimeIndex(values.view(f"M8[{dtype.unit}]"), name=name).tz_localize("UTC").tz_convert(dtype.tz)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.PeriodIndex(pd.arrays.PeriodArray(values, dtype=dtype), name=name)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.CategoricalIndex(pd.Categorical.from_codes(values, dtype=dtype), name=name)
    if dtype.kind in "mM" and isinstance(dtype, np.dtype):
        return pd.Index(values.view(dtype), name=name)
    if dtype == np.dtype(object):
        values = _put_objects(values)
    elif not isinstance(dtype, np.dtype):
        values = pd.array(values, dtype=dtype)
    return pd.Index(values, dtype=dtype, name=name, tupleize_cols=False)


def _take_objects(array: NDArray[Any]) -> list[Any]:
    if array.dtype != object or array.ndim != 1:
        raise ValueError(f"an array of shape {array.shape} and dtype {array.dtype}")
    return list(array)


def _put_objects(values: list[Any]) -> NDArray[Any]:
    """An array of objects, whatever they are."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def _take_native(native: Native) -> dict[str, Any]:
    schema = []
    for name, dtype in native.schema.items():
        kind = type(dtype).__name__
        if kind not in NARWHALS:
            raise ValueError(f"the dtype {dtype} of {native.backend.value}")
        details = {detail: getattr(dtype, detail) for detail in DETAILS.get(kind, ()) if hasattr(dtype, detail)}
        if "categories" in details:
            details["categories"] = list(details["categories"])
        schema.append([name, kind, details])
    return {"backend": str(native.backend.value), "schema": schema}


def _put_native(parts: dict[str, Any]) -> Native:
    try:
        import narwhals as nw
    except ImportError as error:
        raise ImportError(
            f"The model was fitted on a {parts['backend']} DataFrame, which is made through narwhals ({error}). "
            f"Install it with: python -m pip install skvae[polars]"
        ) from error
    schema = {}
    for name, kind, details in parts["schema"]:
        if kind not in NARWHALS:
            raise ValueError(f"{kind!r} is no dtype of narwhals")
        schema[name] = getattr(nw, kind)(**details)
    return Native(nw.Implementation(parts["backend"]), schema)


def _take_table(table: Table) -> dict[str, Any]:
    return dict(vars(FlatTable.of(table)))


def _put_table(parts: dict[str, Any]) -> Table:
    return checked("Table", FlatTable, parts).table()


PARTS: dict[str, Part] = {
    "float": Part((float,), repr, float),  # finite ones need none
    "missing": Part((type(pd.NA), type(pd.NaT)), str, lambda name: {"<NA>": pd.NA, "NaT": pd.NaT}[name]),
    "bytes": Part((bytes,), bytes.hex, bytes.fromhex),
    "timestamp": Part((pd.Timestamp,), _take_timestamp, _put_timestamp),
    "timedelta": Part((pd.Timedelta,), _ticks, lambda parts: pd.Timedelta(np.timedelta64(int(parts[0]), parts[1]))),
    "period": Part((pd.Period,), lambda p: [p.ordinal, p.freqstr], lambda p: pd.Period(ordinal=p[0], freq=p[1])),
    "interval": Part((pd.Interval,), lambda i: [i.left, i.right, i.closed], lambda parts: pd.Interval(*parts)),
    "datetime": Part((datetime.datetime,), _take_local, datetime.datetime.fromisoformat),
    "time": Part((datetime.time,), _take_local, datetime.time.fromisoformat),
    "date": Part((datetime.date,), datetime.date.isoformat, datetime.date.fromisoformat),
    "decimal": Part((decimal.Decimal,), _take_decimal, _put_decimal),
    "uuid": Part((uuid.UUID,), str, uuid.UUID),
    "objects": Part((np.ndarray,), _take_objects, _put_objects),  # arrays of numbers are kept as they are
    "Table": Part((Table,), _take_table, _put_table),
    "native": Part((Native,), _take_native, _put_native),
    "index": Part((pd.Index,), _take_index, _put_index),
    "dtype": Part((np.dtype, pd.api.extensions.ExtensionDtype), _take_dtype, _put_dtype),
    "scalar": Part((np.generic,), _take_scalar, _put_scalar),
}
"""What a file holds of pandas' and Python's values, by the name that it has there."""


def part_of(value: object) -> str:
    """What takes a value apart.

    Raises
    ------
    ValueError
        Where nothing does.
    """
    for name, part in PARTS.items():
        if type(value) in part.types:
            return name
    for name in ("index", "dtype", "scalar"):
        if isinstance(value, PARTS[name].types):
            return name
    raise ValueError(f"a {type(value).__module__}.{type(value).__qualname__}")
