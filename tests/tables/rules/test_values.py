import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.quantities import Quantity

ROWS = pd.DataFrame(
    {
        "a": [1, 2],
        "b c": [0.5, -4.0],
        "day": pd.to_datetime(["2020-01-31", "2021-12-01"]),
        "end": pd.to_datetime(["2020-02-02", "2021-12-01"]),
        "word": ["x", "y"],
    }
)
DRAFT = Draft(ROWS, {name: Quantity.of(ROWS[name]) for name in ROWS if name != "word"})


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("2 * a - `b c` / 2", [1.75, 6.0], "number"),
        ("-(a + 1)", [-2, -3], "number"),
        ("abs(`b c`)", [0.5, 4.0], "number"),
        ("log(a) + exp(a - 1)", [1, np.log(2) + np.e], "number"),
        ("sqrt(`b c`) * 2", [np.sqrt(2), np.nan], "number"),
        ("round(`b c` / 3, 1)", [0.2, -1.3], "number"),
        ("max(a, `b c`, 1.5)", [1.5, 2], "number"),
        ("min(a, `b c`) + 1", [1.5, -3.0], "number"),
        ("days(max(end, day) - day)", [2, 0], "number"),
        ("days(end - day)", [2, 0], "number"),
        ("hours(end - day) / 24", [2, 0], "number"),
        ("month(day) + year(day)", [2021, 2033], "number"),
        ("(end - day) / (end - day + (end - day))", [0.5, np.nan], "number"),
        ("(end - day) * 2", [4 * 86_400e9, 0], "duration"),
    ],
)
def test_formulas_are_computed(text, expected, kind):
    value = Formula(text).value(DRAFT)
    assert_allclose(value.numbers, expected)
    assert value.kind == kind


def test_moments_stay_exact():
    numbers = Formula("day + (end - day)").value(DRAFT).numbers
    assert numbers.dtype == np.int64
    assert (numbers == DRAFT.numbers("end")).all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("day + end", "combines a moment and a moment"),
        ("day - 1", "combines a moment and a number"),
        ("days(day)", "counts a duration"),
        ("abs(day)", "passes a moment"),
        ("log(end - day)", r"is of a number, but 'log\(end - day\)' passes a duration"),
        ("month(a)", "is of a date"),
        ("word + 1", "column 'word' has dtype"),
        ("1 + f(a)", "all of the right side"),
        ("1 + step(a)", "all of the right side"),
        ("max(a, day)", "compares a moment and a number"),
    ],
)
def test_what_cannot_be_combined_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Formula(text).value(DRAFT)
