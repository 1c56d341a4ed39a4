import numpy as np
import pandas as pd
import pytest

from skvae.tables.rules.search.evidence import Evidence
from skvae.tables.rules.search.functions import find_functions
from skvae.tables.rules.search.search import find_rules
from skvae.tables.rules.search.steps import find_steps
from tests.tables.rules.ruled import patients, with_gaps


def found(X, sources=()):
    evidence = Evidence(X)
    return list(map(str, find_steps(evidence, find_functions(evidence, set(sources)), dict(sources))))


def test_steps_of_numbers_and_dates():
    assert found(patients(2000)) == ["age = step(born)", "`age group` = step(age)", "weight_class = step(bmi)"]
    assert found(patients(2000), {"age": ["other"]}) == ["`age group` = step(age)", "weight_class = step(bmi)"]


def test_gaps_are_left_out():
    X = with_gaps(patients(2000), 0.1)
    assert found(X) == ["age = step(born)", "`age group` = step(age)", "weight_class = step(bmi)"]


@pytest.mark.parametrize("name", ["age group", "weight_class"])
def test_one_row_is_enough_to_break_steps(name):
    X = patients(2000)
    X.loc[X["age"].idxmin(), name] = X.loc[X["age"].idxmax(), name]
    X.loc[X["bmi"].idxmin(), name] = X.loc[X["bmi"].idxmax(), name]
    assert f"`{name}`" not in str(found(X))
    assert f"{name} =" not in str(found(X))


def test_values_that_come_back_are_no_steps():
    x = np.random.default_rng(0).uniform(0, 60, 3000)
    assert not found(pd.DataFrame({"x": x, "y": x // 10 % 2}))


def test_numbers_with_two_values_are_no_steps():
    x = np.random.default_rng(0).integers(0, 1000, 3000)
    X = pd.DataFrame({"x": x, "y": x > 500})
    X.loc[len(X)] = 501, False
    X.loc[len(X)] = 501, True
    assert not found(X)


def test_few_numbers_whose_order_may_be_chance_have_a_function():
    month = np.random.default_rng(0).integers(1, 13, 2000)
    X = pd.DataFrame({"month": month, "quarter": np.array(list("abcd"))[(month - 1) // 3]})
    assert list(map(str, find_rules(X))) == ["quarter = f(month)"]
    age = np.random.default_rng(0).integers(0, 90, 2000)
    X = pd.DataFrame({"age": age, "group": np.array(list("abcd"))[age // 25]})
    assert list(map(str, find_rules(X))) == ["group = step(age)"]


def clusters(seed):
    """Groups that numbers tell apart in all rows, if they lie far from one another, but by no rule."""
    rng = np.random.default_rng(seed)
    n, n_groups, apart = int(rng.integers(300, 3000)), int(rng.integers(2, 6)), rng.uniform(5, 15)
    group = rng.integers(0, n_groups, n)
    x = apart * group + rng.normal(size=n)
    return pd.DataFrame({"x": x if seed % 2 else np.exp(x / 2), "group": np.array(list("abcdef"))[group]})


def test_groups_that_only_lie_apart_have_no_steps():
    tables = {seed: clusters(seed) for seed in range(60)}
    sorted_ = [X.sort_values("x")["group"] for X in tables.values()]
    in_order = [(group != group.shift()).sum() == group.nunique() for group in sorted_]
    assert np.mean(in_order) > 0.5
    assert not {seed: found(X) for seed, X in tables.items() if found(X)}


def test_parts_of_the_calendar_come_before_steps():
    day = pd.Series(pd.Timestamp("2015-01-01") + pd.to_timedelta(np.random.default_rng(0).integers(0, 3000, 3000), "D"))
    version = np.searchsorted(pd.to_datetime(["2016-05-17", "2018-02-03", "2020-09-29"]), day, side="right")
    X = pd.DataFrame({"day": day, "year": day.dt.year, "fiscal": day.dt.year + (day.dt.month > 3), "version": version})
    assert list(map(str, find_rules(X))) == [
        "version = step(day)",
        "year = year(day)",
        "fiscal = f(quarter(day), year)",
    ]
