"""How far is the held-out log-likelihood of bits from the best that is published?

Six sets of Lowd and Davis (2010) and Van Haaren and Davis (2012), whose training, validation and test rows are fixed,
so that test log-likelihoods compare with the literature's; the best published ones are those that we know of. Beside
ours stands a Chow-Liu tree: the best distribution in which each column depends on one other.

Ours are fitted to the training rows, and the validation rows choose the weights. Those with z are scored by the
importance-weighted bound, which is below the log-likelihood, the chains exactly. "default" is what fit does with an
array, "frame" with a DataFrame of 0 and 1, of the training and validation rows; "chain" has those of an array.
Each fit leaves OUT/SET-MODEL-SEED.json; what is there is not run again.

    SKVAE_DATA=... python benchmarks/binary_boards.py [--sets nltcs dna] [--models tree default chain] [--out binary]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from data import find
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from skvae import VAETransformer

BEST = {"nltcs": -5.99, "plants": -12.0, "baudio": -39.4, "jester": -52.4, "accidents": -26.0, "dna": -79.0}
FAST = {"decoder": "conditional", "hidden_layer_sizes": (), "learning_rate": 0.02, "weight_decay": 3.0, "max_iter": 9}
OURS = {
    "default": {},
    "normal": {"n_components": 20},
    "mixture": {"n_components": 20, "prior": "mixture"},
    "flow": {"n_components": 20, "prior": "flow"},
    "autoregressive": {"decoder": "autoregressive"},
    "chain": {"decoder": "conditional"},
    "linear chain": FAST,
}
MODELS = ["tree", "frame", *OURS]


def parts(name: str) -> list[np.ndarray]:
    """Training, validation and test rows."""
    meta = json.loads(find("binary_boards", "npz").with_name("meta.json").read_text())
    n_columns = next(board["columns"] for board in meta["sets"] if board["name"] == name)
    with np.load(find("binary_boards", "npz")) as bits:
        return [
            np.unpackbits(bits[f"{name}/{part}"], axis=1)[:, :n_columns].astype(bool)
            for part in ("train", "valid", "test")
        ]


def chow_liu(train: np.ndarray, test: np.ndarray) -> np.ndarray:
    r"""Log-likelihood of test rows under the tree of greatest mutual information.

    .. math:: \log p(x) = \sum_d \log p(x_d \mid x_{parent(d)})

    References
    ----------
    Chow and Liu (1968), Approximating Discrete Probability Distributions with Dependence Trees.
    """
    ones, n_columns = train.astype(float), train.shape[1]
    cells = np.stack([1 - ones, ones])  # (2, N, D)
    joint = np.einsum("and,bne->abde", cells, cells, optimize=True) + 0.25  # counts, and one row of pseudo-counts
    joint /= joint.sum(axis=(0, 1))
    margin = joint.sum(axis=1)[:, :, :1].squeeze(-1)  # (2, D)
    information = (joint * np.log(joint / (margin[:, None, :, None] * margin[None, :, None, :]))).sum(axis=(0, 1))
    tree = minimum_spanning_tree(-np.maximum(information, 1e-12))
    order, parents = breadth_first_order(tree, 0, directed=False)
    x = test.astype(int)
    log_prob = np.log(margin[:, 0])[x[:, 0]]
    for d in order[1:]:
        parent = parents[d]
        log_prob += np.log(joint[x[:, d], x[:, parent], d, parent] / margin[x[:, parent], parent])
    assert len(order) == n_columns
    return log_prob


def fitted(name: str, model: str, seed: int, n_draws: int) -> dict[str, float]:
    """Mean test log-likelihood in nats, its standard error, the score, and seconds."""
    train, valid, test = parts(name)
    start = time.process_time()
    if model == "tree":
        log_prob, elbo = chow_liu(np.concatenate([train, valid]), test), np.nan
    elif model == "frame":
        bits = np.concatenate([train, valid]), test
        rows, new = (pd.DataFrame(part.astype(int)).rename(columns=str) for part in bits)
        log_prob, elbo = VAETransformer(random_state=seed).fit(rows).log_likelihood(new), np.nan
    else:
        vae = VAETransformer(**OURS[model], random_state=seed).fit(train, X_val=valid)
        log_prob = vae.log_likelihood(test, n_draws=None if "chain" in model else n_draws)
        elbo = np.nan if "chain" in model else vae.score(test)
    error = log_prob.std() / np.sqrt(len(test))
    return {"nats": log_prob.mean(), "error": error, "elbo": elbo, "cpu_s": time.process_time() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(BEST), choices=list(BEST))
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--draws", type=int, default=1000, help="of the importance-weighted bound")
    parser.add_argument("--out", type=Path, default=Path("binary"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.sets:
        for model in options.models:
            for seed in options.seeds:
                path = options.out / f"{name}-{model}-{seed}.json"
                if not path.exists():
                    path.write_text(json.dumps(fitted(name, model, seed, options.draws)))
                    print(path.stem, path.read_text(), flush=True)
                rows.append({"set": name, "model": model} | json.loads(path.read_text()))
    table = pd.DataFrame(rows).pivot_table(index="set", columns="model", values=["nats", "cpu_s"], sort=False)
    table["best published"] = pd.Series(BEST)
    print(table.round(2).to_string())


if __name__ == "__main__":
    main()
