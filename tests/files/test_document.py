"""Values become JSON and arrays, and values again; nothing else comes out of a document."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skvae.files.document import Reader, Writer
from skvae.likelihoods import FAMILIES, Gaussian, Likelihood
from skvae.priors import PRIORS, Mixture
from skvae.tables import RULES, Rulebook
from skvae.training import CyclicalBeta, LinearBeta
from tests.tables.rules.ruled import stays

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers(), st.just("$tuple")), inner, max_size=3),
    ),
    max_leaves=12,
)


def there_and_back(value, own=()):
    writer = Writer(names_own=bool(own))
    document = json.loads(json.dumps(writer.write(value)))
    return Reader(writer.arrays, own).read(document)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    return repr(one) == repr(other)  # -0.0 is not 0.0


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_value_comes_back(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        *(family() for family in FAMILIES.values()),
        *(prior() for prior in PRIORS.values()),
        Gaussian(scale=0.5),
        Gaussian(scale=2),
        Gaussian("column"),
        Mixture(n_modes=7),
        LinearBeta(0.5, end=0.3),
        CyclicalBeta(n_cycles=2),
        torch.device("cuda:1"),
    ],
    ids=repr,
)
def test_a_parameter_comes_back(value):
    again = there_and_back(value)
    assert type(again) is type(value)
    assert again == value


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 2)])
def test_an_array_comes_back(shape, dtype):
    array = np.ones(shape, dtype)[...]
    again = there_and_back(array)
    np.testing.assert_array_equal(again, array, strict=True)


def test_long_lists_of_floats_are_exact():
    values = [0.1, float("nan"), float("inf"), -0.0, 5e-324, 1e308, 1.0, 2.0, 3.0, 4.0]
    assert repr(there_and_back(values)) == repr(values)


def test_a_random_state_goes_on_where_it_was():
    state = np.random.RandomState(3)
    state.normal(size=5)
    np.testing.assert_array_equal(there_and_back(state).normal(size=700), state.normal(size=700))


@dataclass(frozen=True)
class Own(Mixture):
    """A user's own prior."""


def test_a_class_of_the_users_is_named_and_passed_in():
    assert there_and_back(Own(3), [Own]) == Own(3)
    with pytest.raises(ValueError, match="Own"):
        Writer(names_own=False).write(Own(3))
    writer = Writer(names_own=True)
    document = writer.write(Own(3))
    with pytest.raises(ValueError, match=r"test_document.Own', which no file of this version.*classes="):
        Reader(writer.arrays).read(document)


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: 0, 1j, np.array([1j]), np.array(["a"]), Likelihood])
def test_what_no_document_holds(value):
    with pytest.raises(ValueError):
        Writer(names_own=True).write(value)


@pytest.mark.parametrize(
    "document",
    [
        {"$os.system": ["echo"]},
        {"$__reduce__": []},
        {"$Gaussian": {"scale": [1]}},
        {"$Gaussian": {"name": "x"}},
        {"$Mixture": {"n_modes": "many"}},
        {"$Mixture": {"n_modes": -1}},
        {"$array": "weights/../../x"},
        {"$random_state": ["MT19937", {"$array": "key"}, 10**6, 0, 0.0]},
        {"$Bins": {"knots": 1, "first": 1, "last": 1, "edges": 1, "decimals": None}},
        {"$device": "os"},
        {"$tuple": 3},
        {"$floats": "key"},
        [{"$array": "key"}, {"$array": "key"}],
    ],
    ids=str,
)
def test_documents_that_somebody_wrote(document):
    with pytest.raises((ValueError, KeyError, TypeError, RuntimeError)):
        Reader({"key": np.zeros(624, np.uint32)}).read(document)


def a_range(*numbers):
    return {"$index": {"range": list(numbers), "name": None}}


@pytest.mark.parametrize(
    "document",
    [
        a_range(0, 101, 1),
        a_range(0, 10**12, 1),
        a_range(0, 10**30, 1),
        a_range(10**12, 0, -1),
        a_range(-(10**12), 0, 3),
        [a_range(0, 60, 1), a_range(0, 60, 1)],
        {"$tuple": a_range(0, 10**12, 1)},
        {"$dtype": ["category", a_range(0, 10**12, 1), False]},
        {"$index": {"levels": [a_range(0, 10**12, 1)], "codes": [[0]], "names": [None]}},
    ],
    ids=str,
)
def test_ranges_come_only_as_long_as_there_is_room(document):
    with pytest.raises(ValueError, match="far longer than the file"):
        Reader({}, room=100).read(document)


@pytest.mark.parametrize("numbers", [(0, 50, 1), (0, 10**12, 10**11), (10**12, 0, 1), (5, 5, 1)])
def test_ranges_for_which_there_is_room(numbers):
    assert list(Reader({}, room=100).read(a_range(*numbers))) == list(range(*numbers))


def test_ranges_do_not_overflow():
    limits = np.iinfo(np.int64)
    ends = [{"$scalar": ["<i8", limits.min]}, {"$scalar": ["<i8", limits.max]}, 1]
    with pytest.raises(ValueError, match="whole numbers"):
        Reader({}, room=100).read(a_range(*ends))


def test_rules_of_every_kind_come_back():
    X = stays(300).assign(season=lambda X: X["start"].dt.year // 2, last=lambda X: X[["end", "paid"]].max(axis=1))
    texts = ["`length of stay` = days(end - start)", "quarter = f(quarter(start))", "start <= end"]
    texts += ["season = step(start)", "last = max(end, paid)"]
    book = Rulebook.given(texts, X)
    again = there_and_back(book)
    assert {type(rule) for rule in again.rules} == set(RULES)
    assert again.texts == book.texts
    assert again.quantities == book.quantities
    wrong = X.assign(end=X["start"].to_numpy()[::-1], quarter="Q1", season=1009)
    assert again.held(wrong) == book.held(wrong)


@pytest.mark.parametrize(
    "document",
    [{"$Formula": {"text": "open(1)"}}, {"$Term": {"column": "a", "part": "century"}}, {"$Term": {"column": 3}}],
)
def test_what_is_no_part_of_a_rule_is_refused(document):
    with pytest.raises(ValueError, match=r"calls 'open'|no part of the calendar|must be of type"):
        Reader({}).read(document)
