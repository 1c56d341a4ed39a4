"""Tables in which cells are the value of an earlier one in some of the rows."""

import numpy as np
import pandas as pd

from skvae.tables import Copies, Table, column_of


def bills(n, seed=0, share=0.14):
    """Bills in cents, and payments: all of the bill in this share of the rows, else something else."""
    rng = np.random.default_rng(seed)
    bill = np.round(rng.lognormal(5, 1, n), 2)
    pay = np.where(rng.random(n) < share, bill, np.round(bill * rng.beta(2, 3, n), 2))
    return pd.DataFrame({"kind": rng.choice(["a", "b"], n), "bill": bill, "pay": pay})


def share_paid(rows):
    """Share of the rows in which a payment is the bill."""
    return float((rows["bill"] == rows["pay"]).mean())


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
