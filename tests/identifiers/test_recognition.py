import os
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skvae.identifiers import looks_like_identifier

N = 300
RNG = np.random.default_rng(0)

IDENTIFIERS = {
    "a count": np.arange(1, N + 1),
    "a count in any order": RNG.permutation(N) + 5000,
    "a count with gaps": np.sort(RNG.choice(N * 3 // 2, N, replace=False)),
    "a count by tens": np.arange(N) * 10,
    "a count beyond what floats hold": np.arange(N) + 2**60,
    "keys of eight digits": RNG.choice(90_000_000, N, replace=False) + 10_000_000,
    "mobile numbers": 491_710_000_000 + RNG.choice(10_000_000, N, replace=False),
    "text": [f"customer {i}" for i in range(N)],
    "digits": [f"{i:06}" for i in RNG.choice(10**6, N, replace=False)],
    "social security numbers": [f"{i % 900:03}-{i % 97:02}-{i:04}" for i in range(N)],
    "uuids": [uuid.UUID(int=i) for i in range(N)],
    "text that hardly recurs": ["none"] * 20 + [f"comment {i}" for i in range(N)],
    "text with gaps": [None] * N + [f"{i}@mail.org" for i in range(N)],
}

OTHERS = {
    "few rows": np.arange(1, 41),
    "few texts": [f"customer {i}" for i in range(40)],
    "floats": np.arange(N, dtype=float),
    "whole floats of a count with a gap": [np.nan, *range(N)],
    "one byte": np.arange(120, dtype=np.int8),
    "incomes": RNG.lognormal(10, 1, N).astype(int),
    "distinct incomes": np.unique(RNG.lognormal(12, 1, 10 * N).astype(int))[::7][:N],
    "populations": np.unique((10 ** RNG.uniform(3, 7, N)).astype(int)),
    "seconds since the start": RNG.integers(1, 60, N).cumsum(),
    "uniform, but not over all digits": RNG.choice(50_000, N, replace=False) + 20_000,
    "a count of which one recurs": [1, *range(1, N)],
    "years": np.arange(1700, 1700 + N),
    "days": [20230101 + 100 * month + day for month in range(12) for day in range(25)],
    "hours since 1970": np.arange(N) * 3600 + 1_600_000_000,
    "dates": pd.date_range("2020-01-01", periods=N),
    "dates as text": [str(day.date()) for day in pd.date_range("2020-01-01", periods=N)],
    "decimals as text": [f"{i / 7:.2f}" for i in range(N)],
    "categories": pd.Categorical([f"customer {i}" for i in range(N)]),
    "words": ["ann", "bob", "cyd"] * (N // 3),
    "truths": [True, False] * (N // 2),
    "objects": [(i, i) for i in range(N)],
    "nothing": [None] * N,
}


@pytest.mark.parametrize("what", IDENTIFIERS)
def test_names_of_rows_are_recognised(what):
    column = pd.Series(IDENTIFIERS[what])
    assert looks_like_identifier(column)
    assert looks_like_identifier(column.rename("income"))


@pytest.mark.parametrize("what", OTHERS)
def test_nothing_else_is(what):
    column = pd.Series(OTHERS[what])
    assert not looks_like_identifier(column)
    assert not looks_like_identifier(column.rename("customer_id"))


@pytest.mark.parametrize(
    "dtype", [object, "string", "str", "string[pyarrow]", "Int64", "int32", "uint64", "int64[pyarrow]"]
)
def test_the_dtype_does_not_matter(dtype):
    pytest.importorskip("pyarrow")
    values = pd.Series([f"{i}@mail.org" for i in range(N)]) if "str" in str(dtype) or dtype is object else range(N)
    assert looks_like_identifier(pd.Series(values, dtype=dtype))


@pytest.mark.skipif("SKVAE_DATA" not in os.environ, reason="needs the real tables")
@pytest.mark.parametrize("n_rows", [60, 1000, None])
def test_no_column_of_the_real_tables_is_one(n_rows):
    for path in sorted(Path(os.environ["SKVAE_DATA"]).glob("*/*.csv.gz")):
        frame = pd.read_csv(path, nrows=n_rows)
        assert not [name for name in frame.columns[:40] if looks_like_identifier(frame[name])], path
