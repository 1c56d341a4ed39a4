import builtins
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables import Chunks, is_memory_map, python_reader_of, release
from skvae.tables.chunks import BLOCK_CELLS


def lengths(chunks, order=None):
    return [(block, len(chunk)) for block, chunk in chunks.read(order)]


@pytest.fixture
def parts(mixed):
    return [mixed[:10], mixed[10:30], mixed[30:]]


def test_items_of_a_list_are_blocks(parts):
    chunks = Chunks.of(parts)
    assert lengths(chunks, [2, 0]) == [(2, 30), (0, 10)]
    assert lengths(chunks) == lengths(chunks) == [(0, 10), (1, 20), (2, 30)]


def test_what_is_read_in_order_is_one_block(parts):
    class Again:
        def __iter__(self):
            return iter(parts)

    for source in (Again(), lambda: (part for part in parts), lambda: parts):
        chunks = Chunks.of(source)
        assert lengths(chunks) == lengths(chunks) == [(0, 10), (0, 20), (0, 30)]


def test_row_groups_of_parquet_are_blocks(mixed, tmp_path):
    dataset = pytest.importorskip("pyarrow.dataset")
    for name in ("a", "b"):
        mixed.to_parquet(tmp_path / f"{name}.parquet", row_group_size=25)
    for source in (
        tmp_path,
        str(tmp_path),
        [tmp_path / "a.parquet", tmp_path / "b.parquet"],
        dataset.dataset(tmp_path),
    ):
        chunks = Chunks.of(source)
        assert lengths(chunks, [5, 0]) == [(5, 10), (0, 25)]
        together = pd.concat([chunk for _, chunk in chunks.read()])
        for name in ("size", "kind", "age"):
            assert together[name].tolist()[:60] == mixed[name].tolist()


def test_dtypes_of_parquet_do_not_depend_on_gaps(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, 2, None, 4], dtype="Int64"),
            "bit": pd.array([True, False, None, True], dtype="boolean"),
            "small": np.arange(4, dtype=np.uint8),
            "real": [0.5, np.nan, 1.5, 2.5],
            "text": ["a", "b", None, "a"],
            "moment": pd.to_datetime(["2020-01-01", "2020-01-02", None, "2020-01-04"]),
        }
    )
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=2)
    (_, first), (_, second) = Chunks.of(tmp_path / "a.parquet").read()
    pd.testing.assert_series_equal(first.dtypes, second.dtypes)
    assert [str(dtype) for dtype in first.dtypes[:4]] == ["Int64", "boolean", "UInt8", "float64"]


def test_a_filtered_dataset_gives_its_rows_only(mixed, tmp_path):
    dataset = pytest.importorskip("pyarrow.dataset")
    mixed.to_parquet(tmp_path / "a.parquet", row_group_size=25)
    old = dataset.dataset(tmp_path).filter(dataset.field("age") > 50)
    assert sum(n for _, n in lengths(Chunks.of(old))) == (mixed["age"] > 50).sum()


def test_partitions_of_dask_are_blocks(mixed):
    dask = pytest.importorskip("dask.dataframe")
    frame = dask.from_pandas(mixed[["size", "age"]], npartitions=3)
    chunks = Chunks.of(frame)
    assert [block for block, _ in chunks.read([2, 1])] == [2, 1]
    pd.testing.assert_frame_equal(pd.concat([chunk for _, chunk in chunks.read()]), mixed[["size", "age"]])


@pytest.fixture
def mapped(tmp_path):
    X = np.arange(5_000_000, dtype=np.float32).reshape(-1, 1000)
    np.save(tmp_path / "x.npy", X)
    return X, np.load(tmp_path / "x.npy", mmap_mode="r")


def test_a_memory_map_is_read_in_blocks(mapped):
    X, M = mapped
    chunks = Chunks.of_memory_map(M)
    assert len(chunks.blocks) == X.size // BLOCK_CELLS
    assert_array_equal(np.concatenate([chunk for _, chunk in chunks.read()]), X)
    kept = np.arange(len(X)) % 3 > 0
    assert_array_equal(np.concatenate([chunk for _, chunk in Chunks.of_memory_map(M, kept).read()]), X[kept])


def test_parts_of_a_memory_map_are_one(mapped):
    X, M = mapped
    assert is_memory_map(M) and is_memory_map(M[3:]) and is_memory_map(np.asarray(M)[:, :2])
    assert not is_memory_map(X) and not is_memory_map(M[3:] + 1) and not is_memory_map([[1.0]])


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_released_pages_keep_their_values(tmp_path, mode):
    np.save(tmp_path / "x.npy", np.zeros((1000, 10)))
    M = np.load(tmp_path / "x.npy", mmap_mode=mode)
    if mode != "r":
        M[5] = 1.0
    release(M)
    release(np.zeros(3))
    assert M[5, 0] == (mode != "r") and M.sum() == 10 * (mode != "r")


BAD = {
    "generator": (lambda X: (x for x in [X]), TypeError, "generator is exhausted after the first. Pass a function"),
    "frame": (lambda X: X, TypeError, "this DataFrame is one table of rows. Pass it to fit, or a list"),
    "array": (lambda X: X.to_numpy(), TypeError, "this ndarray is one table of rows"),
    "number": (lambda X: 5, TypeError, "iterable of chunks, got int. Pass one of these"),
    "dict": (lambda X: {"a": X}, TypeError, "iterable of chunks, got dict"),
    "no path": (lambda X: "nowhere.parquet", FileNotFoundError, "no file or folder 'nowhere.parquet'. Pass a path"),
    "no Parquet": (lambda X: __file__, ValueError, "must lead to Parquet files with one schema, but pyarrow says"),
    "arguments": (
        lambda X: lambda n: [X],
        TypeError,
        "without arguments, but .* says: missing a required argument: 'n'",
    ),
    "no chunks": (lambda X: lambda: 5, TypeError, "must return an iterable of chunks, got int. Return a list"),
}


@pytest.mark.parametrize(("source", "error", "message"), BAD.values(), ids=BAD)
def test_what_is_no_stream_gets_a_sentence(mixed, source, error, message):
    with pytest.raises(error, match=message):
        list(Chunks.of(source(mixed)).read())


def test_a_reader_of_csv_is_exhausted(mixed, tmp_path):
    mixed.to_csv(tmp_path / "a.csv")
    with pytest.raises(TypeError, match=r"TextFileReader is exhausted.*lambda: pandas.read_csv"):
        Chunks.of(pd.read_csv(tmp_path / "a.csv", chunksize=20))
    chunks = Chunks.of(lambda: pd.read_csv(tmp_path / "a.csv", chunksize=20))
    assert lengths(chunks) == lengths(chunks) == [(0, 20)] * 3


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError("No module named 'pyarrow'")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"read through pyarrow.*pip install skvae\[parquet\]"):
        Chunks.of(str(tmp_path))


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("rows.csv", r"Call fit_chunks\(lambda: pandas\.read_csv\('rows\.csv', chunksize=100_000\)\)\."),
        ("rows.tsv.gz", r"pandas\.read_csv\('rows\.tsv\.gz'"),
        (["a.parquet", "b.xlsx"], r"'b\.xlsx' is none\. Call fit\(pandas\.read_excel\('b\.xlsx'\)\)\."),
        (Path("rows.npy"), r"Call fit\(numpy\.load\('rows\.npy'\)\)\."),
    ],
)
def test_a_file_of_another_kind_names_what_reads_it(path, remedy, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # which it does not come to
    with pytest.raises(ValueError, match=remedy):
        Chunks.of(path)


def test_a_reader_is_found_by_the_suffix(tmp_path):
    (tmp_path / "parts.csv").mkdir()  # a folder of Parquet files may have any name
    assert python_reader_of("a.CSV.gz") == "pandas.read_csv"
    assert [python_reader_of(path) for path in ("a.parquet", "a", tmp_path / "parts.csv", 3)] == [None] * 4


def test_an_empty_name_of_a_file_gets_a_sentence():
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match=r"must lead to Parquet files.*Convert"):
        Chunks.of("")
