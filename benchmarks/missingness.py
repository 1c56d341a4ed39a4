"""Thirteen patterns of missing cells, as in MissBench: which fifth of a table's observed cells is hidden?

MissBench is the benchmark of TabImpute (Feitelberg et al. 2025, arXiv:2510.02625); the patterns are written from the
definitions and settings of its repository (github.com/jacobf18/tabular, prior/training_set_generation.py). There, the
share of hidden cells depends on the pattern (a tenth to a half or more). Here, each pattern gives every cell a score,
and the fifth of the observed cells with the largest scores is hidden. Where the source hides a cell with probability
σ(logit), the score is the logit plus logistic noise, so the cut at a fifth is the intercept of that regression.

A pattern sees a standardised table: categories are the codes of their sorted values, a gap is the mean. No row loses
all cells, and no column more than nine tenths of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.special import logit

SHARE = 0.2


def codes(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as they are, categories as codes; a gap is NaN."""
    coded = {}
    for name, column in table.items():
        if pd.api.types.is_numeric_dtype(column):
            coded[name] = column.to_numpy(float, na_value=np.nan)
        else:
            found, _ = pd.factorize(column, sort=True)
            coded[name] = np.where(found < 0, np.nan, found)
    return pd.DataFrame(coded, table.index)


def standardised(values: pd.DataFrame) -> np.ndarray:
    """Columns of mean 0 and variance 1, constant ones and gaps at 0."""
    return ((values - values.mean()) / values.std().replace(0, 1)).fillna(0).to_numpy()


def positions(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Ranks within each column as a share in (0, 1], equal values in random order: a share of any column can go."""
    shuffled = pd.DataFrame(X).iloc[rng.permutation(len(X))]
    return shuffled.rank(method="first", pct=True).sort_index().to_numpy()


def mcar(X: np.ndarray, rng: Generator) -> np.ndarray:
    """MCAR: every cell is as likely as any other."""
    return rng.logistic(size=X.shape)


def mar(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Col-MAR: a random linear function of some columns, always seen, decides on each cell of the others."""
    n_columns = X.shape[1]
    seen = rng.choice(n_columns, rng.integers(1, max(2, n_columns // 2)), replace=False)
    score = (X[:, seen] @ rng.normal(size=len(seen)))[:, None] + rng.logistic(size=X.shape)
    score[:, seen] = -np.inf
    return score


def network_logits(X: np.ndarray, rng: Generator) -> np.ndarray:
    """A random network for each column, on random other columns of the row and of a few random other rows.

    DIFFERS from the source, where each cell has a network of its own, unscaled weights, so that nearly all outputs are
    saturated, and itself as an input, so that the pattern is none of MAR.
    """
    n_rows, n_columns = X.shape
    logits = np.empty(X.shape)
    for d in range(n_columns):
        others = np.delete(np.arange(n_columns), d)
        others = rng.choice(others, rng.integers(1, max(2, n_columns // 2 + 1)), replace=False)
        steps = rng.integers(1, n_rows, size=(n_rows, rng.integers(1, 5)))
        rows = (np.arange(n_rows)[:, None] + np.column_stack([np.zeros(n_rows, int), steps])) % n_rows
        hidden = X[rows][:, :, others].reshape(n_rows, -1)
        for width in rng.integers(2, 101, size=rng.integers(1, 4)):
            weight = rng.normal(size=(hidden.shape[1], width)) / np.sqrt(hidden.shape[1])
            hidden = np.maximum(hidden @ weight + rng.normal(size=width), 0)
        output = hidden @ rng.normal(size=hidden.shape[1])
        logits[:, d] = 2 * (output - output.mean()) / (output.std() + 1e-9)
    return logits


def neural(X: np.ndarray, rng: Generator) -> np.ndarray:
    """NN-MAR: random neural networks of other cells decide on each cell."""
    return network_logits(X, rng) + rng.logistic(size=X.shape)


def block_neural(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Block-NN-MAR: random networks of the means of blocks of about three by three cells decide on whole blocks."""
    labels = []
    for size in X.shape:
        n_blocks = max(2, size // 3)
        labels.append(np.sort(np.concatenate([np.arange(n_blocks), rng.integers(n_blocks, size=size - n_blocks)])))
    rows, columns = labels
    means = pd.DataFrame(X).groupby(rows).mean().T.groupby(columns).mean().T.to_numpy()
    return neural(means, rng)[np.ix_(rows, columns)]


def sequential(X: np.ndarray, rng: Generator, *, epsilon: float = 0.4, decay: float = 0.99) -> np.ndarray:
    """Seq-MAR: each row is a bandit with two arms, to show or to hide the next cell, and goes on with what paid.

    The reward is the value of the cell plus noise. Rows that explore, or know one arm only, choose at random.
    DIFFERS from the source: in each column the fifth of the rows that expect most of hiding hides.
    """
    counts, rewards = np.zeros((2, len(X), 2))
    score = np.empty(X.shape)
    for d, column in enumerate(X.T):
        gain = np.diff(rewards / np.maximum(counts, 1), axis=1)[:, 0]
        explores = (rng.random(len(X)) < epsilon * decay**d) | (counts.min(axis=1) == 0)
        gain = np.where(explores, rng.normal(size=len(X)), gain)
        hides = gain >= np.quantile(gain, 1 - SHARE)
        score[:, d] = hides + 0.5 * rng.random(len(X))
        arm = hides.astype(int)
        counts[np.arange(len(X)), arm] += 1
        rewards[np.arange(len(X)), arm] += column + rng.normal(size=len(X))
    return score


def self_masking(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Self-MNAR: large values hide themselves in some columns, small ones in others: logit = ±x or ±2 x.

    DIFFERS from the source, which draws one to all columns: half to all, of which a fifth of the table can go.
    """
    n_columns = X.shape[1]
    masked = rng.choice(n_columns, rng.integers((n_columns + 1) // 2, n_columns + 1), replace=False)
    logits = X[:, masked] * rng.choice([-2, -1, 1, 2], size=len(masked))
    score = np.full(X.shape, -np.inf)
    score[:, masked] = logits - np.quantile(logits, 1 - SHARE, axis=0) + rng.logistic(size=logits.shape)
    return score


def censoring(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Censor-MNAR: the lowest or the highest values of each column are beyond what is detected."""
    position = positions(X, rng)
    return np.where(rng.random(X.shape[1]) < 0.5, -position, position - 1)


def panel(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Panel-MNAR: some rows leave at a random column and are not seen from there on."""
    n_rows, n_columns = X.shape
    leaves = rng.integers(1, n_columns, size=(n_rows, 1))
    return np.where(np.arange(n_columns) >= leaves, rng.random((n_rows, 1)), -np.inf)


def polarization(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Polar-MNAR: the middle of each column is hidden, the extremes are seen."""
    return -np.abs(positions(X, rng) - 0.5)


def soft_polarization(X: np.ndarray, rng: Generator, *, alpha: float = 2.5, epsilon: float = 0.05) -> np.ndarray:
    """Soft-Polar-MNAR: seen with a probability that grows from ε at the median to 1 − ε, as |x − median|^α."""
    deviation = np.abs(X - np.median(X, axis=0)) ** alpha
    seen = epsilon + (1 - 2 * epsilon) * deviation / np.maximum(deviation.max(axis=0), 1e-9)
    return rng.logistic(size=X.shape) - logit(seen)


def latent_factor(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Latent-MNAR: logit = u_i · v_j + b_i + c_j of normal factors of rows and columns, of rank 1 to 4."""
    n_rows, n_columns = X.shape
    rank = rng.integers(1, 5)
    logits = rng.normal(size=(n_rows, rank)) @ rng.normal(size=(rank, n_columns))
    return logits + rng.normal(size=(n_rows, 1)) + rng.normal(size=n_columns) + rng.logistic(size=X.shape)


def cluster(X: np.ndarray, rng: Generator) -> np.ndarray:
    """Cluster-MNAR: logit = g + h + noise, where five clusters of rows have a g and four of columns an h."""
    row_effects = rng.normal(size=5)[rng.integers(5, size=(len(X), 1))]
    column_effects = rng.normal(size=4)[rng.integers(4, size=X.shape[1])]
    return row_effects + column_effects + rng.normal(size=X.shape) + rng.logistic(size=X.shape)


def two_phase(X: np.ndarray, rng: Generator, *, cheap: float = 0.4, slope: float = 2.0) -> np.ndarray:
    """Two-Phase-MNAR: a score of the cheap columns decides whether a row's expensive columns are asked for at all."""
    columns = rng.permutation(X.shape[1])
    n_cheap = max(1, int(cheap * len(columns)))
    scores = X[:, columns[:n_cheap]] @ rng.normal(size=n_cheap)
    scores = (scores - scores.mean()) / (scores.std() + 1e-9)
    score = np.full(X.shape, -np.inf)
    score[:, columns[n_cheap:]] = (rng.logistic(size=len(X)) - slope * scores)[:, None]
    return score


PATTERNS: dict[str, Callable[..., np.ndarray]] = {
    "mcar": mcar,
    "mar": mar,
    "neural": neural,
    "block_neural": block_neural,
    "sequential": sequential,
    "self_masking": self_masking,
    "censoring": censoring,
    "panel": panel,
    "polarization": polarization,
    "soft_polarization": soft_polarization,
    "latent_factor": latent_factor,
    "cluster": cluster,
    "two_phase": two_phase,
}


def spared(hidden: np.ndarray, observed: np.ndarray, rng: Generator) -> np.ndarray:
    """Without the hidden cells that would leave a row without any cell, or a column with less than a tenth."""
    hidden = hidden.copy()
    for d in range(hidden.shape[1]):
        rows = rng.permutation(np.flatnonzero(hidden[:, d]))
        hidden[rows[int(0.9 * observed[:, d].sum()) :], d] = False
    order = rng.random(hidden.shape)
    for row in np.flatnonzero(~(observed & ~hidden).any(axis=1) & observed.any(axis=1)):
        hidden[row, np.where(observed[row], order[row], -1).argmax()] = False
    return hidden


def hidden_cells(table: pd.DataFrame, pattern: str, seed: int) -> pd.DataFrame:
    """Where a fifth of the observed cells of ``table`` is hidden, the same for the same seed."""
    rng = np.random.default_rng([seed, list(PATTERNS).index(pattern)])
    observed = table.notna().to_numpy()
    score = np.where(observed, PATTERNS[pattern](standardised(codes(table)), rng), -np.inf)
    cut = np.quantile(score[observed], 1 - SHARE, method="higher")
    hidden = spared((score >= cut) & np.isfinite(score), observed, rng)
    return pd.DataFrame(hidden, table.index, table.columns)
