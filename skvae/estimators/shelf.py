"""Fits that were trained ahead, all at once, for estimators that will ask for them one at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import joblib
from sklearn.base import BaseEstimator
from torch import Tensor

from skvae.models import Fit

_SHELF: ContextVar[Mapping[str, Fit] | None] = ContextVar("shelf", default=None)


def shelf_key(estimator: BaseEstimator, x: Tensor) -> str:
    """Name of the fit of an estimator on encoded rows, whatever array or process they came from."""
    return str(joblib.hash((estimator.get_params(deep=False), x.numpy())))


@contextmanager
def shelf(fits: Mapping[str, Fit]) -> Iterator[None]:
    """Within it, a fit that is on the shelf is taken from there."""
    token = _SHELF.set(fits)
    try:
        yield
    finally:
        _SHELF.reset(token)


def from_shelf(estimator: BaseEstimator, x: Tensor) -> Fit | None:
    """The fit of this estimator on these rows, if it was trained ahead."""
    fits = _SHELF.get()
    if not fits:
        return None
    return copy.deepcopy(fits.get(shelf_key(estimator, x)))
