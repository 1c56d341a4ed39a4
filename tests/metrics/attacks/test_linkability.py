import numpy as np
import pytest

from skvae.metrics import linkability
from tests.metrics.attacks.people import people

TRAIN, FRESH, MORE = (people(200, seed) for seed in range(3))
HALVES = ["age", "since"], ["pay", "visits", "town"]


def test_copies_link_training_rows():
    outcome = linkability(TRAIN, FRESH, TRAIN, columns=HALVES, n_neighbors=1)
    assert outcome.rate > 0.9
    assert outcome.interval()[0] > 0.5


@pytest.mark.parametrize("columns", [None, HALVES])
def test_fresh_rows_link_as_many_others(columns):
    lower, upper = linkability(TRAIN, FRESH, MORE, columns=columns, random_state=0).interval()
    assert lower < 0 < upper


def test_sides_are_symmetric():
    first, second = linkability(TRAIN, FRESH, MORE, random_state=0), linkability(FRESH, TRAIN, MORE, random_state=0)
    assert (first.hits, first.control_hits) == (second.control_hits, second.hits)


def test_all_rows_are_linked_where_all_are_neighbors():
    assert linkability(TRAIN, FRESH, MORE, n_neighbors=200, random_state=0).rate == 1
    rates = [linkability(TRAIN, FRESH, MORE, n_neighbors=k, random_state=0).rate for k in (1, 10, 50)]
    assert np.all(np.diff(rates) > 0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"columns": (["age"], ["wage"])}, r"one knows \['wage'\], of which \['wage'\] are none of \['age'"),
        ({"columns": (["age"], [])}, r"at least one column of the table, but one knows \[\]"),
        ({"columns": (["age", "pay"], ["pay"])}, r"share a column are linked by it, but both know \['pay'\]. Leave"),
        ({"n_neighbors": 201}, r"between 1 and the number of synthetic rows, 200, but is 201. Pass"),
        ({"n_neighbors": 0}, r"between 1 and the number of synthetic rows, 200, but is 0. Pass"),
    ],
)
def test_halves_are_checked(parameters, message):
    with pytest.raises(ValueError, match=message):
        linkability(TRAIN, FRESH, MORE, **parameters)


def test_one_column_has_no_halves():
    with pytest.raises(ValueError, match=r"Linking needs two columns, but there is one. Pass more"):
        linkability(TRAIN[["age"]], FRESH[["age"]], MORE[["age"]])
