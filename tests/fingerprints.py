"""Digests of what twelve small fits come to: whether a change of the code has changed a number.

    python tests/fingerprints.py before.json    # on the old code: writes the file, which is not there yet
    python tests/fingerprints.py before.json    # on the new code: compares, and names what has moved

Digests hold on one machine and one version of torch, so they are kept nowhere.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits, load_iris, load_wine

from skvae import VAESearchCV, VAETransformer
from skvae.priors import Mixture

SMALL = {"n_components": 2, "hidden_layer_sizes": (16,), "max_iter": 4, "device": "cpu", "random_state": 0}


def mixed(n_rows=240):
    """A table with a column of every kind, some of them with gaps."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=n_rows)
    frame = pd.DataFrame(
        {
            "size": size,
            "price": np.round(np.exp(size + rng.normal(size=n_rows)), 2),
            "debt": -np.exp(size),
            "age": rng.integers(18, 90, size=n_rows),
            "visits": pd.array(rng.poisson(3, size=n_rows), dtype="Int64"),
            "flag": rng.random(n_rows) < 0.3,
            "kind": np.where(size > 0, "large", "small"),
            "grade": pd.Categorical(rng.choice(["low", "mid", "high"], n_rows), ["low", "mid", "high"], ordered=True),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(900, size=n_rows), unit="D"),
        }
    )
    frame.loc[::7, "size"] = np.nan
    frame.loc[::9, "kind"] = None
    frame.loc[::11, "visits"] = pd.NA
    frame.loc[::13, "day"] = pd.NaT
    return frame


def digest(*values):
    """A few letters that change with any bit of any of the values."""
    found = hashlib.sha256()
    for value in values:
        if isinstance(value, pd.DataFrame):
            found.update(value.to_csv(float_format="%.17g").encode())
        else:
            array = np.asarray(value, order="C")
            found.update(f"{array.dtype.str} {array.shape}".encode() + array.tobytes())
    return found.hexdigest()[:16]


def described(vae, X):
    """Digests of the weights, the scores and the draws of one model."""
    weights = [tensor.cpu().numpy() for _, tensor in sorted(vae.vae_.state_dict().items())]
    history = [np.array(column) for name, column in vae.history_.items() if name != "seconds"]
    table = vae.table_
    said = {
        "table": digest(table.loc, table.scale, table.lower, table.upper, table.gaps),
        "weights": digest(*weights),
        "history": digest(*history, vae.best_iter_, vae.kl_per_component_),
        "transform": digest(vae.transform(X), *vae.posterior(X)),
        "score": digest(vae.score_samples(X), vae.log_likelihood(X, n_draws=5)),
        "sample": digest(vae.sample(30, random_state=1)),
        "decode": digest(vae.inverse_transform(vae.transform(X)), vae.reconstruct(X, stochastic=True, random_state=2)),
        "impute": digest(vae.impute(X[:20], random_state=3)),
    }
    if isinstance(X, pd.DataFrame):
        said["given"] = digest(vae.sample(10, given={"kind": "small"}, random_state=4))
    return said


def fits():
    """The fits, by name: a fitted estimator and rows for it."""
    iris, wine, digits = load_iris().data, load_wine().data, load_digits().data[:600]
    frame, weights = mixed(), np.linspace(0, 2, len(iris))
    yield "default", VAETransformer(**SMALL).fit(iris), iris
    yield "student_t", VAETransformer(likelihood="student_t", **SMALL).fit(wine), wine
    yield "mixed", VAETransformer(add_indicator=True, **SMALL).fit(frame), frame
    yield "autoregressive", VAETransformer(decoder="autoregressive", **SMALL).fit(frame), frame
    yield "mixture", VAETransformer(prior=Mixture(5), **SMALL).fit(frame), frame
    yield "flow", VAETransformer(prior="flow", **SMALL).fit(wine), wine
    yield "iwae", VAETransformer(objective="iwae", n_draws=3, **SMALL).fit(iris), iris
    yield "bernoulli", VAETransformer(likelihood="bernoulli", **SMALL).fit(digits / 16), digits / 16
    yield "sample_weight", VAETransformer(**SMALL).fit(iris, sample_weight=weights), iris
    yield "X_val", VAETransformer(**SMALL).fit(iris[::2], X_val=iris[1::2]), iris
    again = VAETransformer(warm_start=True, **SMALL).fit(iris)
    yield "warm_start", again.fit(iris[::2]).partial_fit(iris[1::2]), iris
    chunks = [frame[:100], frame[100:]]
    yield "fit_chunks", VAETransformer(**SMALL).fit_chunks(chunks), frame
    search = VAESearchCV(VAETransformer(**SMALL), {"n_components": [1, 3]}, cv=2, factor=2).fit(wine)
    yield "search", search.best_estimator_, wine


def main(path):
    """Write the digests, or compare them with those that are written."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # more threads add up in another order
    found = {name: described(vae, X) for name, vae, X in fits()}
    if not path.exists():
        path.write_text(json.dumps(found, indent=1))
        return f"wrote {path}"
    before = json.loads(path.read_text())
    moved = [
        f"{name}: {what}" for name in before for what in before[name] if found[name].get(what) != before[name][what]
    ]
    return f"{len(moved)} moved: {', '.join(moved)}" if moved else f"all {len(before)} fits are as before"


if __name__ == "__main__":
    print(message := main(Path(sys.argv[1])))
    sys.exit("moved" in message)
