"""Warnings that point at the user's own line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

NOT_THE_USERS = ("skvae", "sklearn", "joblib", "torch", "contextlib")  # who may stand between the user and a warning

_SAID: ContextVar[set[tuple[str, type[Warning]]] | None] = ContextVar("said", default=None)


def warn_user(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the line outside of the library that led here.

    Calls that go through scikit-learn, such as those of a pipeline or of ``fit_transform``, or through workers of
    joblib, are followed to the line that made them. Where nobody else is on the stack, as in a worker process, the
    outermost line counts.

    Parameters
    ----------
    message : str or Warning
        What to say.
    category : type of Warning
        Class of the warning, where the message is text.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_user("The column is constant.")
    >>> caught[0].category.__name__, str(caught[0].message)
    ('UserWarning', 'The column is constant.')
    """
    said, sentence = _SAID.get(), (str(message), category)
    if said is None or sentence not in said:
        warnings.warn(message, category, stacklevel=_depth_of_user(sys._getframe()) + 1)
    if said is not None:
        said.add(sentence)


@contextmanager
def each_once() -> Iterator[None]:
    """Say what is said while this lasts once: many fits of a search meet the same columns.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught, each_once():
    ...     warnings.simplefilter("always")
    ...     for column in ("a", "a", "b"):
    ...         warn_user(f"Column {column!r} is constant.")
    >>> [str(one.message) for one in caught]
    ["Column 'a' is constant.", "Column 'b' is constant."]
    """
    token = _SAID.set(set())
    try:
        yield
    finally:
        _SAID.reset(token)


def _depth_of_user(frame: FrameType) -> int:
    """How many calls lie between a frame and the nearest one of the user's; all of them if there is none."""
    depth, user = 0, frame
    while user.f_back is not None and _is_library(user):
        depth, user = depth + 1, user.f_back
    return depth


def _is_library(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in NOT_THE_USERS
