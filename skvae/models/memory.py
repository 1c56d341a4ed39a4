"""No memory: one sentence, whoever ran out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SIGNS = ("allocate memory", "not enough memory", "bad_alloc", "size calculation overflowed", "Overflow when unpack")


@contextmanager
def within_memory(remedy: str = "Ask for fewer rows or draws at a time.") -> Iterator[None]:
    """Say what to do where there is no memory; torch has no class of its own for that on the CPU.

    Parameters
    ----------
    remedy : str
        What to do.

    Raises
    ------
    MemoryError
        Where something was asked for that does not fit.

    Examples
    --------
    >>> with within_memory():
    ...     torch.empty(2**60)
    Traceback (most recent call last):
    ...
    MemoryError: There is not enough memory for this. Ask for fewer rows or draws at a time.
    """
    try:
        yield
    except Exception as error:
        if not _lacks_memory(error):
            raise
        raise MemoryError(f"There is not enough memory for this. {remedy}") from error


def _lacks_memory(error: Exception) -> bool:
    is_said = isinstance(error, RuntimeError | TypeError) and any(sign in str(error) for sign in SIGNS)
    return is_said or isinstance(error, MemoryError | torch.OutOfMemoryError)
