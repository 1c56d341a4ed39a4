from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from skvae.models.obeying import N_AT_ONCE, check_condition, obey, refuse_broken, with_known
from skvae.tables import Rulebook
from tests.tables.rules.ruled import TABLES, orders, people


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def shuffled(X, n, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: X[name].to_numpy()[rng.integers(len(X), size=n)] for name in X}).astype(X.dtypes)


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_drawn_again_until_they_keep_the_rules(name):
    X = TABLES[name](1500)
    book, calls = Rulebook.found(X), []

    def redraw(at):
        calls.append(len(at))
        return shuffled(X, len(at), len(calls))

    rows, broken = obey(book, shuffled(X, 1000, 0), generator(), redraw)
    assert not broken.any()
    assert set(book.held(rows).values()) == {1.0}
    assert all(N_AT_ONCE * one >= other for one, other in pairwise(calls))


def test_the_same_seed_gives_the_same_rows():
    X = people(800)
    book = Rulebook.found(X)
    one, other = (
        obey(book, shuffled(X, 300, 0), generator(5), lambda at: shuffled(X, len(at), 1))[0] for _ in range(2)
    )
    pd.testing.assert_frame_equal(one, other)


def _nothing(at):
    raise AssertionError("nothing is drawn again")


def test_means_are_moved_at_once():
    X = TABLES["weather"](1500)
    book = Rulebook.found(X)
    rows, broken = obey(book, shuffled(X, 500, 0), generator(), _nothing, are_means=True)
    assert not broken.any()
    assert set(book.held(rows).values()) == {1.0}


def test_arrays_come_back_as_arrays():
    X = np.random.default_rng(0).integers(0, 9, (400, 2)).astype("float32")
    X = np.column_stack([X, X.sum(axis=1)])
    book = Rulebook.given(["x2 = x0 + x1"], pd.DataFrame(X, columns=["x0", "x1", "x2"]))
    rows, broken = obey(book, X[:, [2, 1, 0]], generator(), lambda at: X[at])
    assert rows.dtype == X.dtype
    assert not broken.any()
    np.testing.assert_array_equal(rows[:, 2], rows[:, 0] + rows[:, 1])


def test_rows_that_contradict_rules_themselves_are_left():
    X = orders(300)
    book = Rulebook.given(["total = net + tax"], X)
    wrong, free = X[:3].copy(), np.zeros((3, X.shape[1]), dtype=bool)
    wrong.loc[1, "total"] = 1.0
    free[:, 0] = True
    rows, broken = obey(book, wrong, generator(), _nothing, is_free=free)
    assert broken.tolist() == [False, True, False]
    pd.testing.assert_frame_equal(rows, wrong)


def ratios():
    """A ratio is given, with all its digits, of whole numbers that are drawn: the rules, the rows, the free cells."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"people": rng.integers(1000, 90000, 300), "area": rng.integers(2, 90, 300)})
    X["density"] = X["people"] / X["area"]
    is_free = np.ones(X.shape, dtype=bool)
    is_free[:, 2] = False
    return Rulebook.given(["density = people / area"], X), X.assign(density=np.pi * 100), is_free


def test_rows_that_can_only_nearly_keep_a_rule_are_kept():
    book, rows, is_free = ratios()
    kept, broken = obey(book, rows, generator(), lambda at: rows.iloc[at], is_free=is_free)
    assert not broken.any()
    assert (kept["density"] == np.pi * 100).all()
    np.testing.assert_array_less((kept["people"] - np.pi * 100 * kept["area"]).abs(), 0.5 + 1e-6)


def test_of_a_row_that_is_left_several_are_drawn_at_once():
    book, rows, is_free = ratios()
    rows.loc[0, "density"], calls = rows.loc[0, "people"] / rows.loc[0, "area"], []

    def redraw(at):
        calls.append(at.tolist())
        return rows.iloc[at].assign(people=-1)

    kept, _ = obey(book, rows[:3], generator(), redraw, is_free=is_free[:3])
    pd.testing.assert_frame_equal(kept[:1], rows[:1])
    assert calls == 8 * [[1, 2]] + 4 * [[1] * N_AT_ONCE + [2] * N_AT_ONCE]


def test_what_cannot_be_said_is_a_sentence():
    X = orders(300)
    book = Rulebook.given(["total = net + tax"], X)
    wrong, known = X[:2].assign(total=1.0), np.ones((2, X.shape[1]), dtype=bool)
    with pytest.raises(ValueError, match=r"row 0 of given breaks 'total = net \+ tax'"):
        check_condition(book, wrong, known)
    with pytest.raises(ValueError, match=r"none was drawn that keeps 'total = net \+ tax'"):
        refuse_broken(book, wrong, np.array([False, True]))
    with pytest.raises(ValueError, match="none of row 1 of given keeps"):
        refuse_broken(book, wrong, np.array([False, True]), known)
    refuse_broken(book, wrong, np.array([False, False]))
    check_condition(book, wrong, ~known)


def test_known_cells_are_taken_from_the_rows_that_have_them():
    X, known = people(5), np.eye(5, dtype=bool)
    other = shuffled(people(50), 5, 0)
    rows = with_known(other, X, known)
    assert [rows.iloc[i, i] for i in range(5)] == [X.iloc[i, i] for i in range(5)]
    pd.testing.assert_frame_equal(rows.mask(known), other.mask(known))
    np.testing.assert_array_equal(with_known(np.zeros((2, 2)), np.ones((2, 2)), np.eye(2, dtype=bool)), np.eye(2))
