"""Tables in which cells are the value of an earlier one in some of the rows."""

import numpy as np
import pandas as pd


def bills(n, seed=0, share=0.14):
    """Bills in cents, and payments: all of the bill in this share of the rows, else something else."""
    rng = np.random.default_rng(seed)
    bill = np.round(rng.lognormal(5, 1, n), 2)
    pay = np.where(rng.random(n) < share, bill, np.round(bill * rng.beta(2, 3, n), 2))
    return pd.DataFrame({"kind": rng.choice(["a", "b"], n), "bill": bill, "pay": pay})


def share_paid(rows):
    """Share of the rows in which a payment is the bill."""
    return float((rows["bill"] == rows["pay"]).mean())
