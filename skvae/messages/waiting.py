"""A word for those who wait."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 10.0  # that nobody wonders about

_was_said = threading.Event()


@contextmanager
def tell_who_waits(message: str) -> Iterator[None]:
    """Say a message on stderr once a block has taken ten seconds, and a person waits for it at a prompt.

    Scripts and worker processes stay silent, and so does all that follows: one word in a session will do.

    Parameters
    ----------
    message : str
        What to say.
    """
    if not is_interactive() or _was_said.is_set():
        yield
        return
    timer = threading.Timer(SECONDS, _say, [message])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_interactive() -> bool:
    """Whether there is a prompt: Python's own, IPython's or that of a notebook."""
    return hasattr(sys, "ps1")


def _say(message: str) -> None:
    if not _was_said.is_set():
        _was_said.set()
        print(message, file=sys.stderr, flush=True)
