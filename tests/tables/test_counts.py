import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import moment, skew

from skvae.tables import counts
from skvae.tables.counts import Categories, Counts, Moments


@pytest.mark.parametrize("n_chunks", [1, 7, 300])
@pytest.mark.parametrize("share_missing", [0.0, 0.3])
def test_moments_of_chunks_are_those_of_all_rows(n_chunks, share_missing):
    rng = np.random.default_rng(0)
    x = 1e4 + rng.lognormal(size=(300, 3))
    x[rng.random(x.shape) < share_missing] = np.nan
    moments = Moments(3)
    for chunk in np.array_split(x, n_chunks):
        moments.add(chunk)
    third = moment(x, 3, axis=0, nan_policy="omit")
    assert_array_equal(moments.n, (~np.isnan(x)).sum(axis=0))
    assert_allclose(moments.mean, np.nanmean(x, axis=0), rtol=1e-13)
    assert_allclose(moments.std, np.nanstd(x, axis=0), rtol=1e-10)
    assert_allclose(moments.third / moments.n, third, rtol=1e-7)
    assert_array_equal([moments.lower, moments.upper], [np.nanmin(x, axis=0), np.nanmax(x, axis=0)])


def test_a_column_may_be_empty_in_a_chunk():
    moments = Moments(1)
    for chunk in ([[np.nan]], [[2.0]], [[np.nan]], [[4.0]]):
        moments.add(np.array(chunk))
    assert (moments.n, moments.mean, moments.std) == (2, 3, 1)


def test_counts_are_exact_where_values_recur():
    rng = np.random.default_rng(0)
    x = rng.poisson(5, 1000) / 4
    known = Counts()
    for chunk in np.array_split(x, 13):
        known.add(chunk)
    values, n = np.unique(x, return_counts=True)
    assert_array_equal(known.values, values)
    assert_array_equal(known.counts, n)
    assert known.decimals == 2


def test_counts_of_too_many_values_keep_quantiles_ends_and_atoms(monkeypatch):
    monkeypatch.setattr(counts, "MAX_DISTINCT", 2000)
    monkeypatch.setattr(counts, "EXACT_SHARE", 0.01)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(40_000)
    x[::10] = 0.5  # an atom
    known = Counts()
    for chunk in np.array_split(x, 50):
        known.add(chunk)
    assert len(known.values) <= 2000
    assert known.counts.sum() == len(x)
    assert (np.diff(known.values) > 0).all()
    assert_array_equal(known.values[[0, -1]], [x.min(), x.max()])
    assert known.counts[known.values == 0.5] == 4000
    shares = known.counts.cumsum() / len(x)
    exact = np.searchsorted(np.sort(x), known.values, side="right") / len(x)
    assert np.abs(shares - exact).max() < 5e-3  # a place holds 1e-3 of the rows, joined again and again


def test_decimals_of_values_that_were_joined_are_remembered(monkeypatch):
    monkeypatch.setattr(counts, "MAX_DISTINCT", 10)
    known = Counts()
    known.add(np.array([0.123]))
    for first in range(0, 100, 10):
        known.add(np.arange(first, first + 10.0))
    assert known.decimals == 3


def test_categories_are_counted_in_the_order_of_appearance():
    known = Categories("color")
    known.add(pd.Series(["red", None, "blue", "red"], dtype=object))
    known.add(pd.Series(["green", "red"], dtype=object))
    assert list(known.counts.items()) == [("red", 3), ("blue", 1), ("green", 1)]


def test_too_many_categories_get_a_sentence(monkeypatch):
    monkeypatch.setattr(counts, "MAX_CATEGORIES", 3)
    with pytest.raises(ValueError, match=r"may hold 3 different ones.*'id' holds more, as an identifier.*Drop it"):
        known = Categories("id")
        known.add(pd.Series(list("ab")))
        known.add(pd.Series(list("cd")))


def test_one_chunk_is_in_memory_and_may_hold_any_number_of_categories(monkeypatch):
    monkeypatch.setattr(counts, "MAX_CATEGORIES", 3)
    known = Categories("id")
    known.add(pd.Series(list("abcda")))
    assert known.counts == {"a": 2, "b": 1, "c": 1, "d": 1}


def test_one_chunk_is_in_memory_and_counted_exactly(monkeypatch):
    monkeypatch.setattr(counts, "MAX_DISTINCT", 100)
    x = np.random.default_rng(0).standard_normal(1000)
    known = Counts()
    known.add(x)
    assert_array_equal(known.values, np.sort(x))
    assert_array_equal(known.counts, np.ones(1000))
    monkeypatch.setattr(counts, "EXACT_SHARE", 0.01)
    known.add(x + 1)
    assert len(known.values) <= 100 and known.counts.sum() == 2000


@pytest.mark.parametrize("size", [1e-120, 1.0, 1e120])
@pytest.mark.parametrize("n_chunks", [1, 5])
def test_the_longer_tail_is_known_where_its_cube_is_no_float(n_chunks, size):
    x = np.random.default_rng(0).gamma(1.0, size=(200, 1)) * [size, -size]
    moments = Moments(2)
    for chunk in np.array_split(x, n_chunks):
        moments.add(chunk)
    assert_array_equal(np.sign(moments.tail), [1, -1])
    assert_allclose(moments.tail / moments.n * (moments.size / moments.std) ** 3, skew(x / size, axis=0), rtol=1e-7)


def test_the_tail_survives_a_change_of_size():
    moments = Moments(1)
    for chunk in ([0.0, 0.0, 1e-120], [-1e120, 0.0, 0.0], [0.0, 0.0, 0.0]):
        moments.add(np.array(chunk)[:, None])
    assert moments.tail < 0
    assert moments.std > 1e119


def test_what_is_no_category_gets_a_sentence():
    with pytest.raises(TypeError, match=r"'id' holds values that cannot be categories.*Convert them to strings"):
        Categories("id").add(pd.Series([["a"], ["b"]]))


@pytest.mark.parametrize("value", [1e30, 0.1, -7e17, 1e308])
@pytest.mark.parametrize("n_chunks", [1, 3])
def test_the_mean_of_a_constant_is_the_constant(value, n_chunks):
    moments = Moments(2)
    for chunk in np.array_split(
        np.column_stack([np.full(20, value), np.where(np.arange(20) % 3, value, np.nan)]), n_chunks
    ):
        moments.add(chunk)
    assert_array_equal(moments.mean, value)
    assert_array_equal(moments.std, 0)
