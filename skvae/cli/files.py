"""Tables in files, and values in arguments."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

Dtype: TypeAlias = np.dtype[Any] | ExtensionDtype

SEPARATORS = {".csv": ",", ".tsv": "\t"}
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip")
KINDS = "Use a name that ends in .csv, .tsv (.gz if you like) or .parquet."


def kind_of_file(path: str | Path) -> str:
    """Suffix without that of a compression: ".csv", ".tsv" or ".parquet"."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    kind = suffixes[-1] if suffixes else ""
    if kind not in (*SEPARATORS, ".parquet"):
        raise ValueError(f"The name of a table tells its format, but {str(path)!r} does not. {KINDS}")
    return kind


def read_table(path: str, *, drop: Sequence[str] = (), dates: Sequence[str] = ()) -> pd.DataFrame:
    """A table whose whole numbers stay whole where cells are missing.

    Parameters
    ----------
    path : str
        Name of a file of CSV, TSV or Parquet.
    drop : sequence of str
        Columns to leave out.
    dates : sequence of str
        Columns of text that hold dates.

    Returns
    -------
    DataFrame
    """
    if not Path(path).exists():
        raise ValueError(f"There is no file {path!r} in {Path.cwd()}. Check the name.")
    kind = kind_of_file(path)
    if kind == ".parquet":
        frame = _read_parquet(path)
    else:
        frame = pd.read_csv(path, sep=SEPARATORS[kind], dtype_backend="numpy_nullable", encoding="utf-8-sig")
    unknown = [name for name in (*drop, *dates) if name not in frame.columns]
    if unknown:
        raise ValueError(
            f"{path} has no column {unknown[0]!r}. Its columns are {', '.join(map(str, frame.columns[:20]))}."
        )
    frame = frame.drop(columns=list(drop))
    for name in set(dates) - set(drop):
        frame[name] = pd.to_datetime(frame[name])
    if not frame.shape[0] or not frame.shape[1]:
        raise ValueError(f"{path} holds {frame.shape[0]} rows of {frame.shape[1]} columns. There is nothing to learn.")
    return frame


def _read_parquet(path: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow, which is not installed. Run: pip install pyarrow") from error


def write_table(frame: pd.DataFrame, path: str | None) -> None:
    """Write a table to a file by its suffix, or as CSV to standard output."""
    if path is None:
        frame.to_csv(sys.stdout, index=False)
    elif (kind := kind_of_file(path)) == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, sep=SEPARATORS[kind])


def check_output(path: str | None, *, is_table: bool = True) -> None:
    """Refuse a place where nothing can be written before anybody has waited for it."""
    if path is None:
        return
    if is_table:
        kind_of_file(path)
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path!r} cannot be written: there is no folder {str(folder)!r}. Make it.")


def read_condition(pairs: Sequence[str], like: pd.DataFrame) -> dict[str, Any]:
    """Values of columns from COLUMN=VALUE, in the dtypes of a table."""
    given = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in like.columns:
            raise ValueError(f"--given names the column {name!r}, but the columns are {', '.join(like.columns[:20])}.")
        dtype = like[name].dtype
        try:
            given[name] = pd.Series([text], dtype="object").astype(_dtype_of_values(dtype)).iloc[0]
        except (ValueError, TypeError) as error:
            raise ValueError(f"--given {pair}: {text!r} is no value of {name!r}, whose type is {dtype}.") from error
    return given


def _dtype_of_values(dtype: Dtype) -> Dtype:
    """Dtype of the values of a column: of a category that of its levels."""
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories.dtype
    return dtype
