"""Tables that the tests of attacks share."""

import numpy as np
import pandas as pd


def people(n_rows, seed):
    """Rows of mixed columns that hang together, with gaps."""
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 12, n_rows).round(1)
    table = pd.DataFrame(
        {
            "age": age,
            "visits": rng.poisson(3, n_rows),
            "pay": (age * 50 + rng.normal(0, 300, n_rows)).round(),
            "town": rng.choice(["a", "b", "c", None], n_rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n_rows), unit="D"),
        }
    )
    return table.mask(rng.random(table.shape) < 0.05)
