"""DataFrames of other libraries ↔ pandas, through narwhals."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Native:
    """What makes a DataFrame of another library of one of pandas.

    Attributes
    ----------
    backend : narwhals.Implementation
        The library.
    schema : dict
        Its dtype of each column.
    """

    backend: Any
    schema: dict[str, Any]

    def present(self, frame: pd.DataFrame) -> Any:
        """A pandas DataFrame in the library and dtypes of the data; the index, which others lack, is left out.

        Columns that the data do not have keep their dtype.
        """
        import narwhals as nw
        import pyarrow as pa

        table = pa.Table.from_pandas(frame, preserve_index=False)
        rows = nw.from_arrow(table, backend=self.backend)
        moved = [name for name, dtype in rows.schema.items() if self.schema.get(name, dtype) != dtype]
        return rows.with_columns(*(nw.col(name).cast(self.schema[name]) for name in moved)).to_native()


def to_pandas(X: object) -> tuple[Any, Native | None]:
    """A DataFrame of polars and its like as one of pandas; anything else as it is.

    Raises
    ------
    ImportError
        Where narwhals or pyarrow is missing.
    TypeError
        Where its rows are still to be read, or pandas has no such dtype.
    """
    if not is_foreign_frame(X):
        return in_native_order(X) if isinstance(X, pd.DataFrame) else X, None
    check_is_read(X)
    try:
        import narwhals as nw
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(
            f"A {type(X).__module__.split('.')[0]} DataFrame is read through narwhals and pyarrow ({error}). "
            f"Install them with: python -m pip install skvae[polars]"
        ) from error
    foreign: Any = X
    frame = nw.from_native(foreign, eager_only=True)

    def dtype(arrow: pa.DataType) -> pd.ArrowDtype | None:
        return None if pa.types.is_dictionary(arrow) else pd.ArrowDtype(arrow)  # None: a pandas category

    native = Native(frame.implementation, dict(frame.schema))
    try:
        table = with_signed_codes(frame.to_arrow())
        rows = table.to_pandas(types_mapper=dtype, ignore_metadata=True)  # of an index that some columns once were
    except (TypeError, ValueError, NotImplementedError, OverflowError) as error:
        raise TypeError(
            f"Columns are read as pandas reads Arrow's types, but not one of {dict(frame.schema)} ({error}). "
            f"Convert that column to numbers, text, dates or categories."
        ) from error
    return rows, native


def in_native_order(X: pd.DataFrame) -> pd.DataFrame:
    """A DataFrame with the byte order of this machine, which pandas asks for; columns of FITS files have the other."""
    foreign = [j for j, dtype in enumerate(X.dtypes) if isinstance(dtype, np.dtype) and not dtype.isnative]
    if not foreign:
        return X
    native = X.copy(deep=False)
    for j in foreign:
        values = X.iloc[:, j].to_numpy()
        native.isetitem(j, values.astype(values.dtype.newbyteorder("=")))
    return native


def with_signed_codes(table: Any) -> Any:
    """An Arrow table whose categories have signed codes: older releases of pyarrow hand no others to pandas."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        old = field.type
        if pa.types.is_dictionary(old) and pa.types.is_unsigned_integer(old.index_type):
            chunks = []
            for chunk in table.column(i).chunks:
                codes = chunk.indices.cast(pa.int64())
                chunks.append(pa.DictionaryArray.from_arrays(codes, chunk.dictionary, ordered=old.ordered))
            signed = pa.dictionary(pa.int64(), old.value_type, old.ordered)
            table = table.set_column(i, field.name, pa.chunked_array(chunks, type=signed))
    return table


def check_is_read(X: object) -> None:
    """Refuse a table of polars that is a plan.

    Raises
    ------
    TypeError
        Where it is a LazyFrame.
    """
    if type(X).__name__ == "LazyFrame":
        raise TypeError(
            "Rows come in memory, but those of a LazyFrame are still to be read. Pass X.collect(), or to fit_chunks "
            "the path of Parquet files that X.sink_parquet(path) has written."
        )


def is_foreign_frame(X: object) -> bool:
    """Whether X is a DataFrame of a library other than pandas."""
    if isinstance(X, pd.DataFrame) or not hasattr(type(X), "columns"):  # of X, a lazy one would be read
        return False
    name = type(X).__module__.split(".")[0]
    return name in ("polars", "modin", "cudf", "pyarrow") and name in sys.modules
