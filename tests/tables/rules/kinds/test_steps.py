import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.kinds import Steps
from skvae.tables.rules.reading import read_rules
from skvae.tables.rules.rulebook import Rulebook
from tests.tables.rules.ruled import draft_of


def learned(text, *tables):
    (rule,) = read_rules(text)
    for X in tables:
        rule = rule.learned(draft_of(X, rule))
    return rule


def pupils(n=400, seed=0):
    marks = np.random.default_rng(seed).integers(0, 101, n)
    return pd.DataFrame({"marks": marks, "grade": pd.cut(marks, [-1, 39, 59, 79, 100], labels=list("DCBA"))})


def test_steps_are_learned_and_looked_up():
    X = pupils()
    rule = learned("grade = step(marks)", X)
    assert str(rule) == "grade = step(marks)"
    assert list(rule.values) == list("DCBA")
    assert_array_equal(rule.edges, [40, 60, 80])
    assert not rule.broken(draft_of(X, rule)).any()
    wrong = X.assign(grade="B")
    assert_array_equal(rule.broken(draft_of(wrong, rule)), X["grade"] != "B")
    draft = draft_of(wrong, rule)
    rule.solve(draft, "grade", np.ones(len(X), dtype=bool))
    assert_array_equal(draft.frame()["grade"], X["grade"].astype(str))


def test_numbers_that_were_never_seen_lie_in_steps_as_well():
    X = pupils()
    rule = learned("grade = step(marks)", X[~X["marks"].between(30, 50)])
    new = pd.DataFrame({"marks": [32, 48, -7, 200], "grade": list("DCDA")})
    assert not (rule.broken(draft_of(new, rule)) | rule.unknown(draft_of(new, rule))).any()


def test_more_rows_move_edges_and_bring_values():
    X = pupils(3000).sort_values("marks", ignore_index=True)
    first, later = X[(X["marks"] % 10 == 0) & (X["grade"] != "C")], X
    before, after = learned("grade = step(marks)", first), learned("grade = step(marks)", first, later)
    assert (list(before.values), before.edges.tolist()) == (["D", "B", "A"], [40, 80])
    assert (list(after.values), after.edges.tolist()) == (list("DCBA"), [40, 60, 80])


def test_a_row_that_breaks_steps_leaves_the_edges_of_all_others():
    X = pupils().astype({"grade": object})
    X.loc[7, ["marks", "grade"]] = 75, "D"
    X.loc[9, ["marks", "grade"]] = 3, "C"
    rule = learned("grade = step(marks)", X)
    assert_array_equal(np.flatnonzero(rule.broken(draft_of(X, rule))), [7, 9])
    with pytest.raises(ValueError, match=r"0\.500% of them break 'grade = step\(marks\)', the first of them row 7"):
        Rulebook.given(["grade = step(marks)"], X)


def test_rows_that_break_what_was_learned_do_not_move_it():
    X = pupils()
    later = X.assign(grade=pd.cut(X["marks"], [-1, 44, 59, 79, 100], labels=list("DCBA")))
    rule = learned("grade = step(marks)", X, later)
    assert_array_equal(rule.edges, [40, 60, 80])
    assert_array_equal(rule.broken(draft_of(later, rule)), X["marks"].between(40, 44))


def test_ties_that_disagree_break_steps():
    X = pd.DataFrame({"x": [1, 1, 1, 2, 2, 2, 2], "y": list("aaabbba")})
    assert learned("y = step(x)", X).broken(draft_of(X, learned("y = step(x)", X))).sum() == 1


def test_gaps_say_nothing():
    X = pupils().astype({"marks": "Int64", "grade": object})
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.2)
    rule = learned("grade = step(marks)", holes)
    assert_array_equal(rule.edges, learned("grade = step(marks)", X).edges)
    assert not rule.broken(draft_of(holes.assign(grade=None), rule)).any()


def test_steps_without_rows_say_nothing():
    X = pd.DataFrame({"x": [1.0, 2.0], "y": [None, None]})
    rule = learned("y = step(x)", X)
    full = draft_of(X.assign(y="a"), rule)
    assert rule.unknown(full).all()
    assert not rule.broken(full).any()
    assert not rule.solve(full, "y", np.ones(2, dtype=bool)).any()
    assert rule.outcome({"x": pd.Index([1.0, 2.0])}).isna().all()
    assert rule.limit("x", full) == (None, None)


@pytest.mark.parametrize("right", [True, False])
def test_limits_are_the_ends_of_steps_that_the_column_can_hold(right):
    x = np.random.default_rng(0).integers(0, 1000, 3000) / 10
    X = pd.DataFrame({"x": x, "y": pd.cut(x, [-1, 25, 50, 100], right=right, labels=list("abc")).astype(str)})
    rule = learned("y = step(x)", X)
    low, high = rule.limit("x", draft_of(X, rule))
    ends = pd.DataFrame({"y": X["y"], "low": low, "high": high}).drop_duplicates().set_index("y")
    by_value = X.groupby("y")["x"]
    assert_array_equal(ends.loc[list("abc"), "low"], by_value.min())
    assert_array_equal(ends.loc[list("abc"), "high"], by_value.max())
    assert rule.limit("y", draft_of(X, rule)) == (None, None)


@pytest.mark.parametrize(
    "number",
    [
        lambda x: x.astype("float32"),
        lambda x: x.astype("Int16"),
        lambda x: x.astype("uint8"),
        lambda x: pd.to_timedelta(x, "h"),
        lambda x: pd.Timestamp("2020", tz="Asia/Tokyo") + pd.to_timedelta(x, "D"),
        lambda x: (pd.Timestamp("2020") + pd.to_timedelta(x, "h")).astype("M8[s]"),
    ],
)
def test_steps_of_any_dtype_are_moved_back(number):
    rng = np.random.default_rng(0)
    x = pd.Series(rng.integers(0, 250, 800))
    X = pd.DataFrame({"x": number(x), "y": x // 60 > 1, "z": pd.Categorical(x // 50 * 50)})
    book = Rulebook.given(["y = step(x)", "z = step(x)"], X)
    rows = X.assign(x=X["x"].sample(frac=1, random_state=1).to_numpy()).astype(X.dtypes)
    new, broken = book.move(rows, np.tile([True, False, False], (len(X), 1)), rng)
    assert not broken.any()
    assert set(book.held(new).values()) == {1.0}
    pd.testing.assert_frame_equal(new[["y", "z"]], X[["y", "z"]])
    assert new["x"].dtype == X["x"].dtype


def test_steps_of_steps_are_moved_back():
    rng = np.random.default_rng(0)
    born = pd.Timestamp("1930") + pd.to_timedelta(rng.integers(0, 33_000, 3000), "D")
    X = pd.DataFrame({"born": born, "age": 2022 - born.year}).assign(group=lambda X: X["age"] // 30)
    book = Rulebook.given(["age = step(born)", "group = step(age)"], X)
    rows = X.sample(frac=1, random_state=1, ignore_index=True).assign(group=X["group"])
    new, broken = book.move(rows, np.tile([True, True, False], (len(X), 1)), rng)
    assert not broken.any()
    assert (new["age"] == 2022 - new["born"].dt.year).all()
    assert_array_equal(new["group"], new["age"] // 30)


def test_a_date_has_its_age_and_its_weekday():
    rng = np.random.default_rng(0)
    born = pd.Series(pd.Timestamp("1930") + pd.to_timedelta(rng.integers(0, 33_000, 3000), "D"))
    X = pd.DataFrame({"born": born, "age": 2022 - born.dt.year, "day": born.dt.day_name()})
    book = Rulebook.given(["age = step(born)", "day = f(weekday(born))"], X)
    rows = X.assign(born=born.sample(frac=1, random_state=1).to_numpy())
    new, broken = book.move(rows, np.tile([True, False, False], (len(X), 1)), rng)
    assert not broken.any()
    assert (new["born"].dt.year == 2022 - X["age"]).all()
    assert (new["born"].dt.day_name() == X["day"]).all()


def test_numbers_far_away_are_spread_over_the_interval():
    X = pd.DataFrame({"x": np.random.default_rng(0).uniform(0, 100, 3000)}).assign(y=lambda X: X["x"] > 50)
    book = Rulebook.given(["y = step(x)"], X)
    new, _ = book.move(X.assign(x=100 - X["x"]), np.tile([True, False], (len(X), 1)), np.random.default_rng(0))
    assert new["x"].nunique() > 2500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2 * a = step(b)", "Write it as in 'a = step"),
        ("a = step(a)", "Write it as in 'a = step"),
        ("a = step(b) + 1", r"step\(…\) is all of the right side"),
        ("a = step(b, c)", r"step\(…\) of one"),
        ("a = step(b + 1)", r"step\(…\) of one"),
    ],
)
def test_what_is_no_step(text, message):
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [1.0, 2.0]})
    with pytest.raises(ValueError, match=message):
        Rulebook.given([text], X)


def test_steps_of_text_are_refused():
    X = pd.DataFrame({"a": [1, 2], "b": list("xy")})
    with pytest.raises(ValueError, match=r"'a = step\(b\)' cannot be asked of these columns.*column 'b' has dtype"):
        Rulebook.given(["a = step(b)"], X)


def test_steps_have_an_edge_between_values():
    two, one = np.array([1, 2]), np.array([1])
    with pytest.raises(ValueError, match="an edge between each two"):
        Steps("a", "b", pd.Index([1, 2]), two, two, two)
    with pytest.raises(ValueError, match="an edge between each two"):
        Steps("a", "b", pd.Index([1, 2]), two, one, one)
