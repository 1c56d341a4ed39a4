"""Columns of values, which the tests of kinds share."""

import pandas as pd

NUMBER_DTYPES = [
    *("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint64"),
    *("Int8", "Int64", "Float64"),
]


def series(values, dtype):
    return pd.Series(values, name="a", dtype=dtype)
