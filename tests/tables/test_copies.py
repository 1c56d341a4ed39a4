"""Cells that are the value of an earlier one: found where they are, drawn as often, and scored by a density."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae.tables import Table, column_of
from skvae.tables.copies import Cells, Copies, Copy
from tests.tables.bills import bills, share_paid


def copies_of(X):
    """Pairs of names: who copies whom."""
    names = list(X.columns)
    return [(names[copy.column], names[copy.reference]) for copy in Table.fit(X).copies]


def of_two(n):
    """A column whose cells are those of one of two others in half of the rows."""
    rng = np.random.default_rng(0)
    a, b, other = (np.round(rng.lognormal(4, 0.5, n), 2) for _ in range(3))
    return pd.DataFrame({"a": a, "b": b, "c": np.select([rng.random(n) < 0.2, rng.random(n) < 0.4], [a, b], other)})


def of_table(table):
    """The copies of a table, with the columns that they need."""
    return Copies(table.copies, table.ranged)


def chances(X, table, seed=0):
    return np.random.default_rng(seed).random((len(X), len(table.copies)))


def with_other_positions(X, table, seed=0):
    """Rows in which positions within the levels of columns that copy are drawn anew: those of a perfect chain."""
    rng, rows = np.random.default_rng(seed), X.copy()
    for j in {copy.column for copy in table.copies}:
        bins = table.ranged[j].bins
        cells = bins.encode(table.ranged[j].numbers(column_of(X, j)))
        values = table.ranged[j].number.decode(bins.decode(np.floor(cells) + 0.999 * rng.random(len(X))))
        if isinstance(X, pd.DataFrame):
            rows.isetitem(j, pd.Series(values, index=X.index, dtype=X.dtypes.iloc[j]))
        else:
            rows[:, j] = values
    return rows


def drawn(X, table, seed=0, **options):
    return of_table(table).draw(with_other_positions(X, table, seed), chances(X, table, seed), **options)


# -- what is found ---------------------------------------------------------------------------------------------------


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


def test_a_table_that_no_chain_needs_has_none():
    X = bills(1000)
    table = Table.fit(X, copies=False)
    assert table.copies == ()
    assert table.with_copies_of(X).copies[0].column == 2


# -- what is drawn ---------------------------------------------------------------------------------------------------

DTYPES = ["float64", "Float64", "float32", "int64", "int32", "Int64", "uint16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_are_as_frequent_as_in_the_rows_and_exact(dtype):
    X = bills(8000)
    if "int" in dtype.lower():
        X[["bill", "pay"]] = (10 * X[["bill", "pay"]]).clip(upper=65_000).round().astype(dtype)
    X = X.astype({"bill": dtype, "pay": dtype})
    table = Table.fit(X)
    before = with_other_positions(X, table)
    rows = drawn(X, table)
    assert share_paid(before) < 0.02
    assert share_paid(rows) == pytest.approx(share_paid(X), rel=0.1)
    assert rows.dtypes.equals(X.dtypes)
    is_copy = rows["pay"] == rows["bill"]
    pd.testing.assert_frame_equal(rows[~is_copy], before[~is_copy])
    pd.testing.assert_frame_equal(rows.drop(columns="pay"), before.drop(columns="pay"))


def test_floats_without_common_decimals_are_copied_to_the_last_bit():
    rng, n = np.random.default_rng(0), 4000
    bill = rng.lognormal(size=n)
    X = pd.DataFrame({"bill": bill, "pay": np.where(rng.random(n) < 0.2, bill, rng.lognormal(size=n))})
    assert share_paid(drawn(X, Table.fit(X))) == pytest.approx(0.2, rel=0.1)


def test_moments_are_copied_exactly():
    X = bills(4000)
    first = pd.Timestamp("2020-01-01 12:00:00.000000001")
    X = pd.DataFrame({name: first + pd.to_timedelta(np.round(X[name] * 100), unit="s") for name in ("bill", "pay")})
    rows = drawn(X, Table.fit(X))
    assert share_paid(rows) == pytest.approx(share_paid(X), rel=0.1)
    assert rows.dtypes.equals(X.dtypes)


def test_a_level_keeps_its_share():
    X = bills(8000)
    table = Table.fit(X)
    bins = table.ranged[2].bins
    counts = [
        np.bincount(bins.encode(rows["pay"].to_numpy()).astype(int), minlength=len(bins.edges))
        for rows in (with_other_positions(X, table), drawn(X, table))
    ]
    assert_allclose(counts[1], counts[0], atol=3)  # but for values next to an edge


def test_without_copies_rows_stay_as_they_are(mixed):
    copies = Copies((), {})
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert copies.draw(mixed, copies.chances(len(mixed), generator)) is mixed
    assert torch.equal(generator.get_state(), before)


def test_chances_are_those_of_the_generator():
    copies = of_table(Table.fit(bills(1000)))
    chances = copies.chances(9, torch.Generator().manual_seed(3))
    assert_array_equal(chances, torch.rand((9, 1), generator=torch.Generator().manual_seed(3)))


def test_known_cells_stay():
    X = bills(3000)
    table = Table.fit(X)
    before = with_other_positions(X, table)
    is_known = np.zeros(X.shape, dtype=bool)
    is_known[:1500, 2] = True
    rows = drawn(X, table, is_known=is_known)
    pd.testing.assert_frame_equal(rows[:1500], before[:1500])
    assert share_paid(rows[1500:]) > 0.1


def test_arrays_and_rows_with_identifiers():
    X = bills(2000)
    named = X.assign(id=range(10_000, 12_000))[["id", "kind", "bill", "pay"]]
    table = Table.fit(named)
    assert list(table.identifiers) == [0] and [(copy.column, copy.reference) for copy in table.copies] == [(3, 2)]
    assert table.copied == [(2, 1)]  # without the identifier
    assert share_paid(drawn(named, table)) > 0.1
    array = X[["bill", "pay"]].to_numpy()
    table = Table.fit(array, "histogram")
    rows = drawn(array, table)
    assert isinstance(rows, np.ndarray) and (rows[:, 0] == rows[:, 1]).mean() == pytest.approx(0.14, rel=0.2)


def test_rare_values_do_not_come_back():
    """Of the largest bills, which are protected, none is paid: a copy is of what was drawn."""
    X = bills(1000)
    table = Table.fit(X, protect=5)
    rows = drawn(X, table)
    assert share_paid(rows) > 0.1
    assert rows["pay"].max() <= table.ranged[2].bins.maximum < X["pay"].max()


# -- what is scored --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["cents", "whole numbers", "floats"])
def test_the_density_integrates_to_one(what):
    """A point at the bill, single values, and the widths of ranges; for whatever the bill is."""
    X = bills(4000)
    factor = {"cents": 1.0, "whole numbers": 100.0, "floats": np.random.default_rng(1).lognormal(0, 0.01, (4000, 1))}
    X[["bill", "pay"]] *= factor[what]
    if what == "whole numbers":
        X = X.round().astype({"bill": int, "pay": int})
    table = Table.fit(X)
    bins, share = table.ranged[2].bins, table.ranged[2].frequencies
    for bill in X["bill"][:40]:
        middles = bins.decode(np.arange(len(share)) + 0.499)
        middles = np.where(middles == bill, bins.decode(np.arange(len(share)) + 0.3), middles)
        pay = np.append(middles, bill)
        level = bins.encode(pay).astype(int)
        rows = pd.DataFrame({"kind": "a", "bill": bill, "pay": pay}).astype(X.dtypes)
        log_density = np.log(share[level]) - bins.log_width[level]
        log_density += of_table(table).log_prob(rows)
        width = np.exp(bins.log_width[level])
        width[-1] = float(bins.covers(np.array([bill]))[0])  # else it is a single value, or none of the column's
        assert_allclose((np.exp(log_density) * width).sum(), 1.0, rtol=1e-9)


def test_two_references_at_one_value_are_one_point():
    """The second counts only where the first was no other way to the same value."""
    rng, n = np.random.default_rng(0), 4000
    a = np.round(rng.lognormal(4, 0.5, n), 2)
    b = np.where(rng.random(n) < 0.5, a, np.round(rng.lognormal(4, 0.5, n), 2))
    free = np.round(rng.lognormal(4, 0.5, n), 2)
    X = pd.DataFrame({"a": a, "b": b, "c": np.select([rng.random(n) < 0.2, rng.random(n) < 0.3], [a, b], free)})
    table = Table.fit(X)
    of_c = [copy for copy in table.copies if copy.column == 2]
    assert len(of_c) == 2
    column = table.ranged[2]
    for first, second in [(54.21, 54.21), (54.21, 54.22), (30.0, 200.0)]:
        values = np.unique(np.round(np.arange(20, 300, 0.01), 2))
        rows = pd.DataFrame({"a": first, "b": second, "c": values})
        log_prob = Copies(of_c, table.ranged).log_prob(rows)
        level = column.bins.encode(values).astype(int)
        is_point = np.isin(values, [first, second])
        for t in np.unique(level[is_point]):
            inside = (level == t) & ~is_point
            points = np.exp(log_prob - column.bins.log_width[level])[(level == t) & is_point].sum()
            assert np.ptp(log_prob[inside]) == 0
            assert_allclose(np.exp(log_prob[inside][0]) + points, 1.0, rtol=1e-9)


def test_rows_that_keep_apart_score_higher_without():
    X = bills(4000)
    table = Table.fit(X)
    log_prob = of_table(table).log_prob(X)
    is_paid = (X["pay"] == X["bill"]).to_numpy()
    assert log_prob[is_paid].mean() > 0 and (log_prob[~is_paid] <= 0).all()
    assert log_prob.mean() > 0


# -- what a file may hold --------------------------------------------------------------------------------------------


def test_what_cannot_be_a_copy_is_refused():
    shares = np.full(3, 0.5)
    for column, reference, of_levels in [(1, 1, shares), (0, 1, shares), (1, -1, shares), (1, 0, shares + 1)]:
        with pytest.raises(ValueError, match="cannot copy column"):
            Copy(column, reference, of_levels)
    with pytest.raises(ValueError, match="cannot copy column"):
        Copy(1, 0, np.array([np.nan]))


def test_copies_must_be_those_of_columns():
    X = bills(2000)
    X["day"] = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.round(X["bill"]), unit="D")
    ranged = Table.fit(X).ranged
    (copy,) = Table.fit(X).copies
    assert Copies([], ranged).are_possible() and Copies([copy], ranged).are_possible()
    n_levels = len(ranged[3].edges)
    others = [Copy(2, 0, copy.shares), Copy(9, 1, copy.shares), Copy(2, 1, copy.shares[1:])]
    others.append(Copy(3, 1, np.full(n_levels, 0.5)))  # dates that are numbers
    for other in others:
        assert not Copies([other], ranged).are_possible()
    assert not Copies([Copy(3, 2, copy.shares), copy], ranged).are_possible()
