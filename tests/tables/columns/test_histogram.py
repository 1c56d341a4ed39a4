import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.likelihoods import Histogram
from skvae.tables.columns import HistogramColumn, Support
from tests.tables.columns.values import NUMBER_DTYPES, series

ANY = Support(Histogram(), 0.0, 1.0)


def histogram_of(values):
    survey = HistogramColumn.survey(values.name, values.dtype, Histogram())
    survey.add(values)
    return survey.learned().codec


@pytest.mark.parametrize("dtype", NUMBER_DTYPES)
def test_numbers_come_back_through_their_levels(dtype):
    rng = np.random.default_rng(0)
    values = series(rng.integers(0, 100, 500), dtype)
    column = histogram_of(values)
    codes = column.encode(values)
    assert codes.dtype == np.float64
    decoded = pd.Series(column.decode(codes), name="a")
    pd.testing.assert_series_equal(decoded, values)
    draws = column.decode(rng.uniform(0, len(column.edges), 200))
    assert draws.dtype == values.dtype
    assert set(draws) <= set(range(100))


def test_times_come_back_through_their_levels(kind, times):
    values = pd.concat([times(kind)] * 3, ignore_index=True)
    column = histogram_of(values)
    decoded = pd.Series(column.decode(column.encode(values)), name="a")
    pd.testing.assert_series_equal(decoded, values)
    draws = pd.Series(column.decode(np.random.default_rng(0).uniform(0, len(column.edges), 50)))
    assert draws.dtype == values.dtype
    assert draws.between(values.min(), values.max()).all()


def test_gaps_of_a_histogram_come_back():
    values = series([1.5, None, 0.25] * 20, "Float64")
    column = histogram_of(values)
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(values)), name="a"), values)
    assert column.log_density(column.encode(values))[1] == 0.0


def test_log_density_of_a_histogram_is_minus_the_log_width():
    values = series(np.concatenate([np.random.default_rng(0).uniform(0, 10, 400), np.full(50, 3.0)]), "float64")
    column = histogram_of(values)
    density, _ = np.histogram(values[:400], np.linspace(0, 10, 11), density=True)
    assert column.log_density(column.encode(series([3.0], "float64"))).tolist() == [0.0]  # an atom is not spread
    begin, end = column.edges[column.encode(values[:400]).astype(int)].T
    assert_allclose(column.log_density(column.encode(values[:400])), -np.log(end - begin))
    assert density.std() < 0.05


def test_an_infinity_in_a_histogram_gets_a_sentence():
    column = histogram_of(series(np.arange(50.0), "float64"))
    for call in (column.encode, lambda values: histogram_of(values)):
        with pytest.raises(ValueError, match=r"column 'a' holds inf in row 1. Replace infinities by NaN"):
            call(series([1.0, np.inf], "float64"))


def test_the_center_of_a_histogram_is_the_mean_of_the_draws():
    values = series(np.random.default_rng(0).gamma(1.0, 50.0, 900), "float64")
    column = histogram_of(values)
    draws = values.to_numpy().reshape(30, 30)
    center = column.center(np.apply_along_axis(lambda row: column.encode(pd.Series(row)), 1, draws))
    # a mean between two bins is the end of one
    assert_allclose(column.decode(center), draws.mean(axis=0), atol=1.0)
    assert np.isclose(column.decode(center), draws.mean(axis=0), rtol=1e-9).mean() > 0.8


def test_values_of_a_histogram_are_possible_in_its_bins_and_at_its_atoms():
    values = np.concatenate([np.linspace(0, 1, 100), np.linspace(5, 6, 100), np.full(90, 3.0)])
    column = histogram_of(series(values, "float64"))
    probes = {0.0: True, 0.37: True, 3.0: True, 3.5: False, 4.9: False, 6.0: True, 6.1: False, -0.1: False, 5.5: True}
    assert dict(zip(probes, column.is_possible(series(list(probes), "float64")).tolist(), strict=True)) == probes
    assert column.is_possible(series(values, "float64")).all()
    assert column.possible_values(ANY) == "a value from 0 to 6"


def test_values_of_atoms_are_possible_and_nothing_between():
    column = histogram_of(series([1, 2, 4] * 30, "int64"))
    assert column.is_possible(series([1, 2, 3, 4, 5], "int64")).tolist() == [True, True, False, True, False]
    assert column.possible_values(ANY) == "a value from 1 to 4, one of 3 values"


def test_what_the_precision_of_a_column_excludes_is_not_possible():
    column = histogram_of(series(np.arange(1000) % 500, "int64"))
    assert column.is_possible(series([7.0, 7.5], "float64")).tolist() == [True, False]


def test_moments_of_a_histogram_are_possible_between_the_first_and_the_last():
    column = histogram_of(series(pd.date_range("2020-01-01", periods=40), "datetime64[s]"))
    probes = series(pd.to_datetime(["2019-12-31", "2020-01-01", "2020-01-20", "2020-02-09", "2020-02-10"]), None)
    assert column.is_possible(probes).tolist() == [False, True, True, True, False]
    assert column.possible_values(ANY) == "a value from 2020-01-01 00:00:00 to 2020-02-09 00:00:00"


def test_columns_of_one_unit_are_measured_alike():
    """Numbers are themselves, however they are stored; moments count ticks, and are no durations."""
    values = np.arange(1, 301) * 7
    small, large = histogram_of(series(values, "float32")), histogram_of(series(values + 2**60, "int64"))
    one, other = small.ruler(0), large.ruler(1)
    assert one.unit == other.unit
    assert_allclose(one.begins[0], 7.0)
    assert_allclose(other.begins - one.begins, 2.0**60, rtol=1e-12)
    assert (one.points.diff() >= 0).all()
    days = pd.Series(pd.to_datetime("2020-01-01") + pd.to_timedelta(values, unit="D"), name="a")
    moments, durations = histogram_of(days), histogram_of(days - days[0])
    assert len({ruler.unit for ruler in (one, moments.ruler(0), durations.ruler(1))}) == 3
    assert_allclose(moments.ruler(0).begins[0], days.astype("int64")[0])


def test_ranges_of_periods_are_text():
    months = pd.Series(pd.period_range("2020-01", periods=300, freq="M"), name="a")
    labels = histogram_of(pd.concat([months, months[:1].repeat(40)], ignore_index=True)).level_labels
    assert labels[0] == "2020-01" and labels[1].startswith("2020-02/20")


def test_ranges_of_half_precision_are_intervals():
    labels = histogram_of(pd.Series(np.arange(300) / 8, name="a", dtype=np.float16)).level_labels
    assert isinstance(labels, pd.IntervalIndex)
    assert (labels[0].left, labels[-1].right) == (0.0, 299 / 8)


def test_a_range_that_no_float_holds_gets_a_sentence():
    with pytest.raises(ValueError, match=r"range of each column .* column 'a' reaches from -1e\+308 to 1e\+308"):
        histogram_of(pd.Series([-1e308, 0.0, 1e308], name="a"))
