"""What is asked of a fitted model, one function for each public method, and what its answer must be."""

from __future__ import annotations

import copy
import pickle
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.base import clone

from skvae import VAETransformer
from tests.fuzz.checks import (
    Refused,
    ask,
    cells,
    check_close,
    check_coordinates,
    check_kept,
    check_rows,
    check_same,
    check_scores,
    identities,
    is_missing,
)


@dataclass(frozen=True)
class Case:
    """A fitted model, the rows that it was fitted to, rows of the same columns that it has not seen, and a choice."""

    vae: VAETransformer
    X: Any
    new: Any
    choice: int

    @property
    def n_rows(self) -> int:
        """Number of rows of X."""
        return n_rows_of(self.X)

    @property
    def index(self) -> pd.Index:
        """The index that answers have."""
        return self.X.index if isinstance(self.X, pd.DataFrame) else pd.RangeIndex(self.n_rows)


def n_rows_of(X: Any) -> int:
    """Number of rows, also of a sparse matrix."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def take(X: Any, positions: list[int]) -> Any:
    """Some rows, in this order."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[positions]
    if isinstance(X, list):
        return [X[i] for i in positions]
    return X.take(positions) if isinstance(X, pa.Table) else X[positions]


def by_row(case: Case, method: Callable[..., np.ndarray], **options: Any) -> np.ndarray:
    """The answer of a method that looks at each row alone, in any order; unseen rows may be refused."""
    answer, order = ask(method, case.X, **options), list(range(case.n_rows))[::-1]
    check_close(ask(method, take(case.X, order), **options), answer[order])
    with suppress(Refused):
        assert np.isfinite(ask(method, case.new, **options)).all(), "an unseen row has no finite answer"
    return answer


def transform(case: Case) -> None:
    """Coordinates of each row."""
    check_coordinates(by_row(case, case.vae.transform), case.n_rows, case.vae)


def posterior(case: Case) -> None:
    """Mean and standard deviation."""
    mean, std = ask(case.vae.posterior, case.X)
    check_coordinates(mean, case.n_rows, case.vae)
    check_coordinates(std, case.n_rows, case.vae)
    assert (std > 0).all()


def score_samples(case: Case) -> None:
    """A bound for each row, and its mean."""
    check_scores(by_row(case, case.vae.score_samples), case.n_rows)


def score(case: Case) -> None:
    """The mean of the bounds."""
    assert ask(case.vae.score, case.X) == ask(case.vae.score_samples, case.X).mean()


def log_likelihood(case: Case) -> None:
    """A tighter bound."""
    check_scores(by_row(case, case.vae.log_likelihood, n_draws=2), case.n_rows)


def reconstruct(case: Case) -> None:
    """Rows of the table, by expectation and by chance."""
    for stochastic in (False, True):
        rows = ask(case.vae.reconstruct, case.X, stochastic=stochastic, random_state=0)
        check_rows(rows, case.X, case.vae, case.n_rows)


def inverse_transform(case: Case) -> None:
    """Rows of the table, also of coordinates far away."""
    Z = ask(case.vae.transform, case.X)
    check_rows(ask(case.vae.inverse_transform, Z), case.X, case.vae, case.n_rows)
    check_rows(ask(case.vae.inverse_transform, 100 * np.ones_like(Z)), case.X, case.vae, case.n_rows)


def sample(case: Case) -> None:
    """Rows of the table, the same for the same seed."""
    rows = ask(case.vae.sample, 7, random_state=case.choice)
    check_rows(rows, case.X, case.vae, 7, gaps=True)
    check_same(ask(case.vae.sample, 7, random_state=case.choice), rows)


def sample_given(case: Case) -> None:
    """A cell that was seen can be given, and is kept; so can whole rows."""
    i, j = case.choice % case.n_rows, case.choice % case.vae.n_features_in_
    value, name = cells(case.X, j)[i], case.vae.table_.data[j].name
    if is_missing(pd.Series([value])).any() or isinstance(value, tuple):
        return
    rows = ask(case.vae.sample, 3, given={name: value}, random_state=0)
    check_rows(rows, case.X, case.vae, 3, gaps=True)
    assert set(identities(cells(rows, j))) == set(identities(cells(case.X, j)[[i]])), f"{value!r} was given"


def sample_given_rows(case: Case) -> None:
    """Rows that were seen are completed, their cells kept."""
    if hasattr(case.X, "columns"):
        check_kept(ask(case.vae.sample, given=case.X, random_state=0), case.X, case.vae, gaps=True)


def impute(case: Case) -> None:
    """Gaps are filled, and other cells untouched, once and in several draws."""
    for completed in [ask(case.vae.impute, case.X), *ask(case.vae.impute, case.X, n_draws=2)]:
        check_kept(completed, case.X, case.vae)
        check_rows(completed, case.X, case.vae, case.n_rows)


def fit(case: Case) -> None:
    """One seed is one model."""
    if isinstance(case.vae.random_state, int):
        one, other = (ask(clone(case.vae).fit, case.X) for _ in range(2))
        check_same(ask(one.transform, case.X), ask(other.transform, case.X))


def fit_transform(case: Case) -> None:
    """Coordinates at once."""
    check_coordinates(ask(clone(case.vae).fit_transform, case.X), case.n_rows, case.vae)


def warm_start(case: Case) -> None:
    """A fit goes on where it was."""
    vae = copy.deepcopy(case.vae).set_params(warm_start=True)
    check_scores(ask(ask(vae.fit, case.X).score_samples, case.X), case.n_rows)


def partial_fit(case: Case) -> None:
    """A model goes on, and one begins; unseen rows may be refused."""
    vae = copy.deepcopy(case.vae)
    with suppress(Refused):
        ask(vae.partial_fit, case.new)
    check_scores(ask(ask(vae.partial_fit, case.X).score_samples, case.X), case.n_rows)
    check_scores(ask(ask(clone(case.vae).partial_fit, case.X).score_samples, case.X), case.n_rows)


def fit_chunks(case: Case) -> None:
    """Rows that come in two parts."""
    half = case.n_rows // 2
    chunks = [take(case.X, list(range(half))), take(case.X, list(range(half, case.n_rows)))]
    check_scores(ask(ask(clone(case.vae).fit_chunks, chunks).score_samples, case.X), case.n_rows)


def save(case: Case) -> None:
    """A file gives the same model; a network of one's own is passed again, and some values no file holds."""
    own = {side: getattr(case.vae, side) for side in ("encoder", "decoder") if callable(getattr(case.vae, side))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        try:
            ask(case.vae.save, path)
        except Refused as refused:
            assert "A file holds" in str(refused), refused
            return
        check_same_model(ask(VAETransformer.load, path, **own), case)


load = save


def pickled(case: Case) -> None:
    """A pickle and a copy are the same model."""
    check_same_model(pickle.loads(pickle.dumps(case.vae)), case)
    check_same_model(copy.deepcopy(case.vae), case)


def check_same_model(again: VAETransformer, case: Case) -> None:
    """Answers are bit-equal."""
    check_same(ask(again.transform, case.X), ask(case.vae.transform, case.X))
    check_same(ask(again.score_samples, case.X), ask(case.vae.score_samples, case.X))
    check_same(ask(again.sample, 3, random_state=1), ask(case.vae.sample, 3, random_state=1))


def set_output(case: Case) -> None:
    """Coordinates in a DataFrame, with names and the index of the rows."""
    vae = copy.deepcopy(case.vae).set_output(transform="pandas")
    Z = ask(vae.transform, case.X)
    assert list(Z.columns) == list(ask(vae.get_feature_names_out))
    pd.testing.assert_index_equal(Z.index, case.index)


get_feature_names_out = set_output

QUESTIONS: dict[str, Callable[[Case], None]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__annotations__", {}) == {"case": "Case", "return": "None"}
}
