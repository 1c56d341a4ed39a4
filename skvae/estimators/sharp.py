"""The detector's own model: a short fit to normal scores, and a prior of as many modes as the rows bear."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.estimators.inner import column_scales
from skvae.estimators.ranks import Ranks, jittered
from skvae.estimators.transformer import VAETransformer
from skvae.likelihoods import Likelihood, StudentT
from skvae.tables import Rows, rows_at
from skvae.tables.columns.dtypes import is_time

SCALE = 0.1  # of the noise on normal scores, given z: a learned one would be as blunt as few modes are
JITTER = 0.1  # standard deviation of the noise on the normal scores that train
BLUNT_JITTER, N_BLUNT_STEPS = 0.3, 20  # where outliers are among the rows, which a sharp density would explain
MAX_COPIES, JITTERED_ROWS = 4, 8000  # copies of each row, each with noise of its own, as long as rows are so few
N_STEPS, BATCH_SIZE, LEARNING_RATE = 100, 256, 1e-2  # few and large
MAX_MODES, ROWS_A_MODE = 200, 8  # of the prior
N_DRAWS = 16  # of z that score a row
N_FOLDS = 4  # of rows, whose scores by the others set the fence
ROWS_A_COLUMN = 20  # below which networks, too, know their own rows better than fresh ones

Floats = NDArray[np.floating[Any]]


def defaults_for(rows: Rows, ranks: Ranks, *, is_sharp: bool = True) -> dict[str, Any]:
    """Parameters of the model where the user has none: a short fit where numbers have ranks."""
    if not ranks.of_columns:
        return {"likelihood": column_scales(rows), "decoder": "factorized"}
    n_steps = N_STEPS if is_sharp else N_BLUNT_STEPS
    n_steps_a_pass = max(1, n_copies(rows) * len(rows) // BATCH_SIZE)
    return {
        "likelihood": likelihood_of(rows, ranks) if is_sharp else column_scales(rows),
        "decoder": "factorized",
        "early_stopping": False,  # no row can judge, whose copies train
        "max_iter": math.ceil(n_steps / n_steps_a_pass),
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
    }


def n_copies(rows: Rows) -> int:
    """How often each row trains, with other noise each time."""
    return min(MAX_COPIES, max(1, JITTERED_ROWS // len(rows)))


def likelihood_of(rows: Rows, ranks: Ranks) -> Likelihood | dict[Hashable, Likelihood | str]:
    """Noise of one known scale on normal scores; dates have no scores, and learn theirs."""
    if not isinstance(rows, pd.DataFrame):
        return StudentT(scale=SCALE)
    families: dict[Hashable, Likelihood | str] = {rows.columns[j]: StudentT(scale=SCALE) for j in ranks.of_columns}
    return families | {name: "student_t" for name, dtype in rows.dtypes.items() if is_time(dtype)}


def fit_to_copies(
    model: VAETransformer, rows: Rows, ranks: Ranks, weights: Floats | None, *, jitter: float = JITTER
) -> None:
    """Fit to copies of rows, each with noise of its own on its normal scores."""
    copies = n_copies(rows)
    seed = cast(int, model.random_state)  # as inner_estimator leaves it
    of_copies = None if weights is None else np.tile(weights, copies)
    model.fit(jittered(rows, ranks, jitter, copies, seed), sample_weight=of_copies)


def sharpen(model: VAETransformer, rows: Rows, weights: Floats | None) -> None:
    """Give a fitted model a prior of many modes, which match the posteriors of these rows, in place."""
    n_trained = len(rows) if weights is None else int(np.count_nonzero(weights))
    n_modes = min(MAX_MODES, max(1, n_trained // ROWS_A_MODE))
    model._match_prior(rows, n_modes, cast(int, model.random_state), weights)


def held_out_bounds(model: VAETransformer, X: Rows, weights: Floats | None) -> Floats:
    """The bound of each row as if it were a fresh one. Shape: (N, D) -> (N,).

    Ranks and prior are those of the other folds: they know their own rows better, and every range ends at one of these.
    Where rows are few for their columns, so do the networks, and there are two models of half of the rows.

    Parameters
    ----------
    model : VAETransformer
        Fitted to copies of the rows; its prior becomes another one.
    X : array or DataFrame of shape (N, D)
        Rows before ranks.
    weights : ndarray of shape (N,) or None
        Weights of the rows.
    """
    is_wide = len(X) < ROWS_A_COLUMN * X.shape[1]
    n_folds = min(len(X), 2 if is_wide else N_FOLDS)
    fold = np.random.default_rng(0).permutation(len(X)) % n_folds
    weights = np.ones(len(X)) if weights is None else weights
    bounds = np.empty(len(X))
    for k in range(n_folds):
        others = (fold != k) & (weights > 0)
        if not others.any():
            others = weights > 0
        ranks = Ranks.of(rows_at(X, others))
        known, unseen = ranks(rows_at(X, others)), ranks(rows_at(X, fold == k))
        of_others = fitted_alone(model, known, ranks, weights[others]) if is_wide and knows_all(known) else model
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # half of the rows may lack a category
            sharpen(of_others, known, weights[others])
            bounds[fold == k] = score_of(of_others, is_sharp=True)(unseen)
    return bounds


def fitted_alone(model: VAETransformer, rows: Rows, ranks: Ranks, weights: Floats) -> VAETransformer:
    """The same model of these rows alone."""
    alone = VAETransformer(**defaults_for(rows, ranks), random_state=model.random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit to all rows warns, too
        fit_to_copies(alone, rows, ranks, weights)
    return alone


def knows_all(X: Rows) -> bool:
    """Whether every column has an observed cell, as a fit needs."""
    return bool((~np.asarray(pd.isna(X))).any(axis=0).all())


def score_of(model: VAETransformer, *, is_sharp: bool) -> Callable[[Rows], Floats]:
    """What scores rows: the bound, under a prior of many modes by few draws of z, which are dear there."""
    if not is_sharp:
        return model.score_samples
    return lambda rows: model._model().elbo_by_draws(model._rows(rows), N_DRAWS)
