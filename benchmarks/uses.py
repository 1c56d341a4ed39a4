"""Does one fit serve every use?

One model a table, fitted to the training rows of `tables.py`, gives all figures: a linear probe of the last column,
which is hidden from `transform`; the score of test rows (z alone) and their log-likelihood, nats a row; the figures of
`tables.py` for as many synthetic rows; the last column inferred from all others, beside boosting trained on real rows
(adult: AUC; others R²); the time of 1,000 rows under one condition; CPU seconds of the fit. The same of the decoders
that serve one use, for comparison.

    SKVAE_DATA=... python benchmarks/uses.py [--tables adult] [--decoders auto] [--seeds 2]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tables import judge, split

from skvae import VAETransformer


def is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)


def probe(vae: VAETransformer, train: pd.DataFrame, test: pd.DataFrame, target: str) -> float:
    """What a linear model makes of the coordinates of rows without their target: R², or AUC of the second class."""

    def coordinates(rows: pd.DataFrame) -> np.ndarray:
        gap = pd.Series([None] * len(rows), rows.index, object if not is_number(rows[target]) else float)
        return vae.transform(rows.assign(**{target: gap}))

    if is_number(train[target]):
        model: Any = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 7)))
        model.fit(coordinates(train), train[target])
        return float(r2_score(test[target], model.predict(coordinates(test))))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(coordinates(train), train[target])
    second = model.classes_[1]
    return float(roc_auc_score(test[target] == second, model.predict_proba(coordinates(test))[:, 1]))


def inferred(vae: VAETransformer, test: pd.DataFrame, target: str) -> float:
    """The same figure for the target as the model infers it from all other columns."""
    if is_number(test[target]):
        return float(r2_score(test[target], vae.infer(test, target)))
    shares = vae.infer_proba(test, target)
    return float(roc_auc_score(test[target] == shares.columns[1], shares.iloc[:, 1]))


def boosted(train: pd.DataFrame, test: pd.DataFrame, target: str) -> float:
    """The same figure of gradient boosting."""
    both = pd.concat([train, test]).drop(columns=target)
    categories = [name for name in both if not is_number(both[name])]
    coded = both.assign(**{name: pd.factorize(both[name], sort=True)[0] for name in categories})
    coded[categories] = coded[categories].astype(float).where(coded[categories] >= 0)
    rows, new = coded[: len(train)], coded[len(train) :]
    if is_number(train[target]):
        model = HistGradientBoostingRegressor(categorical_features=categories, random_state=0)
        return float(r2_score(test[target], model.fit(rows, train[target]).predict(new)))
    model = HistGradientBoostingClassifier(categorical_features=categories, random_state=0).fit(rows, train[target])
    return float(roc_auc_score(test[target] == model.classes_[1], model.predict_proba(new)[:, 1]))


def figures(name: str, decoder: str, seed: int) -> dict[str, float]:
    """All figures of one fit."""
    train, test = split(name)
    target = train.columns[-1]
    start = time.process_time()
    vae = VAETransformer(n_components=10, decoder=decoder, random_state=seed).fit(train)
    result = {"fit s": time.process_time() - start, "probe": probe(vae, train, test, target)}
    result |= {"score": vae.score(test), "log p": float(vae.log_likelihood(test).mean())}
    drawn = vae.sample(len(train), random_state=seed)
    result |= judge(name, train, test, drawn, seed)
    start = time.perf_counter()
    for value in train[target].sample(5, random_state=seed):
        vae.sample(1000, given={target: value}, random_state=seed)
    result["given s"] = (time.perf_counter() - start) / 5
    if decoder != "autoregressive":  # particles for every row
        result["inferred"] = inferred(vae, test, target)
        result["boosted"] = boosted(train, test, target)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=["california_housing", "adult", "beijing"])
    parser.add_argument("--decoders", nargs="+", default=["auto", "autoregressive", "factorized"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    rows = []
    for name in options.tables:
        for decoder in options.decoders:
            for seed in options.seeds:
                row = figures(name, decoder, seed)
                rows.append({"table": name, "decoder": decoder, "seed": seed} | row)
                print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False), flush=True)
    print(pd.DataFrame(rows).groupby(["table", "decoder"], sort=False).mean().drop(columns="seed").round(3).to_string())


if __name__ == "__main__":
    main()
