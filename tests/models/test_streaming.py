import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from skvae.estimators import fits
from skvae.models import streaming
from skvae.tables import Table
from tests.models.planes import model, near_a_plane, parts_of
from tests.tables.bills import bills


@pytest.fixture
def outgrows(monkeypatch):
    """No more than 2,000 cells fit into memory."""
    for module in (streaming, fits):
        monkeypatch.setattr(module, "IN_MEMORY", 2_000)
    monkeypatch.setattr(streaming, "SAMPLE_ROWS", 300)


@pytest.fixture(scope="module")
def line():
    return near_a_plane()


def mapped(X, folder):
    np.save(folder / "rows.npy", X)
    return np.load(folder / "rows.npy", mmap_mode="r")


@pytest.mark.parametrize("name", ["array", "frame"])
def test_a_stream_that_fits_into_memory_is_one_table(mixed, iris, name):
    X = {"array": iris, "frame": mixed}[name]
    streamed, whole = model().fit_chunks(parts_of(X, 20)), model().fit(X)
    assert_array_equal(streamed.transform(X), whole.transform(X))
    assert_array_equal(streamed.score_samples(X), whole.score_samples(X))


def test_a_stream_scores_as_its_rows_in_memory(outgrows, line):
    streamed, whole = model().fit_chunks(parts_of(line)), model().fit(line)
    assert_allclose(streamed.table_.loc, whole.table_.loc)
    assert_allclose(streamed.table_.scale, whole.table_.scale)
    assert streamed.score(line) == pytest.approx(whole.score(line), abs=0.05)
    assert streamed.score(line) > PCA(2).fit(line).score(line) - 0.05
    assert streamed.n_features_in_ == 5
    again = model().fit_chunks(lambda: iter(parts_of(line)))  # another source, which is read in order
    assert again.score(line) == pytest.approx(whole.score(line), abs=0.05)


def test_the_same_stream_gives_the_same_model(outgrows, line):
    first, second = (model().fit_chunks(parts_of(line)) for _ in range(2))
    assert_array_equal(first.transform(line), second.transform(line))


def test_a_mixed_stream_from_parquet(outgrows, large_mixed, tmp_path):
    pytest.importorskip("pyarrow")
    X = large_mixed.reset_index(drop=True)
    X.to_parquet(tmp_path / "rows.parquet", row_group_size=400)
    vae = model(decoder="factorized").fit_chunks(tmp_path / "rows.parquet")
    whole = Table.fit(X)
    assert [column.name for column in vae.table_.columns] == list(X)
    assert vae.table_.columns[6].levels.tolist() == whole.columns[6].levels.tolist()
    assert_allclose(vae.table_.loc, whole.loc)
    rows = vae.sample(50, random_state=0)
    assert list(rows) == list(X) and set(rows["kind"]) <= {"large", "small"}
    assert np.isfinite(vae.score(pd.read_parquet(tmp_path / "rows.parquet")))


def test_copies_are_those_of_the_sample(outgrows):
    vae = model().fit_chunks(parts_of(bills(1500)))
    assert [(copy.column, copy.reference) for copy in vae.table_.copies] == [(2, 1)]


def test_a_given_table_is_kept(outgrows, large_mixed):
    X = large_mixed.reset_index(drop=True)
    table = Table.fit(X[:700])
    vae = model(decoder="factorized").fit(X[["size", "kind"]]).fit_chunks(parts_of(X), table=table)
    assert vae.table_ is table
    assert vae.feature_names_in_.tolist() == list(X)
    with pytest.raises(
        ValueError, match="Chunk 1: X must have the columns of the given table, but has 2 where the table has 14"
    ):
        vae.fit_chunks([X[["size", "kind"]]], table=table)
    with pytest.raises(ValueError, match="but has 4 where the table has 5"):
        vae.fit_chunks([np.zeros((400, 4))], table=Table.fit(np.random.default_rng(0).normal(size=(100, 5))))


def test_held_out_rows_may_be_given(outgrows, line):
    vae = model(early_stopping=True).fit_chunks(parts_of(line[:1000]), X_val=line[1000:])
    assert vae.history_["validation_elbo"][vae.best_iter_] == pytest.approx(vae.score(line[1000:]), abs=0.05)


class TestMemoryMap:
    def test_it_is_fitted_block_by_block(self, outgrows, line, tmp_path, monkeypatch):
        X = mapped(line, tmp_path)
        before = X.copy()
        monkeypatch.setattr("skvae.tables.chunks.BLOCK_CELLS", 500)
        vae = model().fit(X)
        assert vae.score(line) == pytest.approx(model().fit_chunks(parts_of(line)).score(line), abs=0.05)
        assert_array_equal(X, before)

    def test_results_are_those_of_an_array(self, line, tmp_path, monkeypatch):
        X, vae = mapped(line, tmp_path), model().fit(line)
        monkeypatch.setattr("skvae.models.passes.CHUNK", 512 * 100)
        for method in ("transform", "score_samples", "reconstruct", "log_likelihood"):
            assert_array_equal(getattr(vae, method)(X), getattr(vae, method)(line))

    def test_rows_of_no_weight_are_not_there(self, outgrows, line, tmp_path):
        X = line.copy()
        X[::4] = 1e6
        weights = np.where(np.arange(len(X)) % 4, 2.0, 0.0)
        vae = model().fit(mapped(X, tmp_path), sample_weight=weights)
        assert_allclose(vae.table_.loc, X[weights > 0].mean(axis=0))
        assert vae.score(line) == pytest.approx(model().fit(line).score(line), abs=0.1)

    def test_gaps_and_infinities_are_found(self, outgrows, line, tmp_path):
        X = line.copy()
        X[::3, 1] = np.nan
        assert np.isfinite(model().fit(mapped(X, tmp_path)).score(X))
        X[900, 2] = np.inf
        vae = model()
        with pytest.raises(ValueError, match="inf"):
            vae.fit(mapped(X, tmp_path))
        assert not hasattr(vae, "vae_")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :3], r"Chunk 3: All chunks must have the columns of the first, but .* \[3, 4\] are absent"),
        (lambda X: np.where(X > 2, np.inf, X), "Chunk 3: .*inf"),
    ],
    ids=["columns", "infinite"],
)
def test_a_bad_chunk_is_named_and_the_model_stays(outgrows, line, change, message):
    parts = parts_of(line)
    parts[2] = change(parts[2])
    vae = model().fit(line[:200])
    expected = vae.transform(line)
    with pytest.raises(ValueError, match=message):
        vae.fit_chunks(parts)
    assert_array_equal(vae.transform(line), expected)


def test_a_column_without_values_gets_a_sentence(outgrows, line):
    X = line.copy()
    X[:, 0] = np.nan
    with pytest.raises(ValueError, match=r"all cells of column 0 are missing\. Drop the column"):
        model().fit_chunks(parts_of(X))


@pytest.mark.parametrize("is_large", [False, True])
def test_a_column_of_gaps_in_a_later_chunk_is_of_the_dtype_of_the_first(is_large, request, large_mixed):
    if is_large:
        request.getfixturevalue("outgrows")
    no_gaps = [
        name for name, dtype in large_mixed.dtypes.items() if isinstance(dtype, np.dtype) and dtype.kind in "biu"
    ]
    named = large_mixed.dtypes.drop(no_gaps)
    first, second, third = large_mixed[:200], large_mixed[200:300], large_mixed[300:400]
    as_read = second.assign(**dict.fromkeys(named.index, np.nan))  # as pandas.read_csv has a column without a cell
    as_typed = second.assign(**{name: pd.Series([None] * 100, second.index, dtype) for name, dtype in named.items()})
    one, other = (model().fit_chunks([first, chunk, third]) for chunk in (as_read, as_typed))
    assert_array_equal(one.transform(large_mixed), other.transform(large_mixed))
