import numpy as np
import pandas as pd
import pytest
import torch

from skvae import VAETransformer
from skvae.models.bonds import Bonds
from skvae.tables import Copies, Rulebook, Table
from tests.tables.bills import bills, share_paid

BILLS = bills(3000)
NOTHING = Copies((), {})


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def strangers(at):
    """As many bills and payments that have nothing to do with one another."""
    rows, other = bills(len(at), seed=1, share=0.0), bills(len(at), seed=2, share=0.0)
    return rows.assign(pay=other["pay"])


def bonds(*, copies=True, rules=True, named=()):
    table = Table.fit(BILLS, copies=copies)
    return Bonds(Copies(table.copies, table.ranged), Rulebook.found(BILLS) if rules else None, named)


def test_nothing_that_holds_is_false():
    assert not bonds(copies=False, rules=False)
    assert bonds(rules=False) and bonds(copies=False)


def test_without_a_chain_there_are_no_copies(paid):
    alone = VAETransformer(1, max_iter=1, decoder="factorized", random_state=0).fit(BILLS)
    assert len(Bonds.of(paid.table_, paid.vae_, None).copies) == 1
    assert len(Bonds.of(paid.table_, alone.vae_, None).copies) == 0


def test_where_nothing_holds_rows_stay_as_they_are():
    rows, broken = bonds(copies=False, rules=False).keep(BILLS, strangers, generator())
    assert rows is BILLS and not broken.any()


def test_copies_are_drawn_before_rules_are_kept():
    before = strangers(range(2000))
    rows, broken = bonds().keep(before, strangers, generator())
    assert not broken.any() and (rows["pay"] <= rows["bill"]).all()
    assert share_paid(before) <= 0.001 and share_paid(rows) > 0.005
    alone, _ = bonds(rules=False).keep(before, strangers, generator())
    assert share_paid(alone) > 0.005 and (alone["pay"] > alone["bill"]).any()


def test_means_are_no_copies():
    before = strangers(range(500))
    rows, _ = bonds(rules=False).keep(before, strangers, generator(), are_means=True)
    assert rows is before


def test_known_cells_and_names_stay():
    before = strangers(range(800))
    is_known = np.zeros(before.shape, dtype=bool)
    is_known[:, 1] = True
    rows, _ = bonds(named=(0,)).keep(before, strangers, generator(), is_known)
    pd.testing.assert_frame_equal(rows[["kind", "bill"]], before[["kind", "bill"]])
    assert not rows["pay"].equals(before["pay"])


def test_given_cells_that_break_a_rule_are_refused():
    before = strangers(range(5)).assign(bill=10.0, pay=20.0)
    is_given = np.zeros(before.shape, dtype=bool)
    is_given[:, 1:] = True
    with pytest.raises(ValueError, match=r"row 0 of given breaks 'pay <= bill'"):
        bonds().enforce(before, strangers, generator(), is_given)
    rows, broken = bonds().keep(before, strangers, generator(), is_given)
    assert broken.all()
    pd.testing.assert_frame_equal(rows, before)


def test_rows_that_keep_all_are_not_refused():
    before = strangers(range(300))
    one, other = bonds().enforce(before, strangers, generator()), bonds().keep(before, strangers, generator())[0]
    pd.testing.assert_frame_equal(one, other)
