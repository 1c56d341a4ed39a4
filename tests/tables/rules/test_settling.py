import numpy as np
import pandas as pd
from numpy.testing import assert_array_equal

from skvae.tables.rules.rulebook import Rulebook
from tests.tables.rules.ruled import TABLES, shuffled


def test_without_force_only_what_follows_is_changed():
    X = TABLES["weather"](1500)
    book, start = Rulebook.found(X), shuffled(X)
    rows, broken = book.solve(start, None)
    pd.testing.assert_frame_equal(rows.drop(columns="range"), start.drop(columns="range"))
    kept = rows[~broken]
    assert 0 < len(kept) < len(rows)
    assert set(book.held(kept).values()) == {1.0}
    assert kept["range"].between(X["range"].min(), X["range"].max()).all()


def test_a_date_is_no_solution_of_its_parts():
    """They say too little: rows in which these are known are drawn again, and the date stays as it was drawn."""
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.random.default_rng(0).integers(0, 9000, 600), "h")
    X = pd.DataFrame({"hours": start.hour + 1, "start": start})
    book, rows = Rulebook.given(["hours = hour(start) + 1"], X), X.assign(start=X["start"].to_numpy()[::-1])
    is_free = np.column_stack([np.zeros(600, dtype=bool), np.ones(600, dtype=bool)])
    settled, broken = book.solve(rows, is_free)
    pd.testing.assert_frame_equal(settled, rows)
    assert_array_equal(broken, rows["hours"] != rows["start"].dt.hour + 1)
