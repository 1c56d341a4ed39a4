import datetime

import numpy as np
import pandas as pd
import pytest

from skvae import VAETransformer
from skvae.tables import to_pandas

pl = pytest.importorskip("polars")
N = 120


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    day, hour = datetime.timedelta(days=1), datetime.timedelta(hours=1)
    return pl.DataFrame(
        {
            "whole": [None if i % 7 == 0 else int(i % 5) for i in range(N)],
            "small": pl.Series(rng.integers(0, 90, N), dtype=pl.UInt8),
            "real": rng.normal(size=N),
            "single": pl.Series(rng.normal(size=N), dtype=pl.Float32),
            "text": [("x", "y", None)[i % 3] for i in range(N)],
            "category": pl.Series(["u", "v", "u", None] * (N // 4), dtype=pl.Categorical),
            "grade": pl.Series(["lo", "hi", "lo"] * (N // 3), dtype=pl.Enum(["lo", "mid", "hi"])),
            "flag": [True, False, None] * (N // 3),
            "day": [datetime.date(2020, 1, 1) + day * (i % 50) for i in range(N)],
            "moment": [datetime.datetime(2020, 1, 1) + hour * int(h) for h in rng.integers(0, 500, N)],
            "length": [hour * int(h) for h in rng.integers(0, 9, N)],
        }
    )


def test_pandas_and_arrays_stay_as_they_are():
    for X in (pd.DataFrame({"a": [1]}), np.ones((2, 2)), [[1]]):
        same, native = to_pandas(X)
        assert same is X
        assert native is None


def test_there_and_back(frame):
    rows, native = to_pandas(frame)
    assert list(rows.columns) == frame.columns
    assert rows["grade"].cat.ordered
    assert native.present(rows).equals(frame)
    other = native.present(rows[["grade"]].assign(new=rows["grade"].isna()))  # one column less, and one of its own
    assert other["grade"].equals(frame["grade"])
    assert other["new"].dtype == pl.Boolean


def test_a_plan_is_no_table(frame):
    for method in (VAETransformer().fit, VAETransformer().fit_chunks):
        with pytest.raises(TypeError, match=r"a LazyFrame are still to be read\. Pass X\.collect\(\), or to fit"):
            method(frame.lazy())


@pytest.mark.parametrize("decoder", ["factorized", "autoregressive"])
def test_polars_in_polars_out(frame, decoder):
    vae = VAETransformer(2, decoder=decoder, hidden_layer_sizes=(8,), max_iter=2, random_state=0).fit(frame)
    rows = [vae.sample(9, random_state=0), vae.reconstruct(frame), vae.inverse_transform(np.zeros((3, 2)))]
    rows.append(vae.sample(4, given={"grade": "hi", "day": datetime.date(2020, 1, 5)}))
    assert rows[-1]["grade"].to_list() == ["hi"] * 4
    for table in rows:
        assert isinstance(table, pl.DataFrame)
        assert table.schema == frame.schema
    filled = vae.impute(frame, random_state=0)
    assert filled.schema == frame.schema
    assert sum(filled.null_count().row(0)) == 0
    for name in frame.columns:
        observed = frame[name].is_not_null()
        assert filled.filter(observed)[name].equals(frame.filter(observed)[name])
    assert vae.transform(frame).shape == (N, 2)
    assert np.isfinite(vae.score(frame))


def test_arrow_tables_keep_their_schema():
    pa = pytest.importorskip("pyarrow")
    names = pa.array(["x", "y", "z"] * 8)
    table = pa.table({"short": names, "long": names.cast(pa.large_string()), "number": pa.array(range(24), pa.int8())})
    vae = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=2, random_state=0).fit(table)
    assert vae.sample(3).schema == table.schema


def test_an_arrow_table_that_pandas_made_has_the_columns_that_it_has():
    """What pandas noted of an index and of its own dtypes is not asked."""
    pa = pytest.importorskip("pyarrow")
    kinds = pd.Series(["x", "y"] * 12, dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
    frame = pd.DataFrame(
        {"kind": kinds.array, "number": range(24)}, index=pd.Index([f"r{i}" for i in range(24)], name="r")
    )
    rows, native = to_pandas(pa.Table.from_pandas(frame))
    assert list(rows.columns) == ["kind", "number", "r"]
    assert native.present(rows).column_names == ["kind", "number", "r"]


def test_an_arrow_type_that_pandas_cannot_hold_gets_a_sentence():
    pa = pytest.importorskip("pyarrow")
    pairs = pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array([{"a": 1}, {"a": 2}]))
    with pytest.raises(TypeError, match="Convert that column"):
        VAETransformer().fit(pa.table({"pair": pairs}))


def test_columns_have_the_byte_order_of_the_machine():
    rng, kind = np.random.default_rng(0), pd.Categorical(["a", "b"] * 30)
    flux = pd.DataFrame(
        {"flux": rng.normal(size=60).astype(">f8"), "n": rng.integers(0, 9, 60).astype(">i2"), "k": kind}
    )
    read, native = to_pandas(flux)
    assert native is None
    assert list(map(str, read.dtypes)) == ["float64", "int16", "category"]
    assert (read["flux"].tolist(), read["n"].tolist()) == (flux["flux"].tolist(), flux["n"].tolist())
    assert str(flux.dtypes["flux"]) == ">f8"
    assert (VAETransformer(1, max_iter=1, random_state=0).fit(flux).sample(5).dtypes == read.dtypes).all()
