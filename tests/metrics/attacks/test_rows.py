import numpy as np
import pytest

from skvae.metrics.attacks.rows import Rows
from tests.metrics.attacks.people import people


def test_tables_share_one_code():
    tables = [people(9, seed) for seed in range(4)]
    tables[3] = tables[3][tables[3].columns[::-1]].assign(town="z")
    rows = Rows.of(*tables)
    assert rows.members.shape == rows.reference.shape == (9, 5)
    assert rows.is_number.tolist() == [True, True, True, False, True]
    assert np.isnan(rows.members).any()
    assert (rows.reference[:, 3] == 3).all()  # a level that comes after those of the others


def test_scores_are_split_where_members_end():
    rows = Rows.of(*(people(n_rows, n_rows) for n_rows in (9, 8, 7, 6)))
    np.testing.assert_array_equal(rows.asked, np.concatenate([rows.members, rows.others]))
    np.testing.assert_array_equal(rows.known, np.concatenate([rows.synthetic, rows.reference]))
    outcome = rows.outcome("an attack", np.repeat([1.0, 0.0], [9, 8]))
    assert (outcome.attack, outcome.needs, outcome.auc) == ("an attack", "rows", 1.0)
    assert (outcome.n_members, outcome.n_others) == (9, 8)


def test_an_attacker_may_hold_no_real_rows():
    rows = Rows.of(*(people(9, seed) for seed in range(3)))
    assert rows.reference.shape == (0, 5)
    np.testing.assert_array_equal(rows.known, rows.synthetic)


def test_tables_must_agree():
    tables = [people(9, seed) for seed in range(4)]
    with pytest.raises(
        ValueError, match=r"members and reference must have the same columns, but reference lacks \['age'"
    ):
        Rows.of(*tables[:3], tables[3].drop(columns="age"))
