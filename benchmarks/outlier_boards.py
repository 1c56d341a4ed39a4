"""Does `VAEOutlierDetector` find the outliers of a hundred sets better than scikit-learn's detectors?

Sixty sets of OddBench and forty of OvRBench that others made: at most 1,500 rows to train on, which are normal ones,
and as many to rank, outliers among them. Every detector has its defaults, and is fitted on the training rows as they
are; all but the forest and ours see standardised columns. kNN is the mean distance to the five nearest training rows,
the mixture has five full covariances, and PCA's score is the squared distance to the plane of nine tenths of the
variance.

Printed: area under the curve (AUROC) of each set, mean of the seeds, and the processor seconds of a fit with its
scores; then for the sets at even positions, by which to choose, for those at odd positions, which confirm a choice, and
for all: the means, the share of sets above IsolationForest, and the median seconds.

    SKVAE_DATA=... python benchmarks/outlier_boards.py [--half even] [--sets Photo Land] [--seeds 0 1] [--rows 600]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from data import find
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from skvae import VAEOutlierDetector

FOREST, OURS = "IsolationForest", "VAEOutlierDetector"


class Board(NamedTuple):
    """One set: rows to train on, rows to rank, and which of these are outliers."""

    name: str
    half: str
    train: np.ndarray
    test: np.ndarray
    is_odd: np.ndarray


def boards(half: str, words: list[str], max_rows: int) -> Iterator[Board]:
    """The sets of one half, or of both, whose names hold one of the words; at most so many training rows."""
    names = [
        board["name"] for board in json.loads(find("outlier_boards", "npz").with_name("meta.json").read_text())["sets"]
    ]
    with np.load(find("outlier_boards", "npz")) as arrays:
        for position, name in enumerate(names):
            own_half = ("even", "odd")[position % 2]
            if half in ("both", own_half) and any(word in name for word in words):
                train, test = (arrays[f"{name}/{part}"].astype(float) for part in ("train", "test"))
                drawn = np.random.default_rng(0).permutation(len(train))[:max_rows]
                yield Board(name, own_half, train[np.sort(drawn)], test, arrays[f"{name}/labels"].astype(bool))


def neighbours(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    scaler = StandardScaler().fit(train)
    nearest = NearestNeighbors(n_neighbors=5).fit(scaler.transform(train))
    return -nearest.kneighbors(scaler.transform(test))[0].mean(axis=1)


def forest(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    return IsolationForest(random_state=seed).fit(train).score_samples(test)


def mixture(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    scaler = StandardScaler().fit(train)
    return GaussianMixture(5, random_state=seed).fit(scaler.transform(train)).score_samples(scaler.transform(test))


def plane(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    scaler = StandardScaler().fit(train)
    Z = scaler.transform(test)
    pca = PCA(0.9, svd_solver="full").fit(scaler.transform(train))
    return -np.square(Z - pca.inverse_transform(pca.transform(Z))).sum(axis=1)


def ours(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    return VAEOutlierDetector(random_state=seed).fit(train).score_samples(test)


DETECTORS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "kNN(5)": neighbours,
    FOREST: forest,
    "mixture": mixture,
    "PCA": plane,
    OURS: ours,
}


def run(board: Board, detector: str, seed: int) -> dict[str, object]:
    """Area under the curve and processor seconds of one detector on one set."""
    start = time.process_time()
    scores = DETECTORS[detector](board.train, board.test, seed)
    seconds = time.process_time() - start
    auc = roc_auc_score(~board.is_odd, scores)
    size = {"rows": len(board.train), "columns": board.train.shape[1]}
    return {
        "set": board.name,
        "half": board.half,
        **size,
        "seed": seed,
        "detector": detector,
        "auc": auc,
        "cpu_s": seconds,
    }


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """What each detector reaches over the sets."""
    auc, seconds = (
        results.pivot_table(index=["set", "seed"], columns="detector", values=value, sort=False)
        for value in ("auc", "cpu_s")
    )
    above = (auc.gt(auc[FOREST], axis=0)).mean() if FOREST in auc else np.nan
    return pd.DataFrame({"AUROC": auc.mean(), "above forest": above, "median CPU s": seconds.median()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", default="both", choices=["even", "odd", "both"], help="sets at these positions")
    parser.add_argument("--sets", nargs="+", default=[""], help="words of which a set's name holds one")
    parser.add_argument("--rows", type=int, default=2000, help="training rows, at most")
    parser.add_argument("--detectors", nargs="+", default=list(DETECTORS), choices=list(DETECTORS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows = []
    for board in boards(options.half, options.sets, options.rows):
        rows += [run(board, detector, seed) for detector in options.detectors for seed in options.seeds]
        shown = pd.DataFrame(rows[-len(options.detectors) * len(options.seeds) :]).groupby("detector", sort=False)
        print(board.name, board.train.shape, shown[["auc", "cpu_s"]].mean().round(3).to_dict(), flush=True)
    results = pd.DataFrame(rows)
    for half, part in results.groupby("half"):
        print(f"\nsets at {half} positions: {part['set'].nunique()}\n{summary(part).round(4).to_string()}")
    print(f"\nall {results['set'].nunique()} sets\n{summary(results).round(4).to_string()}")


if __name__ == "__main__":
    main()
