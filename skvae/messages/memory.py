"""What is said where memory ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

SIGNS = (
    "bad_alloc",
    "allocate",
    "alloc_failed",
    "out of memory",
    "not enough memory",
    "storage size calculation overflowed",
    "overflow when unpack",  # of a size, as a TypeError
)
SIZE = re.compile(r"allocate (\d[\d.]*) ?(\w+)")  # as NumPy, torch and CUDA put it


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether Python or a library says that memory has run out; torch's allocator for the CPU calls it RuntimeError.

    Examples
    --------
    >>> is_out_of_memory(RuntimeError("std::bad_alloc")), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if not isinstance(error, RuntimeError | TypeError | MemoryError):
        return False
    text = str(error).lower()
    is_silent = isinstance(error, MemoryError) and not text
    return is_silent or any(sign in text for sign in SIGNS)


@contextmanager
def memory_remedy(remedy: str) -> Iterator[None]:
    """Turn what Python and libraries raise for want of memory into a MemoryError with a remedy.

    Examples
    --------
    >>> with memory_remedy("Pass fewer rows at a time."):
    ...     raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes.")
    Traceback (most recent call last):
     ...
    MemoryError: There is too little memory: 64 bytes more were wanted. Pass fewer rows at a time.
    """
    try:
        yield
    except (RuntimeError, TypeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        size = SIZE.search(str(error))
        wanted = "" if size is None else f": {size[1].rstrip('.')} {size[2]} more were wanted"
        raise MemoryError(f"There is too little memory{wanted}. {remedy}") from error
