"""Real tables with categories and gaps, where SKVAE_DATA names the folder that holds them."""

import os
import warnings
from pathlib import Path

import pandas as pd
import pytest

from skvae import VAETransformer

DATA = os.environ.get("SKVAE_DATA")
pytestmark = pytest.mark.skipif(DATA is None, reason="SKVAE_DATA names no folder of real tables")


def read(name):
    return pd.read_csv(Path(DATA) / name / f"{name}.csv.gz")


@pytest.mark.parametrize(("name", "rows"), [("adult", 1000), ("horse_colic", 368), ("california_housing", 3000)])
def test_a_real_table_goes_in_and_comes_out(name, rows):
    table = read(name).sample(rows, random_state=0)
    train, test = table[: rows * 3 // 4], table[rows * 3 // 4 :]
    vae = VAETransformer(4, hidden_layer_sizes=(16,), max_iter=5, random_state=0).fit(train)
    assert vae.score(train) > vae.history_["validation_elbo"][0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* was not seen at fit")
        completed = vae.reconstruct(test)
    for rows_out in (completed, vae.sample(200, random_state=0)):
        assert (rows_out.dtypes == train.dtypes).all()
        for column in train.columns:
            if not pd.api.types.is_float_dtype(train[column]):
                assert (
                    rows_out[column].isin(train[column].unique()).all()
                    or rows_out[column].between(train[column].min(), train[column].max()).all()
                )
    assert completed.index.equals(test.index)
    assert completed.notna().all(axis=None)
