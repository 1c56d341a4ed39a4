"""What Ctrl-C means: the end of one fit, or of all that goes on around it."""

from __future__ import annotations

import sys
import time
from types import FrameType

TWICE_WITHIN = 3.0  # seconds
ONE_OF_MANY = ("sklearn", "joblib.parallel", "joblib.externals.loky", "multiprocessing.pool", "concurrent.futures")
AROUND_ONE = ("sklearn.base", "sklearn.pipeline", "sklearn.utils", "sklearn.callback")  # a pipeline fits once

_latest = [float("-inf")]  # seconds; when Ctrl-C was pressed last in this process


def ends_the_fit_alone() -> bool:
    """Whether the Ctrl-C that is being handled ends this fit, with its best weights, and nothing else.

    It does not where the fit is one of many, of a search, an ensemble or a worker, which would go on with a model cut
    short, nor where it is pressed for the second time within seconds.
    """
    now = time.monotonic()
    is_second = now - _latest[0] < TWICE_WITHIN
    _latest[0] = now
    return not (is_second or is_one_of_many(sys._getframe(1)))


def is_one_of_many(frame: FrameType | None) -> bool:
    """Whether something on the call stack fits many models."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if _is_in(name, ONE_OF_MANY) and not _is_in(name, AROUND_ONE):
            return True
        frame = frame.f_back
    return False


def forget() -> None:
    """As if Ctrl-C had never been pressed."""
    _latest[0] = float("-inf")


def _is_in(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
