"""Cells that are the value of an earlier one: drawn as often as in the rows, and scored by a density."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae.tables import Table
from skvae.tables.copies import Copies, Copy
from tests.tables.bills import bills, drawn, of_table, share_paid, with_other_positions

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
