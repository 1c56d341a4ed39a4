"""The autoencoder inside what a user passes, and rows on their way into it and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skvae.estimators import VAETransformer
from skvae.tables import to_pandas

MAX_TABLE = 12  # columns of an array that are shown one by one; more of them are a line


class Found(NamedTuple):
    """A fitted autoencoder, and the steps before it.

    Attributes
    ----------
    vae : VAETransformer
    front : Pipeline or None
    """

    vae: VAETransformer
    front: Pipeline | None

    def rows(self, X: Any) -> Any:
        """Rows as the autoencoder sees them: an array or a DataFrame."""
        return to_pandas(X if self.front is None else self.front.transform(X))[0]

    def back(self, rows: Any) -> Any:
        """What the autoencoder decodes, as the user's rows are."""
        rows = to_pandas(rows)[0]
        if self.front is None:
            return rows
        if not hasattr(self.front, "inverse_transform"):
            raise TypeError(
                f"What is decoded goes back through the steps before the autoencoder, but {self.front.steps[-1][0]!r} "
                f"or one before it has no inverse_transform. Pass the VAETransformer itself, and the rows that it sees."
            )
        return self.front.inverse_transform(rows)


def find_vae(estimator: Any) -> Found:
    """The fitted autoencoder of an estimator, pipeline or search.

    Parameters
    ----------
    estimator : VAETransformer, Pipeline or search
        A pipeline may have other steps before and after; of a search, ``best_estimator_`` is taken.

    Raises
    ------
    TypeError
        Where there is no autoencoder inside.
    sklearn.exceptions.NotFittedError
        Before fit.
    """
    found, front = getattr(estimator, "best_estimator_", estimator), None
    if isinstance(found, Pipeline):
        places = [place for place, (_, step) in enumerate(found.steps) if isinstance(step, VAETransformer)]
        if places:
            front = found[: places[0]] if places[0] else None
            found = found[places[0]]
    if not isinstance(found, VAETransformer):
        raise TypeError(
            f"There is no VAETransformer in this {type(estimator).__name__}. Pass a fitted VAETransformer, a pipeline "
            f"with one as a step, or a fitted search over one of these."
        )
    check_is_fitted(found)
    return Found(found, front)


def two_components(vae: VAETransformer, components: Any = None) -> tuple[int, int]:
    """The components that a plane shows: those asked for, or the two of the largest KL, the larger first."""
    n_components = len(vae.kl_per_component_)
    if n_components < 2:
        raise ValueError("A plane needs two components, but the estimator has one. Fit it with n_components=2 or more.")
    if components is None:
        first, second = np.argsort(-vae.kl_per_component_, kind="stable")[:2]
        return int(first), int(second)
    chosen = tuple(components) if np.ndim(components) == 1 else (components,)
    if len(chosen) != 2 or len(set(chosen)) != 2 or not all(k in range(n_components) for k in chosen):
        raise ValueError(
            f"components must be two different numbers from 0 to {n_components - 1}, but is {components!r}. Leave it "
            f"out for the two most active."
        )
    return int(chosen[0]), int(chosen[1])


def kind_of_rows(rows: Any, image_shape: Any) -> str:
    """How rows are drawn: "images" of a given shape, "table" column by column, or "lines" of many numbers."""
    if image_shape is not None:
        return "images"
    return "table" if isinstance(rows, pd.DataFrame) or np.shape(rows)[1] <= MAX_TABLE else "lines"


def as_frame(rows: Any) -> pd.DataFrame:
    """Rows as a DataFrame; the columns of an array are named by their position."""
    rows = to_pandas(rows)[0]
    if isinstance(rows, pd.DataFrame):
        return rows
    if np.ndim(rows) != 2:
        raise TypeError(
            f"Rows come in an array of two axes or a DataFrame, but a {type(rows).__name__} has {np.ndim(rows)}. "
            f"Pass the rows that the model was fitted on, or others like them."
        )
    return pd.DataFrame(np.asarray(rows))


def choose_columns(frame: pd.DataFrame, columns: Any, max_columns: int) -> pd.DataFrame:
    """The columns that were asked for, or the first."""
    if max_columns < 1:
        raise ValueError(f"max_columns must be at least 1, but is {max_columns}. Pass a larger number.")
    if columns is None:
        return frame.iloc[:, :max_columns]
    wanted = list(columns)
    unknown = [label for label in wanted if label not in frame.columns]
    if unknown or not wanted:
        raise ValueError(
            f"columns must be a list of some of {list(frame.columns[:10])}, but "
            f"{f'{unknown[:3]} is not among them' if unknown else 'is empty'}. Leave it out for the first "
            f"{max_columns}."
        )
    return frame[wanted]
