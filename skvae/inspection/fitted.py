"""The autoencoder inside what a user passes, and rows on their way into it and back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skvae.estimators import VAETransformer
from skvae.tables import to_pandas

Rows: TypeAlias = ArrayLike | pd.DataFrame  # what a user passes; tables of polars and pyarrow are array-likes
Table: TypeAlias = NDArray[Any] | pd.DataFrame  # rows that are ready to be drawn
Kind: TypeAlias = Literal["images", "lines", "table"]  # how rows are drawn

MAX_TABLE = 12  # columns of an array that are shown one by one; more of them are a line


class Found(NamedTuple):
    """A fitted autoencoder, and the steps before it.

    Attributes
    ----------
    vae : VAETransformer
        Autoencoder.
    front : Pipeline or None
        Steps before it in a pipeline, if there are any.
    """

    vae: VAETransformer
    front: Pipeline | None

    def rows(self, X: Rows) -> Rows:
        """Rows as the autoencoder sees them."""
        if self.front is not None:
            X = self.front.transform(X)
        seen: Rows = as_pandas(X)
        return seen

    def back(self, rows: Rows) -> Table:
        """Decoded rows, as the user's rows are."""
        decoded: Table = as_pandas(rows)
        if self.front is None:
            return decoded
        if not hasattr(self.front, "inverse_transform"):
            raise TypeError(
                f"What is decoded goes back through the steps before the autoencoder, but {self.front.steps[-1][0]!r} "
                f"or one before it has no inverse_transform. Pass the VAETransformer itself, and the rows that it sees."
            )
        undone: Table = self.front.inverse_transform(decoded)
        return undone


def as_pandas(rows: Rows) -> Any:
    """A DataFrame of another library as one of pandas; anything else as it is."""
    return to_pandas(rows)[0]


def find_vae(estimator: BaseEstimator) -> Found:
    """The fitted autoencoder of an estimator, pipeline or search.

    Parameters
    ----------
    estimator : VAETransformer, Pipeline or search
        Estimator that is, or holds, a fitted autoencoder: a pipeline with steps before and after it, or a search with
        one as its ``best_estimator_``.

    Raises
    ------
    TypeError
        Where there is no autoencoder inside.
    sklearn.exceptions.NotFittedError
        Before fit.
    """
    found, front = getattr(estimator, "best_estimator_", estimator), None
    if isinstance(found, Pipeline):
        found, front = _split(found)
    if not isinstance(found, VAETransformer):
        raise TypeError(
            f"There is no VAETransformer in this {type(estimator).__name__}. Pass a fitted VAETransformer, a pipeline "
            f"with one as a step, or a fitted search over one of these."
        )
    check_is_fitted(found)
    return Found(found, front)


def _split(pipeline: Pipeline) -> tuple[BaseEstimator, Pipeline | None]:
    """The first autoencoder of a pipeline and the steps before it, or the pipeline itself if there is none."""
    for place, (_, step) in enumerate(pipeline.steps):
        if isinstance(step, VAETransformer):
            return step, (pipeline[:place] if place else None)
    return pipeline, None


def two_components(vae: VAETransformer, components: ArrayLike | None = None) -> tuple[int, int]:
    """The components that a plane shows: these, or the two of the largest KL, the larger first."""
    n_components = len(vae.kl_per_component_)
    if n_components < 2:
        raise ValueError("A plane needs two components, but the estimator has one. Fit it with n_components=2 or more.")
    if components is None:
        first, second = np.argsort(-vae.kl_per_component_, kind="stable")[:2]
        return int(first), int(second)
    chosen = tuple(np.ravel(components).tolist())
    is_pair = len(chosen) == 2 and chosen[0] != chosen[1]
    if np.ndim(components) > 1 or not is_pair or not set(chosen) <= set(range(n_components)):
        raise ValueError(
            f"components must be two different numbers from 0 to {n_components - 1}, but is {components!r}. Leave it "
            f"out for the two most active."
        )
    return int(chosen[0]), int(chosen[1])


def kind_of_rows(rows: Rows, image_shape: Sequence[int] | None) -> Kind:
    """How rows are drawn: "images" of a shape, "table" column by column, or "lines" of many numbers."""
    if image_shape is not None:
        return "images"
    if isinstance(rows, pd.DataFrame) or np.shape(rows)[1] <= MAX_TABLE:
        return "table"
    return "lines"


def as_frame(rows: Rows) -> pd.DataFrame:
    """Rows as a DataFrame; the columns of an array are named by their position."""
    rows = as_pandas(rows)
    if isinstance(rows, pd.DataFrame):
        return rows
    if np.ndim(rows) != 2:
        raise TypeError(
            f"Rows come in an array of two axes or a DataFrame, but a {type(rows).__name__} has {np.ndim(rows)}. "
            f"Pass the rows that the model was fitted on, or others like them."
        )
    return pd.DataFrame(np.asarray(rows))


def choose_columns(frame: pd.DataFrame, columns: Iterable[Hashable] | None, max_columns: int) -> pd.DataFrame:
    """The columns of these labels, or the first."""
    if max_columns < 1:
        raise ValueError(f"max_columns must be at least 1, but is {max_columns}. Pass a larger number.")
    if columns is None:
        return frame.iloc[:, :max_columns]
    wanted = list(columns)
    unknown = [label for label in wanted if label not in frame.columns]
    if unknown or not wanted:
        wrong = f"{unknown[:3]} is not among them" if unknown else "is empty"
        raise ValueError(
            f"columns must be a list of some of {list(frame.columns[:10])}, but {wrong}. Leave it out for the first "
            f"{max_columns}."
        )
    return frame[wanted]
