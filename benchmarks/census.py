"""Do ten coordinates of a mixed table know as much as ten principal components of its one-hot encoding?

The census table "adult": fitted on the 32,561 training rows as they are, gaps included, with all 15 columns and with
the income left out; a logistic regression on the coordinates predicts income on the 16,281 test rows.

    SKVAE_DATA=... python benchmarks/census.py [--seeds 3]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from data import read
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skvae import VAETransformer


def one_hot_pca():
    """Ten principal components of standardised numbers and one-hot categories."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(encoder, PCA(10))


def auc(reducer, train, test, y_train, y_test) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(reducer.transform(train), y_train)
    return roc_auc_score(y_test, model.decision_function(reducer.transform(test)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    table = read("adult")
    part = table.pop("split")
    train, test = table[part == part.iloc[0]], table[part != part.iloc[0]]
    y_train, y_test = train["income"] == ">50K", test["income"] == ">50K"
    print(f"{len(train)} training rows, {len(test)} test rows, {int(train.isna().sum().sum())} missing cells")

    for columns in (list(table.columns), [name for name in table.columns if name != "income"]):
        pca = auc(one_hot_pca().fit(train[columns]), train[columns], test[columns], y_train, y_test)
        rows = []
        for seed in seeds:
            start = time.perf_counter()
            vae = VAETransformer(10, random_state=seed).fit(train[columns])
            fitted = time.perf_counter()
            synthetic = vae.sample(len(train), random_state=seed)
            row = {"AUC": auc(vae, train[columns], test[columns], y_train, y_test), "score": vae.score(test[columns])}
            row |= {"fit s": fitted - start, "sample s": time.perf_counter() - fitted}
            row["same dtypes"] = (synthetic.dtypes == train[columns].dtypes).all()
            row["seen only"] = all(
                synthetic[name].isin(train[name].unique()).all()
                for name in columns
                if not pd.api.types.is_numeric_dtype(train[name])
            )
            rows.append(row)
        frame = pd.DataFrame(rows, index=pd.Index(seeds, name="seed"))
        print(
            f"\n{len(columns)} columns: AUC of PCA(10) of the one-hot table {pca:.4f}, ours {frame['AUC'].mean():.4f}"
        )
        print(frame.round(4).to_string(), flush=True)
        assert np.isfinite(frame["score"]).all()


if __name__ == "__main__":
    main()
