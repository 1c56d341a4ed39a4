"""Lines on standard error for a person who waits."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

CLEAR = "\r\x1b[K"


class LatestLine:
    """A text file of which a terminal shows the latest line only: each is written over the one before.

    Parameters
    ----------
    terminal : text file
        Terminal to write to; anything else gets nothing.
    """

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal
        self.is_terminal = terminal.isatty()

    def write(self, text: str) -> int:
        """Show the line."""
        if self.is_terminal and text.strip():
            self.terminal.write(f"{CLEAR}  {text.strip()}")
            self.terminal.flush()
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def note(text: str) -> None:
    """Say what a person might want to know."""
    print(f"note: {text}", file=sys.stderr)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Say what is going on, and afterwards how long it took."""
    start = time.perf_counter()
    latest = LatestLine(sys.stderr)
    if latest.is_terminal:
        latest.write(f"{name} …")
    with redirect_stdout(latest):  # lines of training
        yield
    before = CLEAR if latest.is_terminal else ""
    print(f"{before}{name}: {time.perf_counter() - start:.1f} s", file=sys.stderr)


@contextmanager
def notes() -> Iterator[None]:
    """Warnings as one line each, without file and line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.showwarning = show
        yield
