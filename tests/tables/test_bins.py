"""Levels reproduce every training value, and their density is one that integrates to one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skvae.likelihoods.categorical import POSITION_MAX
from skvae.tables.bins import ATOM_ROWS, MAX_KNOTS, Bins, mean_of_draws

N_BINS = 100  # by default

RNG = np.random.default_rng(0)
FLOATS = st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 1e-15)
VALUES = st.one_of(
    st.lists(FLOATS, min_size=1, max_size=40),
    st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.25]), min_size=1, max_size=300),
    st.lists(st.decimals(-100, 100, places=2), min_size=1, max_size=60),
).map(lambda values: np.array(values, dtype=float))
TRAINING = {
    "continuous": RNG.normal(size=2000) * 30,
    "heavy tails": RNG.standard_t(1.2, size=2000),
    "two peaks": np.concatenate([RNG.normal(-9, 0.01, 700), RNG.normal(4, 2, 900)]),
    "zero-inflated": np.concatenate([np.zeros(900), RNG.lognormal(3, 2, 1100)]),
    "atoms inside": np.concatenate([RNG.uniform(0, 10, 900), np.full(80, 3.0), np.full(60, 7.5), np.full(40, 9.9)]),
    "cents": np.round(RNG.lognormal(3, 1, 2000), 2),
    "whole": RNG.integers(0, 5000, 2000).astype(float),
    "few whole": RNG.integers(0, 20, 2000).astype(float),
    "repeated": np.repeat(RNG.normal(size=400), 5),
    "few rows": RNG.normal(size=8),
    "two values": np.array([3.0, -1.0]),
    "one value": np.array([4.5]),
    "constant": np.full(50, -2.5),
}
TRAINING = {name: RNG.permutation(values) for name, values in TRAINING.items()}


def levels(codes):
    return codes.astype(int)


def is_atom(bins):
    return bins.first < 0


def assert_ordered(bins):
    """Levels follow one another and do not overlap; an atom is a point, a bin is not."""
    begin, end = bins.edges.T
    assert (begin[1:] >= end[:-1]).all()
    assert_array_equal(end == begin, is_atom(bins))
    assert (end[~is_atom(bins)] > begin[~is_atom(bins)]).all()
    assert np.isfinite(bins.log_width).all()
    assert_allclose(bins.log_width[is_atom(bins)], -(bins.decimals or 0) * np.log(10), rtol=1e-12)


# -- there and back ------------------------------------------------------------------------------------------


@given(values=VALUES)
@settings(max_examples=200, deadline=None)
def test_training_values_come_back(values):
    bins = Bins.fit(values)
    back = bins.decode(bins.encode(values))
    assert_allclose(back, values, rtol=1e-9, atol=1e-9 * np.abs(values).max())


@given(values=VALUES)
@settings(max_examples=200, deadline=None)
def test_levels_are_ordered_and_few(values):
    bins = Bins.fit(values)
    assert_ordered(bins)
    assert 1 <= len(bins.edges) <= max(3 * N_BINS, 1)
    codes = bins.encode(values)
    assert (codes >= 0).all()
    assert (levels(codes) < len(bins.edges)).all()
    assert (codes - levels(codes) <= POSITION_MAX + 1e-9).all()


@given(values=VALUES, probes=st.lists(st.floats(-1e17, 1e17), min_size=1, max_size=30).map(np.array))
@settings(max_examples=100, deadline=None)
def test_nothing_outside_the_observed_range_is_produced(values, probes):
    bins = Bins.fit(values)
    back = bins.decode(bins.encode(probes))
    assert (back >= values.min()).all()
    assert (back <= values.max()).all()
    anywhere = bins.decode(np.random.default_rng(0).uniform(0, len(bins.edges), 200))
    assert values.min() <= anywhere.min() <= anywhere.max() <= values.max()


HELD = st.lists(  # a value and the rows that hold it, some of them enough for an atom
    st.tuples(FLOATS, st.sampled_from([1, 1, 1, 2, ATOM_ROWS, ATOM_ROWS + 1, 3 * ATOM_ROWS])), min_size=1, max_size=12
).map(lambda pairs: np.repeat(*map(list, zip(*pairs, strict=True))))


@given(values=HELD)
@example(values=np.repeat([0.0, 1.0, 2.0, 3.0], [11, 1, 11, 1]))
@example(values=np.repeat([0.0, 1e-9, 1.0, 1e9, 2e9], [1, 1, 11, 1, 11]))
@settings(max_examples=300, deadline=None)
def test_atoms_and_single_values_in_any_order_are_levels_and_come_back(values):
    bins = Bins.fit(values)
    assert_ordered(bins)
    codes = bins.encode(values)
    assert_allclose(bins.decode(codes), values, rtol=1e-9, atol=1e-9 * np.abs(values).max())
    assert set(levels(codes)) == set(range(len(bins.edges)))
    begin, end = bins.edges[levels(codes)].T
    assert ((begin <= values) & (values <= end)).all()


@pytest.mark.parametrize("name", TRAINING)
def test_every_level_holds_training_values(name):
    bins = Bins.fit(TRAINING[name])
    assert_ordered(bins)
    assert set(levels(bins.encode(TRAINING[name]))) == set(range(len(bins.edges)))


@pytest.mark.parametrize("name", TRAINING)
def test_codes_keep_the_order_of_values(name):
    bins, probes = Bins.fit(TRAINING[name]), np.linspace(TRAINING[name].min() - 1, TRAINING[name].max() + 1, 3001)
    values = np.sort(np.concatenate([TRAINING[name], probes]))
    if is_atom(bins).all() or not is_atom(bins).any():
        assert (np.diff(bins.encode(values)) >= 0).all()
    assert (np.diff(bins.encode(np.sort(TRAINING[name]))) >= -1e-12).all()


@pytest.mark.parametrize("name", TRAINING)
def test_a_value_lies_in_the_range_of_its_level(name):
    bins, values = Bins.fit(TRAINING[name]), TRAINING[name]
    begin, end = bins.edges[levels(bins.encode(values))].T
    assert (begin <= values).all()
    assert (values <= end).all()


def test_a_single_value_beyond_the_last_atom_lies_in_the_range_of_its_level():
    values = np.concatenate([np.linspace(0, 1, 30), np.full(20, 3.0), [5.0], np.full(20, 7.0), [10.0]])
    bins = Bins.fit(values)
    begin, end = bins.edges[levels(bins.encode(values))].T
    assert (begin <= values).all()
    assert (values <= end).all()
    assert (bins.covers(values) | np.isin(values, bins.edges[is_atom(bins), 0])).all()


# -- atoms ---------------------------------------------------------------------------------------------------


def test_a_value_that_many_rows_hold_is_a_level_of_its_own_and_exact():
    values = TRAINING["atoms inside"]
    bins = Bins.fit(values)
    assert bins.edges[is_atom(bins), 0].tolist() == [3.0, 7.5, 9.9]
    atoms = np.array([3.0, 7.5, 9.9])
    codes = bins.encode(atoms)
    assert_array_equal(codes, np.flatnonzero(is_atom(bins)))  # a position of zero
    for position in (0.0, 0.3, 0.999):
        assert_array_equal(bins.decode(codes + position), atoms)
    neighbours = bins.encode(np.nextafter(atoms, np.inf))
    assert not is_atom(bins)[levels(neighbours)].any()


@pytest.mark.parametrize(("n_rows", "n_equal", "expected"), [(200, ATOM_ROWS, 0), (200, ATOM_ROWS + 1, 1)])
def test_an_atom_needs_rows(n_rows, n_equal, expected):
    values = np.concatenate([np.random.default_rng(1).normal(size=n_rows - n_equal), np.full(n_equal, 0.25)])
    assert is_atom(Bins.fit(values)).sum() == expected


def test_few_distinct_values_are_all_atoms():
    bins = Bins.fit(TRAINING["few whole"])
    assert_array_equal(bins.edges, np.arange(20.0)[:, None].repeat(2, axis=1))
    assert is_atom(bins).all()
    assert_array_equal(bins.encode(np.arange(20.0)), np.arange(20.0))
    assert_array_equal(bins.log_width, np.zeros(20))


def test_between_atoms_a_value_is_the_nearest():
    bins = Bins.fit(np.repeat([0.0, 1.0, 10.0], 30))
    assert bins.encode(np.array([-5.0, 0.4, 0.6, 5.4, 5.6, 99.0])).tolist() == [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    assert not bins.covers(np.array([-5.0, 0.0, 0.4, 1.0, 99.0])).any()  # no bin does


@pytest.mark.parametrize("value", [0.0, -2.5, 1e300, 1e-300])
@pytest.mark.parametrize("n_rows", [1, 2, 500])
def test_a_constant_is_one_atom(value, n_rows):
    bins = Bins.fit(np.full(n_rows, value))
    assert bins.edges.tolist() == [[value, value]]
    assert bins.decode(bins.encode(np.full(3, value))).tolist() == [value] * 3
    assert bins.maximum == value


def test_two_values_are_one_bin_or_two_atoms():
    bins = Bins.fit(np.array([3.0, -1.0]))
    assert is_atom(bins).tolist() == [False]
    assert_allclose(bins.decode(bins.encode(np.array([-1.0, 3.0]))), [-1.0, 3.0])
    assert is_atom(Bins.fit(np.repeat([3.0, -1.0], 40))).tolist() == [True, True]


# -- density -------------------------------------------------------------------------------------------------


def grid_inside(bins, n):
    """The middles of n equal steps of each bin, and their lengths."""
    steps = [np.linspace(begin, end, n + 1) for begin, end in bins.edges[~is_atom(bins)]]
    return np.concatenate([(s[1:] + s[:-1]) / 2 for s in steps]), np.concatenate([np.diff(s) for s in steps])


@pytest.mark.parametrize("name", [name for name in TRAINING if not is_atom(Bins.fit(TRAINING[name])).all()])
def test_density_integrates_to_one(name):
    bins, rng = Bins.fit(TRAINING[name]), np.random.default_rng(2)
    p = rng.dirichlet(np.ones(len(bins.edges)))
    middles, length = grid_inside(bins, 50)
    level = levels(bins.encode(middles))
    density = np.exp(np.log(p) - bins.log_width)[level]
    assert (density * length).sum() + p[is_atom(bins)].sum() == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("name", ["continuous", "heavy tails", "two peaks", "whole"])
def test_shares_over_widths_are_numpys_histogram(name):
    bins, values = Bins.fit(TRAINING[name]), TRAINING[name]
    assert not is_atom(bins).any()
    ends = np.append(bins.edges[:, 0], bins.edges[-1, 1])
    assert_array_equal(ends[1:], bins.edges[:, 1])  # no hole between them
    shares = np.bincount(levels(bins.encode(values)), minlength=len(bins.edges)) / len(values)
    expected, _ = np.histogram(values, ends, density=True)
    assert_allclose(shares * np.exp(-bins.log_width), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["continuous", "heavy tails", "two peaks", "cents"])
def test_bins_are_quantiles(name):
    values = TRAINING[name]
    counts = np.bincount(levels(Bins.fit(values).encode(values)))
    assert len(counts) <= N_BINS
    assert counts.max() <= 2.5 * len(values) / N_BINS


@pytest.mark.parametrize("name", [name for name in TRAINING if len(TRAINING[name]) >= 500])
def test_levels_by_frequency_and_uniform_positions_have_the_empirical_distribution(name):
    bins, values, rng = Bins.fit(TRAINING[name]), TRAINING[name], np.random.default_rng(3)
    level = rng.choice(levels(bins.encode(values)), 20_000)
    draws = bins.decode(level + POSITION_MAX * rng.random(len(level)))
    points = np.unique(values)
    drawn, empirical = (
        np.searchsorted(np.sort(sample), points, side="right") / len(sample) for sample in (draws, values)
    )
    # between neighbours there are values too, where the empirical distribution has none; ties share theirs
    ties = np.unique(values, return_counts=True)[1][~np.isin(points, bins.edges[is_atom(bins), 0])].max(initial=1)
    assert np.abs(drawn - empirical).max() < stats.kstwo.isf(1e-4, len(draws)) + ties / len(values)
    for atom in bins.edges[is_atom(bins), 0]:
        share = np.mean(values == atom)
        assert np.mean(draws == atom) == pytest.approx(share, abs=4.5 * np.sqrt(share / len(draws)))


@pytest.mark.parametrize("a", [2.0, 1e-3, 4096.0])
@pytest.mark.parametrize("name", ["continuous", "zero-inflated", "atoms inside", "repeated"])
def test_a_change_of_units_moves_log_widths_and_nothing_else(name, a):
    one, other = Bins.fit(TRAINING[name]), Bins.fit(a * TRAINING[name])
    assert_array_equal(is_atom(one), is_atom(other))
    assert_allclose(other.edges, a * one.edges, rtol=1e-12)
    moved = np.where(is_atom(one), 0.0, np.log(a))
    assert_allclose(other.log_width, one.log_width + moved, rtol=1e-6, atol=1e-6)
    codes = one.encode(TRAINING[name]), other.encode(a * TRAINING[name])
    assert_allclose(codes[1], codes[0], atol=1e-9)


# -- precision -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decimals", [0, 1, 2, 5])
def test_draws_have_the_decimals_of_the_column(decimals):
    values = np.round(np.random.default_rng(4).lognormal(2, 1, 1000), decimals)
    bins = Bins.fit(values)
    assert bins.decimals == decimals
    draws = bins.decode(np.random.default_rng(5).uniform(0, len(bins.edges), 5000))
    assert_array_equal(draws, np.round(draws, decimals))
    assert len(np.unique(draws)) > 10


def test_without_common_decimals_nothing_is_rounded():
    bins = Bins.fit(TRAINING["continuous"])
    assert bins.decimals is None
    draws = bins.decode(np.random.default_rng(5).uniform(0, len(bins.edges), 5000))
    assert len(np.unique(draws)) == 5000


@given(values=VALUES)
@settings(max_examples=50, deadline=None)
def test_whole_numbers_stay_whole(values):
    values = np.round(values)
    assume(np.abs(values).max() < 2**53)
    bins = Bins.fit(values)
    assert bins.decimals == 0
    draws = bins.decode(np.random.default_rng(0).uniform(0, len(bins.edges), 100))
    assert_array_equal(draws, np.rint(draws))


# -- outside, gaps, many -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAINING)
def test_a_value_outside_counts_as_the_end_it_lies_beyond(name):
    bins, values = Bins.fit(TRAINING[name]), TRAINING[name]
    ends = np.array([values.min(), values.max()])
    beyond = ends + np.array([-1e6, 1e6])
    assert_allclose(bins.decode(bins.encode(beyond)), ends, rtol=1e-9)
    assert not bins.covers(beyond).any()


def test_covers_is_where_a_bin_is():
    bins = Bins.fit(TRAINING["atoms inside"])
    middles, _ = grid_inside(bins, 10)
    assert bins.covers(middles[middles <= bins.maximum]).all()
    outside = np.array([-1.0, 10.5, np.nan])
    assert not bins.covers(outside).any()
    hole = Bins.fit(np.concatenate([np.linspace(0, 1, 100), np.linspace(5, 6, 100), np.full(90, 3.0)]))
    assert hole.covers(np.array([0.5, 2.0, 4.0, 5.5])).tolist() == [True, True, False, True]


@pytest.mark.parametrize("name", TRAINING)
def test_a_range_is_that_of_the_code(name):
    bins, values = Bins.fit(TRAINING[name]), TRAINING[name]
    level = bins.encode(values).astype(int)
    expected = np.where(bins.covers(values) & (bins.first[level] >= 0), level, -1)
    assert_array_equal(bins.range_of(values), expected)
    assert (bins.range_of(values) >= 0).mean() == pytest.approx((bins.first[level] >= 0).mean())
    assert bins.range_of(np.array([np.nan, -1e300, 1e300])).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("name", ["continuous", "atoms inside", "few whole", "one value"])
def test_gaps_stay_gaps(name):
    bins = Bins.fit(TRAINING[name])
    values = np.array([np.nan, TRAINING[name][0], np.nan])
    assert np.isnan(bins.encode(values)).tolist() == [True, False, True]
    assert np.isnan(bins.decode(bins.encode(values))).tolist() == [True, False, True]
    assert np.isnan(bins.decode(np.full(2, np.nan))).all()


@pytest.mark.parametrize("n_rows", [MAX_KNOTS - 1, MAX_KNOTS, MAX_KNOTS + 1, 40_000])
def test_of_many_rows_quantiles_are_kept(n_rows):
    values = np.random.default_rng(6).standard_normal(n_rows)
    bins = Bins.fit(values)
    assert len(bins.knots) == min(n_rows, MAX_KNOTS)
    assert_ordered(bins)
    assert (bins.knots[0], bins.knots[-1]) == (values.min(), values.max())
    ranks = np.searchsorted(np.sort(values), [values, bins.decode(bins.encode(values))])
    assert np.abs(np.diff(ranks, axis=0)).max() <= n_rows / len(bins.knots) + 1
    counts = np.bincount(levels(bins.encode(values)))
    assert counts.max() / counts.min() < 1.2
    level = np.random.default_rng(7).uniform(0, len(bins.edges), 20_000)
    assert stats.ks_2samp(bins.decode(level), values).pvalue > 1e-4


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e9, 1e300])
def test_very_large_and_very_small_numbers(scale):
    values = TRAINING["continuous"] * scale
    bins = Bins.fit(values)
    assert_ordered(bins)
    assert_allclose(bins.decode(bins.encode(values)), values, rtol=1e-6)


def test_numbers_that_are_too_large_to_round_do_not_warn():
    values = np.concatenate([RNG.normal(size=100), [1e299, 1e300, -1e303]])
    with np.errstate(all="raise"):
        bins = Bins.fit(values)
    assert bins.decimals is None
    assert_allclose(np.sort(bins.decode(bins.encode(values))), np.sort(values), rtol=1e-12, atol=1e-9)


def test_positions_survive_float32():
    bins, values = Bins.fit(TRAINING["continuous"]), TRAINING["continuous"]
    codes = bins.encode(values)
    rounded = codes.astype(np.float32).astype(np.float64)
    assert_array_equal(levels(rounded), levels(codes))
    assert np.abs(bins.decode(rounded) - values).max() < 1e-3 * values.std()


def test_means_of_numbers_whose_sum_no_float_holds():
    values = np.linspace(1e307, 1.5e308, 200)
    bins = Bins.fit(values, 10)
    assert np.isfinite(bins.centers).all()
    assert_allclose(bins.centers * 1e-10, Bins.fit(values * 1e-10, 10).centers)
    assert_allclose(mean_of_draws(values[:, None]), values.mean(keepdims=True, where=values > 0, dtype=np.longdouble))
    assert_array_equal(mean_of_draws(np.array([[1.0], [2.0]])), [1.5])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_far_value_that_recurs_is_a_level_and_others_are_not(sign):
    ages = np.repeat(np.arange(100.0), 2)
    codes = np.sort(sign * np.append(ages, [999_999.0] * 2))
    assert (Bins.fit(codes).edges == sign * 999_999).all(axis=1).sum() == 1
    assert not is_atom(Bins.fit(np.sort(sign * np.append(ages, 999_999.0)))).any()  # once: a long tail
    assert not is_atom(Bins.fit(np.sort(sign * np.append(ages, [150.0] * 2)))).any()  # near


@pytest.mark.filterwarnings("error")
def test_narrow_knots_of_a_file_are_read_as_doubles():
    bins = Bins.fit(np.round(np.linspace(0, 900, 50), 1))
    narrow = replace(bins, knots=bins.knots.astype(np.float16))
    assert_allclose(narrow.centers, bins.centers, rtol=1e-3)


def test_draws_between_tenth_values_tell_no_single_one():
    rng = np.random.default_rng(0)
    train, fresh = np.sort(rng.normal(size=(2, 2000)), axis=1)
    bins = Bins.fit(train)
    drawn = np.sort(bins.decode(rng.integers(len(bins.edges), size=2000) + rng.random(2000)))
    distances = [np.abs(values[:, None] - drawn).min(axis=1) for values in (train, fresh)]
    assert abs(np.mean(distances[0] < distances[1].mean()) - np.mean(distances[1] < distances[1].mean())) < 0.05
    assert np.isin(bins.knots, train).mean() < 0.2


def test_values_that_many_rows_hold_stay_as_they_are():
    values = np.repeat(np.arange(300.0) ** 2, 30)
    bins = Bins.fit(values)
    drawn = bins.decode(
        np.repeat(np.arange(len(bins.edges)), 200) + np.tile(np.linspace(0, 0.999, 200), len(bins.edges))
    )
    assert np.isin(drawn, values).mean() > 0.6


def test_nothing_is_drawn_into_wide_gaps():
    values = np.concatenate([RNG.normal(size=200), RNG.normal(size=3) + 1e4, [1e7]])
    bins = Bins.fit(values)
    grid = (np.arange(len(bins.edges))[:, None] + np.linspace(0, 0.999, 500)).ravel()
    drawn = bins.decode(grid)
    assert np.mean((drawn > 5) & (drawn < 9_000)) < 0.01
    assert np.mean((drawn > 2e4) & (drawn < 9e6)) < 0.01


# -- groups of rows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TRAINING)
@pytest.mark.parametrize("least_rows", [2, 5, 40])
def test_so_many_rows_reach_the_ends_and_hold_each_atom(what, least_rows):
    values = np.sort(TRAINING[what])
    distinct, counts = np.unique(values, return_counts=True)
    bins = Bins.from_counts(distinct, counts, None, least_rows=least_rows)
    drawn = bins.decode(RNG.uniform(0, len(bins.edges), 20_000))
    least_rows = min(least_rows, len(values) // 2)
    assert (values <= drawn.min()).sum() >= least_rows <= (values >= drawn.max()).sum()
    atoms = bins.edges[bins.first < 0, 0]
    held = bins.decode(bins.encode(values))
    assert all((held == atom).sum() >= least_rows for atom in atoms)


def test_rare_values_are_those_next_to_them():
    distinct, counts = np.array([0.0, 1, 2, 3, 7, 8, 90]), np.array([50, 30, 1, 40, 2, 20, 1])
    bins = Bins.from_counts(distinct, counts, 0, least_rows=5)
    assert bins.edges[:, 0].tolist() == [0, 1, 3, 8]
    assert bins.decode(bins.encode(distinct)).tolist() == [0, 1, 1, 3, 8, 8, 8]
    assert_allclose(bins.shares, (np.array([50, 31, 40, 23]) + 0.5) / 146)


def test_ends_are_no_atoms():
    values = np.arange(1000.0)
    bins = Bins.from_counts(values, np.ones(1000, dtype=int), 0, least_rows=5)
    assert bins.decode(np.array([0.0, len(bins.edges) - 1e-9])).tolist() == [4, 995]
    assert bins.knots[0] == 4 and (np.diff(bins.knots[:10]) > 0).all()


@pytest.mark.parametrize("values", [[1.0], [1, 2], [1, 2, 3], [0, 0, 0, 5], list(range(9))])
def test_few_values_have_levels_all_the_same(values):
    bins = Bins.from_counts(*np.unique(np.array(values, dtype=float), return_counts=True), 0, least_rows=50)
    codes = bins.encode(np.array(values, dtype=float))
    assert np.isfinite(bins.decode(codes)).all() and np.isfinite(bins.shares).all()


def test_no_protection_changes_nothing():
    distinct, counts = np.unique(TRAINING["zero-inflated"], return_counts=True)
    one, other = Bins.from_counts(distinct, counts, None), Bins.from_counts(distinct, counts, None, least_rows=1)
    for of_one, of_other in zip(vars(one).values(), vars(other).values(), strict=True):
        assert_array_equal(of_one, of_other)
