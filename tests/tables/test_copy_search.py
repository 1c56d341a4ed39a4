"""Which columns copy earlier ones."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables import Table
from skvae.tables.copies import Cells
from tests.tables.bills import bills, copies_of, drawn, of_two, share_paid


def test_a_payment_that_is_the_bill_is_found():
    assert copies_of(bills(3000)) == [("pay", "bill")]
    assert copies_of(bills(300)) == [("pay", "bill")]
    assert copies_of(bills(3000)[["pay", "bill"]]) == [("bill", "pay")]  # whichever is later


def test_shares_are_those_of_the_rows():
    X = bills(5000)
    (copy,) = Table.fit(X).copies
    assert ((copy.shares > 0.02) & (copy.shares < 1)).all()
    assert np.ptp(copy.shares) > 0.1  # by level


@pytest.mark.parametrize("seed", range(3))
def test_independent_columns_copy_nothing(seed):
    rng, n = np.random.default_rng(seed), 1500
    X = pd.DataFrame(
        {f"cents{j}": np.round(rng.lognormal(2, 1, n), 2) for j in range(4)}
        | {f"tens{j}": 10.0 * rng.integers(0, 400, n) for j in range(4)}
        | {f"normal{j}": rng.normal(size=n) for j in range(3)}
        | {f"small{j}": rng.integers(0, 120, n) for j in range(4)}
    )
    assert copies_of(X) == []


def test_values_that_meet_by_chance_are_no_copies():
    """Round numbers are frequent in both columns, and lie in the same levels, but do not belong together."""
    rng, n = np.random.default_rng(0), 4000
    round_numbers = 50.0 * np.arange(1, 300)
    near = 50.0 * rng.integers(20, 200, n)
    X = pd.DataFrame({"a": near, "b": near + rng.choice(round_numbers[:8], n) - 200.0})
    assert (X["a"] == X["b"]).mean() > 0.1
    assert copies_of(X) == []


def test_rounded_numbers_that_go_together_are_no_copies():
    """They are equal more often than those of other rows in their level, but as often as they differ by one."""
    rng, n = np.random.default_rng(0), 3000
    day = rng.integers(0, 2500, n)
    X = pd.DataFrame({"a": day + np.rint(rng.normal(0, 3, n)), "b": day + np.rint(rng.normal(0, 3, n))})
    assert (X["a"] == X["b"]).mean() > 0.08
    assert copies_of(X) == []
    X["b"] = X["b"].where(rng.random(n) > 0.1, X["a"])
    assert copies_of(X) == [("b", "a")]


def test_a_level_of_one_row_says_nothing():
    """Between atoms a level may hold a single value, and the only row where two columns have it is no copy."""
    rng, n = np.random.default_rng(61), 454
    X = pd.DataFrame({"a": np.round(rng.lognormal(1.1, 0.6, n), 1), "b": np.round(rng.lognormal(1.7, 0.65, n), 1)})
    assert copies_of(X) == []


def test_few_rows_are_no_evidence():
    assert copies_of(bills(4000, share=0.005)) == []
    assert copies_of(bills(40, share=0.2)) == []


def test_a_column_may_copy_several():
    X = of_two(4000)
    assert sorted(copies_of(X)) == [("c", "a"), ("c", "b")]
    rows = drawn(X, Table.fit(X))
    assert (rows["c"] == rows["b"]).mean() > 0 and (rows["c"] == rows["a"]).mean() > 0


def test_only_columns_of_one_unit_are_compared():
    X = bills(2000)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.round(X["bill"]), unit="D")
    paid = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.round(X["pay"]), unit="D")
    moments = pd.DataFrame({"bill": days, "pay": paid})
    assert copies_of(moments) == [("pay", "bill")]
    assert copies_of(moments.assign(pay=paid - days[0])) == []
    assert copies_of(moments.assign(pay=paid.dt.tz_localize("UTC"))) == []


def test_gaps_and_empty_columns_are_nobodys_copies():
    X = bills(2000)
    X.loc[::3, "pay"] = np.nan
    X.loc[::5, "bill"] = np.nan
    table = Table.fit(X)
    assert len(table.copies) == 1
    rows = drawn(X, table)
    assert_array_equal(rows["pay"].isna(), X["pay"].isna())
    assert share_paid(rows) == pytest.approx(share_paid(X), rel=0.1)


def test_each_reference_is_read_once(monkeypatch):
    read, read_one = [], Cells.read

    def noted(cells, reference):
        read.append((cells.j, reference))
        return read_one(cells, reference)

    monkeypatch.setattr(Cells, "read", noted)
    assert len(Table.fit(of_two(4000)).copies) == 2  # found in turn, and compared anew before each
    assert sorted(read) == [(2, 0), (2, 1)]


def test_columns_that_are_equal_in_too_few_rows_are_not_read(monkeypatch):
    """Those of a few rows, say: each of a wide table has a value in common with many others."""
    read = []
    monkeypatch.setattr(Cells, "read", lambda cells, reference: read.append((cells.j, reference)))
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 12))).add_prefix("x")
    X.iloc[:4] = X.iloc[:4, [0]].to_numpy()
    assert Table.fit(X).copies == Table.fit(X[:3]).copies == ()
    assert read == []


def test_a_table_that_no_chain_needs_has_none():
    X = bills(1000)
    table = Table.fit(X, copies=False)
    assert table.copies == ()
    assert table.with_copies_of(X).copies[0].column == 2
