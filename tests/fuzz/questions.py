"""What is asked of a fitted model, one function for each public method, and what its answer must be."""

from __future__ import annotations

import copy
import datetime
import decimal
import pickle
import tempfile
from collections.abc import Callable
from contextlib import chdir, suppress
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
    check_cells,
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
    """A tighter bound, and what is exact where columns see one another."""
    check_scores(by_row(case, case.vae.log_likelihood, n_draws=2), case.n_rows)
    check_scores(by_row(case, case.vae.log_likelihood), case.n_rows)


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


def cut(case: Case) -> None:
    """The model of the first components, where they are nested."""
    k = 1 + case.choice % len(case.vae.kl_per_component_)
    try:
        part = ask(case.vae.cut, k)
    except Refused:
        assert not case.vae.ordered, "nested components cannot be cut"
        return
    check_coordinates(ask(part.transform, case.X), case.n_rows, part)
    assert ask(part.score, case.X) == ask(case.vae.score, case.X, n_components=k)


def sample(case: Case) -> None:
    """Rows of the table, the same for the same seed."""
    rows = ask(case.vae.sample, 7, random_state=case.choice)
    check_rows(rows, case.X, case.vae, 7, gaps=True)
    check_same(ask(case.vae.sample, 7, random_state=case.choice), rows)
    check_rows(ask(case.vae.sample, 7, gaps=False, random_state=case.choice), case.X, case.vae, 7)


def sample_given(case: Case) -> None:
    """A cell that was seen can be given, and is kept; so can whole rows."""
    i, j = case.choice % case.n_rows, case.choice % case.vae.n_features_in_
    name = case.vae.table_.data[j].name
    try:
        value = cells(case.X, j)[i]
    except OverflowError:  # a moment of Arrow that Python cannot hold, so that nobody can pass it
        return
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


def infer(case: Case) -> None:
    """A column given the others is one of its kind."""
    j = case.choice % case.vae.n_features_in_
    column = case.vae.table_.data[j]
    inferred = ask(case.vae.infer, case.X, column.name, random_state=0)
    values = pd.Series(inferred) if isinstance(inferred, np.ndarray) else cells(inferred.to_frame(), 0)
    assert len(values) == case.n_rows
    check_cells(values, cells(case.X, j), column, may_miss=False)


def infer_proba(case: Case) -> None:
    """The probabilities of all values of a column are one together."""
    name = case.vae.table_.data[case.choice % case.vae.n_features_in_].name
    with suppress(Refused):  # of numbers without levels
        shares = ask(case.vae.infer_proba, case.X, name, random_state=0)
        assert len(shares) == case.n_rows
        assert (shares >= 0).all(axis=None)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-3)


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
    """A model goes on, and one begins; unseen rows may be refused, and nested components are."""
    vae = copy.deepcopy(case.vae)
    if vae.ordered:
        with suppress(Refused):
            ask(vae.partial_fit, case.X)
            raise AssertionError("nested components do not go on")
        return
    with suppress(Refused):
        ask(vae.partial_fit, case.new)
    check_scores(ask(ask(vae.partial_fit, case.X).score_samples, case.X), case.n_rows)
    check_scores(ask(ask(clone(case.vae).partial_fit, case.X).score_samples, case.X), case.n_rows)


def fit_chunks(case: Case) -> None:
    """Rows that come in two parts; objects without a dtype may be of another in each, in a sentence."""
    half = case.n_rows // 2
    chunks = [take(case.X, list(range(half))), take(case.X, list(range(half, case.n_rows)))]
    if isinstance(case.X, np.ndarray) and case.X.dtype.kind == "O":
        ask_anything(clone(case.vae).fit_chunks, chunks)
        return
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

# -- what nobody should ask: an answer, or a sentence ------------------------------------------------------------

ODD_VALUES = [
    *(None, np.nan, pd.NA, pd.NaT, np.inf, 0, -1, 1.5, 10**30, 1e300, True, 1j, np.float32(0.1), np.uint8(3)),
    *("", "x", "1", "2020-01-01", b"x", [], [1], {}, (1, 2), frozenset(), object(), np.arange(2), print),
    *(
        pd.Timestamp("2020"),
        pd.Timestamp("2020", tz="UTC"),
        pd.Timedelta("1h"),
        np.datetime64("2020"),
        pd.Period("2020"),
    ),
    *(datetime.date(9999, 12, 31), decimal.Decimal("1e400"), pd.Interval(0, 1), pd.Series([1, 2]), -(10**15)),
]

ODD_ROWS: dict[str, Callable[[Any], Any]] = {
    "objects": lambda X: X.astype(object),
    "words": lambda X: X.astype(str),
    "floats": lambda X: X.astype(float),
    "categories": lambda X: X.astype("category"),
    "gaps": lambda X: X.mask(X.notna()) if isinstance(X, pd.DataFrame) else X * np.nan,
    "large": lambda X: X * 1e9,
    "negative": lambda X: -X,
    "backwards": lambda X: X[X.columns[::-1]],
    "narrow": lambda X: X[X.columns[1:]],
    "wide": lambda X: X.assign(more=1),
    "renamed": lambda X: X.rename(columns=str),
    "none": lambda X: X[:0],
    "array": lambda X: X.to_numpy(),
    "frame": lambda X: pd.DataFrame(X),
    "list": lambda X: X.tolist(),
    "one column": lambda X: X[:, 0],
    "deep": lambda X: X[None],
    "records": lambda X: X.to_dict("records"),
    "nothing": lambda X: None,
    "a word": lambda X: "rows",
    "a number": lambda X: 3.0,
    "a dict": lambda X: {"a": [1, 2]},
    "one row": lambda X: X.iloc[0],
    "infinite": lambda X: X.replace(X.iloc[0, 0], np.inf),
}


def ask_anything(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Ask what may be refused."""
    with tempfile.TemporaryDirectory() as place, chdir(place), suppress(Refused):  # some values are names of files
        ask(function, *args, **kwargs)


def anew(case: Case) -> VAETransformer:
    """An estimator with the same parameters, but for a prior that is learned, which takes a second each time."""
    return clone(case.vae).set_params(prior="normal")


def odd_rows(case: Case) -> None:
    """Rows that are none of the table's."""
    name = sorted(ODD_ROWS)[case.choice % len(ODD_ROWS)]
    try:
        X = ODD_ROWS[name](case.X)
    except Exception:  # this container cannot be made into that
        return
    for method in ("transform", "score_samples", "reconstruct", "impute", "partial_fit"):
        ask_anything(getattr(copy.deepcopy(case.vae), method), X)
    ask_anything(case.vae.sample, given=X)
    ask_anything(anew(case).fit, X)
    ask_anything(anew(case).fit_chunks, [case.X, X])
    ask_anything(anew(case).fit, case.X, X_val=X)


def odd_conditions(case: Case) -> None:
    """Values that are none of their column's."""
    value = ODD_VALUES[case.choice % len(ODD_VALUES)]
    for column in case.vae.table_.data:
        ask_anything(case.vae.sample, 2, given={column.name: value}, random_state=0)
    ask_anything(case.vae.sample, given={"no such column": value})
    ask_anything(case.vae.sample, given=value)


def odd_arguments(case: Case) -> None:
    """Numbers, seeds, weights and coordinates that are none."""
    value, vae = ODD_VALUES[case.choice % len(ODD_VALUES)], case.vae
    ask_anything(vae.sample, value)
    ask_anything(vae.sample, random_state=value)
    ask_anything(vae.log_likelihood, case.X, n_draws=value)
    ask_anything(vae.impute, case.X, n_draws=value)
    ask_anything(vae.inverse_transform, value)
    ask_anything(vae.inverse_transform, [[value] * vae.n_components] * 2)
    ask_anything(anew(case).fit, case.X, sample_weight=value)
    ask_anything(anew(case).fit, case.X, sample_weight=[value] * case.n_rows)
    ask_anything(anew(case).fit_chunks, value)
    ask_anything(anew(case).fit_chunks, [case.X, value])
    ask_anything(anew(case).partial_fit, case.X, table=value)
    ask_anything(vae.save, value)
    ask_anything(VAETransformer.load, value)


def odd_parameters(case: Case) -> None:
    """A parameter that is none."""
    value = ODD_VALUES[case.choice % len(ODD_VALUES)]
    for name in sorted(case.vae.get_params())[case.choice % 5 :: 5]:
        if not (name in ("n_components", "n_draws", "hidden_layer_sizes", "max_iter") and isinstance(value, int)):
            ask_anything(anew(case).set_params(**{name: value}).fit, case.X)


QUESTIONS: dict[str, Callable[[Case], None]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__annotations__", {}) == {"case": "Case", "return": "None"}
}
