import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.search.computed import find_computed
from skvae.tables.rules.search.evidence import Evidence
from skvae.tables.rules.search.search import find_rules
from tests.tables.rules.ruled import purchases

N = 1500


@pytest.fixture
def x():
    """A price, an integer, a weight, a height and a number of full precision."""
    rng = np.random.default_rng(0)
    return {
        "price": rng.gamma(3, 20, N).round(2) + 0.01,
        "n": rng.integers(1, 12, N),
        "weight": rng.normal(80, 10, N).round(1),
        "height": rng.normal(1.7, 0.1, N).round(2),
        "full": rng.gamma(4, 5, N),
    }


def found(X, sources=None):
    return [str(equation) for equation in find_computed(Evidence(pd.DataFrame(X)), sources or {})]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x: (x["price"] * x["n"]).round(2), "y = price * n"),
        (lambda x: (0.19 * x["price"]).round(2), "y = 0.19 * price"),
        (lambda x: x["full"] * x["n"], "y = n * full"),
        (lambda x: (100 * x["n"] / x["weight"]).round(1), "y = 100 * n / weight"),
        (lambda x: (x["weight"] / x["height"] ** 2).round(1), "y = weight / height / height"),
        (lambda x: (1.8 * x["weight"] + 32).round(1), "y = 1.8 * weight + 32"),
        (lambda x: 20 - x["weight"] / 3, "y = weight / -3 + 20"),
        (lambda x: np.log(x["price"]).round(4), "y = log(price)"),
        (lambda x: np.log1p(x["full"]), "y = log(full + 1)"),
        (lambda x: ((x["price"] + x["n"] + x["weight"]) / 3).round(1), "y = (price + n + weight) / 3"),
        (lambda x: (0.3 * x["weight"] + 0.7 * x["price"]).round(1), "y = (7 * price + 3 * weight) / 10"),
    ],
)
def test_formulas_are_found(x, make, text):
    assert found(x | {"y": make(x)}) == [text]
    assert found({"y": make(x)} | x) == [text]  # wherever it stands


@pytest.mark.parametrize(
    ("make", "text", "other_way"),
    [
        (lambda x: (1 / x["height"]).round(3), "y = 1 / height", "height = 1 / y"),
        (lambda x: x["weight"] / 0.4536, "y = weight / 0.4536", "y = weight / 0.4536"),  # which is not rounded
        (lambda x: x["full"] / 2.5, "y = full / 2.5", "full = 2.5 * y"),
        (lambda x: np.sqrt(x["full"]), "y = sqrt(full)", "full = y * y"),
        (lambda x: np.exp(x["height"]).round(3), "y = exp(height)", "height = log(y)"),
        (lambda x: x["full"] / x["price"], "full = price * y", "full = y * price"),  # a product before a quotient
    ],
)
def test_of_numbers_that_give_one_another_the_last_of_the_table_is_computed(x, make, text, other_way):
    assert found(x | {"y": make(x)}) == [text]
    assert found({"y": make(x)} | x) == [other_way]


def test_gaps_and_dtypes_do_not_matter(x):
    X = pd.DataFrame(x).assign(y=(x["weight"] / x["height"] ** 2).round(1))
    with_gaps = X.mask(np.random.default_rng(1).random(X.shape) < 0.2)
    assert found(with_gaps) == found(X.convert_dtypes()) == ["y = weight / height / height"]
    assert found(X[["full"]].assign(y=X["full"] * 2.5).astype("float32")) == ["y = 2.5 * full"]


def test_most_cells_may_be_zero(x):
    n = np.where(np.random.default_rng(1).random(N) < 0.8, 0, x["n"])
    assert found({"price": x["price"], "n": n, "y": (x["price"] * n).round(2)}) == ["y = price * n"]


def test_one_wrong_cell_is_no_formula(x):
    y = (1.8 * x["weight"] + 32).round(1)
    y[700] += 1
    assert found(x | {"y": y}) == []


def test_what_is_rounded_more_than_it_says_is_no_formula(x):
    assert found(x | {"y": (x["weight"] + 0.1 * np.random.default_rng(1).normal(size=N)).round(1)}) == []
    assert found(x | {"y": (x["full"] > 20).astype(int)}) == []  # nor a threshold a line


def test_columns_that_are_computed_from_one_another_are_no_circle(x):
    net = (x["price"] * x["n"]).round(2)
    X = {"price": x["price"], "n": x["n"], "net": net, "tax": (0.25 * net).round(2)}
    assert found(X) == ["tax = net / 4", "net = price * n"]
    X = pd.DataFrame({"cm": x["weight"]}).assign(inch=lambda X: X["cm"] / 2.54, foot=lambda X: X["inch"] / 12)
    assert found(X) == ["foot = inch / 12", "inch = cm / 2.54"]


def test_what_follows_already_is_left_alone(x):
    X = {"a": x["weight"], "y": (2.5 * x["weight"]).round(1)}
    assert found(X) == ["y = 2.5 * a"]
    assert found(X, {"y": ["a"]}) == []


def test_beside_it_there_is_neither_a_bound_nor_a_function_of_the_same_columns():
    X = purchases(1500)
    rules = list(map(str, find_rules(X)))
    assert rules == ["total = net + tax", "tax = net / 5", "net = pieces * price"]
