"""DataFrames of other libraries ↔ pandas, through narwhals."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

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
        columns = [
            nw.col(name).cast(self.schema[name]) if name in self.schema else nw.col(name) for name in frame.columns
        ]
        return nw.from_arrow(table, backend=self.backend).select(*columns).to_native()


def to_pandas(X: Any) -> tuple[Any, Native | None]:
    """A DataFrame of polars and its like as one of pandas; anything else as it is.

    Raises
    ------
    ImportError
        Where narwhals or pyarrow is missing.
    """
    if not is_foreign_frame(X):
        return X, None
    try:
        import narwhals as nw
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(
            f"A {type(X).__module__.split('.')[0]} DataFrame is read through narwhals and pyarrow ({error}). "
            f"Install them with: python -m pip install skvae[polars]"
        ) from error
    frame = nw.from_native(X, eager_only=True)

    def dtype(arrow: Any) -> Any:
        return None if pa.types.is_dictionary(arrow) else pd.ArrowDtype(arrow)  # None: a pandas category

    return with_signed_codes(frame.to_arrow()).to_pandas(types_mapper=dtype), Native(
        frame.implementation, dict(frame.schema)
    )


def with_signed_codes(table: Any) -> Any:
    """An Arrow table whose categories have signed codes: older releases of pyarrow hand no others to pandas."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and pa.types.is_unsigned_integer(field.type.index_type):
            chunks = [
                pa.DictionaryArray.from_arrays(
                    chunk.indices.cast(pa.int64()), chunk.dictionary, ordered=field.type.ordered
                )
                for chunk in table.column(i).chunks
            ]
            codes = pa.dictionary(pa.int64(), field.type.value_type, field.type.ordered)
            table = table.set_column(i, field.name, pa.chunked_array(chunks, type=codes))
    return table


def is_foreign_frame(X: Any) -> bool:
    """Whether X is a DataFrame of a library other than pandas."""
    if isinstance(X, pd.DataFrame) or not hasattr(X, "columns"):
        return False
    name = type(X).__module__.split(".")[0]
    return name in ("polars", "modin", "cudf", "pyarrow") and name in sys.modules
