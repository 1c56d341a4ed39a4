import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA

from skvae import VAETransformer
from skvae.estimators import streaming, transformer
from skvae.tables import Table


@pytest.fixture
def outgrows(monkeypatch):
    """No more than 2,000 cells fit into memory."""
    for module in (streaming, transformer):
        monkeypatch.setattr(module, "IN_MEMORY", 2_000)
    monkeypatch.setattr(streaming, "SAMPLE_ROWS", 300)


@pytest.fixture(scope="module")
def line():
    """Rows near a plane."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(1200, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(1200, 5))


def model(**options):
    return VAETransformer(2, hidden_layer_sizes=(16,), max_iter=4, device="cpu", random_state=0).set_params(**options)


def parts_of(X, size=250):
    return [X[first : first + size] for first in range(0, len(X), size)]


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
    vae = model().fit_chunks(tmp_path / "rows.parquet")
    whole = Table.fit(X)
    assert [column.name for column in vae.table_.columns] == list(X)
    assert vae.table_.columns[6].levels.tolist() == whole.columns[6].levels.tolist()
    assert_allclose(vae.table_.loc, whole.loc)
    rows = vae.sample(50, random_state=0)
    assert list(rows) == list(X) and set(rows["kind"]) <= {"large", "small"}
    assert np.isfinite(vae.score(pd.read_parquet(tmp_path / "rows.parquet")))


def test_a_given_table_is_kept(outgrows, large_mixed):
    X = large_mixed.reset_index(drop=True)
    table = Table.fit(X[:700])
    vae = model().fit(X[["size", "kind"]]).fit_chunks(parts_of(X), table=table)
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
        monkeypatch.setattr("skvae.estimators.transformer.CHUNK", 512 * 100)
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
    with pytest.raises(ValueError, match=r"all 1200 cells of column 0 are missing\. Drop the column"):
        model().fit_chunks(parts_of(X))


class TestPartialFit:
    def test_chunks_teach(self, line):
        vae = model(learning_rate=1e-2)
        scores = [vae.partial_fit(part).score(line) for _ in range(4) for part in parts_of(line, 400)]
        assert scores[-1] > scores[0]
        assert scores[-1] == pytest.approx(model(max_iter=30).fit(line).score(line), abs=0.25)
        assert vae.n_iter_ == 12 == len(vae.history_["elbo"]) - 1

    def test_a_pickle_between_chunks_changes_nothing(self, line):
        first, second = parts_of(line, 600)
        straight = model().partial_fit(first).partial_fit(second)
        rested = pickle.loads(pickle.dumps(model().partial_fit(first))).partial_fit(second)
        assert_array_equal(straight.transform(line), rested.transform(line))

    def test_it_goes_on_from_fit(self, line):
        vae = model(max_iter=40).fit(line)
        before = vae.score(line)
        assert vae.partial_fit(line).score(line) == pytest.approx(before, abs=0.1)

    def test_fit_starts_anew(self, line):
        vae = model().partial_fit(line[:600]).fit(line)
        assert_array_equal(vae.transform(line), model().fit(line).transform(line))

    def test_the_first_chunk_fixes_the_columns(self, mixed):
        vae = model().partial_fit(mixed)
        strange = mixed.assign(kind="gigantic")
        with pytest.warns(UserWarning, match="kind"):
            vae.partial_fit(strange)
        assert set(vae.sample(50)["kind"]) <= {"large", "small"}
        with pytest.raises(ValueError, match="first call fixes the columns"):
            vae.partial_fit(mixed, table=Table.fit(mixed))

    def test_a_chunk_may_be_one_row_once_the_columns_are_known(self, mixed):
        vae = model().partial_fit(mixed[:1], table=Table.fit(mixed))
        assert vae.partial_fit(mixed[1:2]).transform(mixed).shape == (60, 2)

    def test_another_model_is_refused(self, line):
        vae = model().partial_fit(line).set_params(n_components=3)
        with pytest.raises(ValueError, match="n_components was 2, but it is 3"):
            vae.partial_fit(line)

    def test_weights_count(self, line):
        heavy = np.where(line[:, 0] > 0, 5.0, 0.2)
        vae = model(max_iter=1, learning_rate=1e-2)
        weighted, plain = clone(vae), clone(vae)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(10):
                weighted.partial_fit(line, sample_weight=heavy)
                plain.partial_fit(line)
        right = line[:, 0] > 0
        gain = weighted.score_samples(line) - plain.score_samples(line)
        assert gain[right].mean() > gain[~right].mean()
