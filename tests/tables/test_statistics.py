import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae.likelihoods import Categorical, Gaussian, Poisson, StudentT
from skvae.tables.statistics import Statistics, bulk, by_family, check_support, scales, signed, sizes


def test_columns_of_a_family_are_found_in_their_order():
    families = [Gaussian(), Poisson(), Gaussian(), Gaussian("column")]
    assert by_family(families) == {Gaussian(): [0, 2], Poisson(): [1], Gaussian("column"): [3]}
    assert by_family(families, among=[1, 2]) == {Poisson(): [1], Gaussian(): [2]}


def test_sizes_are_as_families_wish():
    families = [Gaussian(), Gaussian(), StudentT(), Categorical(), Gaussian("column")]
    mean, std = np.array([1.0, 1.0, 1.0, 1.0, 1e20]), np.array([2.0, 3.0, 4.0, 5.0, 1e3])
    assert_array_equal(sizes(mean, std, families), [3, 3, 4, 5, 0])  # the last is constant but for rounding
    assert_array_equal(scales(mean, std, "abcde", families), [3, 3, 4, 1, 1])
    loc, scale = signed(mean, np.array([3.0, 3.0, 4.0, 1.0, 1.0]), np.array([-1, 1, -1, -1, 0]), families)
    assert_array_equal(loc, [1, 1, 1, 0, 1e20])
    assert_array_equal(scale, [-3, 3, -4, 1, 1])


def test_a_variance_that_overflows_gets_a_sentence():
    with pytest.raises(ValueError, match=r"that of column 'b' overflows. Divide the column by a large constant"):
        scales(np.zeros(2), np.array([1.0, np.inf]), "ab", [Gaussian(), Gaussian()])


def test_what_is_known_of_rows():
    X = pd.DataFrame(
        {"n": [0.0, 1.0, np.nan, 5.0], "k": ["a", "b", "a", None], "t": pd.to_datetime([0, 2, 4, 10], unit="D")}
    )
    statistics = Statistics(X, {"t": "gaussian", "n": "poisson"}, add_indicator=True)
    cells = statistics.read(X)
    assert_array_equal(cells, [[0, 0, 0], [1, 0, 1], [np.nan, 0, 2], [5, np.nan, 5]])
    assert (statistics.n_rows, statistics.gaps) == (4, [True, True, False])
    n, k, t = statistics.columns()
    assert (n.loc, n.scale, n.lower, n.upper, n.has_gaps, n.is_indicated) == (0, 1, 0, 5, True, True)
    assert (k.codec.levels.tolist(), k.lower, k.upper) == (["a", "b"], 0, 1)
    assert (t.loc, t.lower, t.upper, t.has_gaps) == (2, 0, 5, False)
    assert_allclose(t.scale, np.std([0, 1, 2, 5]))


def test_of_times_only_the_first_rows_are_known_in_steps():
    statistics = Statistics(pd.DataFrame({"t": pd.to_datetime([0, 4], unit="D")}), {"t": "bernoulli"})
    X = pd.DataFrame({"t": pd.to_datetime([0, 4, 4], unit="D")})
    statistics.check_support(statistics.read(X), X)
    X = pd.DataFrame({"t": pd.to_datetime([2, -4], unit="D")})
    later = statistics.read(X)
    assert_array_equal(later[:, 0], [0.5, -1])
    statistics.check_support(later, X)  # in other units than the codec's by now
    (t,) = statistics.columns()
    assert (t.codec.step, t.lower, t.upper) == (t.codec.decode(np.arange(2.0))[1:].view("i8")[0] - t.codec.origin, 0, 4)


def test_the_first_cell_at_fault_is_named():
    cells = np.array([[0.0, 1.0, 2.0], [np.nan, -1.0, 0.5]])
    X = pd.DataFrame(cells, columns=list("abc"))
    families = [Poisson(), Gaussian(), Poisson()]
    with pytest.raises(ValueError, match=r"'c' uses the 'poisson'.*, which needs non-negative.*row 1 holds 0.5"):
        check_support(cells, X, families)
    check_support(cells, X, families, among=[0, 1])


def test_an_empty_column_is_named_before_a_cell_outside_its_support():
    X = pd.DataFrame({"n": [-1.0, 2.0], "empty": [np.nan, np.nan]})
    statistics = Statistics(X, {"n": "poisson"})
    cells = statistics.read(X)
    with pytest.raises(ValueError, match=r"all cells of column 'empty' are missing"):
        statistics.check_observed()
    with pytest.raises(ValueError, match=r"row 0 holds -1"):
        statistics.check_support(cells, X)


def learned_of(X, family):
    statistics = Statistics(X, family)
    statistics.read(X)
    return statistics


def with_sentinel(n_rows=1000, value=999_999.0):
    """Whole numbers from 0 to 99, and two cells that are none of them."""
    X = np.column_stack([np.arange(n_rows) % 100, np.arange(n_rows)]).astype(float)
    X[[3, 700], 0] = value
    return X


@pytest.mark.parametrize("family", ["student_t", "discretized_logistic"])
def test_a_sentinel_does_not_set_the_unit_of_a_robust_family(family):
    X = with_sentinel()
    first, second = learned_of(X, family).columns()
    assert (first.loc, first.scale) == pytest.approx((50, 50 / 1.349), rel=0.02)
    assert (second.loc, second.scale) == pytest.approx((499.5, X[:, 1].std()), rel=1e-12)
    assert (first.lower, first.upper) == (0, 999_999)


@pytest.mark.parametrize("family", ["gaussian", Gaussian("column")])
def test_a_standard_deviation_is_the_unit_of_a_gaussian(family):
    X = with_sentinel()
    scales = [column.scale for column in learned_of(X, family).columns()]
    expected = X.std(axis=0)
    assert scales == pytest.approx(expected if family != "gaussian" else [expected.max()] * 2)


@pytest.mark.parametrize("sizes", [[1000], [1, 4, 995], [500, 500]])
def test_the_bulk_is_found_in_chunks(sizes):
    X = with_sentinel()
    statistics = Statistics(X, "student_t")
    for chunk in np.split(X, np.cumsum(sizes)[:-1]):
        statistics.read(chunk)
    for streamed, at_once in zip(statistics.columns(), learned_of(X, "student_t").columns(), strict=True):
        assert (streamed.loc, abs(streamed.scale)) == pytest.approx((at_once.loc, abs(at_once.scale)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("value", "is_bulk"), [(1e12, True), (1e15, False), (1e100, False)])
def test_a_sentinel_that_training_cannot_square_sets_the_unit(value, is_bulk):
    (first, _) = learned_of(with_sentinel(value=value), "student_t").columns()
    assert first.scale == pytest.approx(50 / 1.349 if is_bulk else with_sentinel(value=value)[:, 0].std(), rel=0.02)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], (0, 0)),
        ([7.0], (7, 0)),
        ([0.0] * 80 + [1.0] * 20, (0, 1 / 3.29)),
        (np.random.default_rng(0).normal(3, 2, 100_000), (3, 2)),
    ],
)
def test_the_bulk_of_cells(cells, expected):
    assert bulk(np.array(cells)) == pytest.approx(expected, abs=0.02)
