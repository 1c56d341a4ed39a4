import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skvae.tables.rules.edges import edges_between, n_digits, shortest
from skvae.tables.rules.quantities import Quantity, numbers_of


def edges_of(below, above):
    """Edges between values of one dtype, in that dtype."""
    below, above = pd.Series(below), pd.Series(above)
    quantity = Quantity.of(pd.concat([below, above]))
    edges, closes = edges_between(numbers_of(below)[0], numbers_of(above)[0], quantity)
    return list(quantity.values_of(edges)) if quantity.kind != "number" else edges.tolist(), closes


@pytest.mark.parametrize(
    ("below", "above", "edges", "closes"),
    [
        ([17, 29, 64], [18, 30, 65], [18, 30, 65], False),  # whole numbers close left, where both would do
        ([50, 60, 70], [51, 61, 71], [50, 60, 70], True),  # as pandas.cut says
        ([18.4, 24.9, 29.9], [18.5, 25.0, 30.0], [18.5, 25, 30], False),
        ([18.5, 25.0, 30.0], [18.6, 25.1, 30.1], [18.5, 25, 30], True),
        ([987.13, 24_950.0], [1020.4, 25_010.0], [1000, 25_000], False),
        ([-3.2, -0.1], [-2.9, 0.2], [-3, 0], False),
        ([0.0249], [0.0252], [0.025], False),
        ([1989, 1999], [1990, 2004], [1990, 2000], False),
    ],
)
def test_edges_of_numbers_are_those_that_people_write(below, above, edges, closes):
    assert edges_of(below, above) == (edges, closes)


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12))
def test_no_shorter_number_lies_between(low, width):
    high = low + width
    value = shortest(low, high)
    assert low <= value <= high
    assert n_digits(value) <= min(n_digits(low), n_digits(high))


def test_nothing_between_leaves_the_upper_end():
    assert shortest(2.0, 1.0) == 1.0


def moments(*texts):
    return [pd.Timestamp(text) for text in texts]


@pytest.mark.parametrize(
    ("below", "above", "edges"),
    [
        (("2019-11-20", "2020-12-30"), ("2020-01-20", "2021-01-01"), ("2020-01-01", "2021-01-01")),
        (("2019-05-02", "2020-05-11"), ("2019-05-20", "2020-05-12"), ("2019-05-12", "2020-05-12")),  # birthdays
        (("2019-03-02", "2020-03-28"), ("2019-04-20", "2020-05-20"), ("2019-04-01", "2020-04-01")),  # fiscal years
        (("1955-01-20", "1956-02-20"), ("1955-02-10", "1956-03-03"), ("1955-02-01", "1956-03-01")),
        (("2019-05-02 11:10", "2020-11-12"), ("2019-05-02 13:10", "2020-11-13"), ("2019-05-02 12:00", "2020-11-13")),
    ],
)
def test_edges_of_moments_are_beginnings(below, above, edges):
    assert edges_of(moments(*below), moments(*above)) == (moments(*edges), False)


def test_edges_of_moments_are_those_of_clocks():
    first, last, edge = (pd.Timestamp(day, tz="America/New_York") for day in ("2020-02-20", "2020-03-05", "2020-03-01"))
    assert edges_of([first], [last]) == ([edge], False)


def test_edges_of_durations_are_days():
    below, above = ([pd.Timedelta(hours=h)] for h in (41, 50))
    assert edges_of(below, above) == ([pd.Timedelta("2D")], False)
