"""Fits in one go, further, and a chunk at a time."""

import pickle
import sys
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skvae import VAETransformer
from skvae.tables import Table
from tests.models.planes import model, near_a_plane, parts_of
from tests.tables.bills import bills


@pytest.fixture(scope="module")
def line():
    return near_a_plane()


@pytest.mark.parametrize("early_stopping", [True, False])
def test_ten_calls_lead_from_fit_to_the_first_bound(early_stopping, iris, monkeypatch):
    """A reader who follows a fit by hand opens so many functions, and no more."""
    paths = []

    def elbo(*_, **__):
        frame, names = sys._getframe(1), []
        while frame.f_code.co_name != "test_ten_calls_lead_from_fit_to_the_first_bound":
            if "skvae" in frame.f_globals["__name__"]:
                names.append(frame.f_code.co_name)
            frame = frame.f_back
        paths.append(["elbo", *names][::-1])
        raise KeyError("seen")

    monkeypatch.setattr("skvae.training.objective.elbo", elbo)
    with pytest.raises(KeyError, match="seen"):
        model(early_stopping=early_stopping).fit(iris)
    last = ["__call__", "judged"] if early_stopping else ["_pass", "step"]
    assert paths == [["fit", "_train", "fit", "vae", "fit_vae", "train", "run", *last, "elbo"]]


def test_warm_start_continues(tiny, iris):
    settings = tiny | {"early_stopping": False, "max_iter": 5, "init": "random", "learning_rate": 0.01}
    vae = VAETransformer(warm_start=True, **settings).fit(iris)
    first, table = vae.score(iris), vae.table_
    for _ in range(5):
        vae.fit(iris)
    assert vae.score(iris) > first + 0.1
    assert vae.table_ is table
    cold = VAETransformer(**settings).fit(iris)
    assert cold.fit(iris).score(iris) == first


def test_warm_start_continues_after_pickle_and_mapping(tiny, iris, tmp_path):
    vae = VAETransformer(warm_start=True, **tiny).fit(iris)
    joblib.dump(vae, tmp_path / "vae.joblib")
    again = joblib.load(tmp_path / "vae.joblib", mmap_mode="r").fit(iris)
    assert_array_equal(again.transform(iris), vae.fit(iris).transform(iris))


def test_warm_start_keeps_the_columns_of_the_first_fit(tiny, mixed):
    vae = VAETransformer(warm_start=True, decoder="factorized", **tiny).fit(mixed)
    with pytest.warns(UserWarning, match="'Paris', which was not seen at fit"):
        vae.fit(mixed.assign(kind=["Paris"] * 3 + list(mixed["kind"][3:])))
    assert "Paris" not in set(vae.sample(200)["kind"])


def test_warm_start_refuses_another_width(tiny, iris):
    vae = VAETransformer(warm_start=True, **tiny).fit(iris)
    before = vae.transform(iris)
    with pytest.raises(ValueError, match=r"n_components was 2, but it is 3 now.*warm_start=False"):
        vae.set_params(n_components=3).fit(iris)
    assert_array_equal(vae.transform(iris), before)


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


@pytest.fixture(scope="module", params=["fit", "partial_fit"])
def of_ones(request, line):
    """A method that trains, and what it makes of weights of 1."""
    return request.param, getattr(model(), request.param)(line, sample_weight=np.ones(len(line)))


@pytest.mark.parametrize("weight", [1e-300, 1e-46, 0.1, 1e39, 1e300])
def test_equal_weights_of_any_size_are_as_ones(weight, of_ones, line):
    method, ones = of_ones
    equal = getattr(model(), method)(line, sample_weight=np.full(len(line), weight))
    if method == "fit":
        assert_array_equal(equal.transform(line), ones.transform(line))
    assert equal.score(line) == pytest.approx(ones.score(line), rel=1e-6)


def test_weights_of_one_are_as_none(line):
    weighted = model().fit(line, sample_weight=np.ones(len(line)))
    assert_array_equal(weighted.transform(line), model().fit(line).transform(line))


@pytest.mark.parametrize("factor", [1e-46, 1e39])
def test_weights_count_in_proportion(factor, line):
    weights = np.linspace(1, 2, len(line))
    one, other = (model().fit(line, sample_weight=scale * weights) for scale in (1, factor))
    assert other.score(line) == pytest.approx(one.score(line), rel=1e-4)


# -- identifiers -----------------------------------------------------------------------------------------------------


def test_copies_are_looked_for_where_a_chain_will_draw_them(monkeypatch):
    X, few = bills(1000), {"max_iter": 1, "random_state": 0}
    alone = VAETransformer(1, decoder="factorized", **few).fit(X)
    assert alone.table_.copies == ()
    copies = VAETransformer(1, **few).fit(X).table_.copies
    assert [(copy.column, copy.reference) for copy in copies] == [(2, 1)]
    begun = VAETransformer(1, random_state=0).partial_fit(X[:300], table=alone.table_)
    assert len(begun.table_.copies) == 1
    known = begun.table_
    assert begun.partial_fit(X[300:]).table_ is known
    monkeypatch.setattr("skvae.models.streaming.IN_MEMORY", 900)  # columns are learned from a third of it
    streamed = VAETransformer(1, **few).fit_chunks([X[:500], X[500:]])
    assert len(streamed.table_.copies) == 1


def test_identifiers_of_a_stream_are_those_of_a_chunk(tiny, named_rows, monkeypatch):
    monkeypatch.setattr("skvae.models.streaming.IN_MEMORY", 300)
    vae = VAETransformer(**tiny).fit_chunks([named_rows[:100], named_rows[100:]])
    assert list(vae.table_.identifiers) == [0, 2, 4]
    rows = vae.sample(1000)
    assert not rows["email"].isin(named_rows["email"]).any() and rows["id"].min() == len(named_rows) + 1


def test_identifiers_are_decided_by_the_first_call_of_partial_fit(tiny, named_rows):
    vae = VAETransformer(**tiny).partial_fit(named_rows[:100]).partial_fit(named_rows[100:])
    assert list(vae.table_.identifiers) == [0, 2, 4]
    assert vae.sample(3)["id"].tolist() == [101, 102, 103]


def test_a_warm_start_keeps_the_identifiers(tiny, named_rows):
    vae = VAETransformer(**tiny, warm_start=True).fit(named_rows)
    before = vae.table_.identifiers
    assert vae.fit(named_rows.assign(id=1)).table_.identifiers is before
