"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, which lets nobody remove a file that is open
    fcntl = None


def path_of(path: object) -> Path:
    """A path from what a user passed.

    Raises
    ------
    TypeError
        Where it is none.
    """
    try:
        return Path(path)  # type: ignore[arg-type]
    except TypeError as error:
        raise TypeError(
            f"A model is written to a file and read from one, but its path is a {type(path).__name__}, {path!r}. Pass "
            f"text or a pathlib.Path."
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that there is never half of one.

    Of several writers at once, in threads or processes, the last to finish wins. A link stays, and what it points to
    is replaced; a file keeps its mode and, where that is allowed, its owner. A device is written to and stays.

    Raises
    ------
    OSError
        Where there is a directory at the path, no directory around it, or no room.
    """
    if os.path.isdir(path):  # pathlib raises an error of a name that is too long
        raise IsADirectoryError(f"A model is written to a file, but {path} is a directory. Pass the path of a file.")
    if is_stream(path):
        with _refusals(path):
            path.write_bytes(content)
        return
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no directory {target.parent} to write {path.name} in. Make it first.")
    _remove_abandoned(target)
    with _refusals(path):
        part, file = _part_of(target)
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine may leave the new name with nothing in it
            if fcntl is None:
                file.close()  # Windows renames no open file
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """A sentence where the system refuses a file."""
    try:
        yield
    except OSError as error:
        raise type(error)(
            f"{path} cannot be written: the system refuses it ({error.strerror}). Pass another path."
        ) from error


def is_stream(path: Path) -> bool:
    """Whether something that is no ordinary file is at a path, or behind it: a device, a pipe, an open file."""
    around = Path(os.path.realpath(path.parent))
    is_special = os.path.exists(path) and not path.is_file()
    is_loop = os.path.islink(os.path.realpath(path))  # of links, which the system refuses to open
    return is_special or is_loop or around == Path("/dev") or around.is_relative_to("/proc")


def _prefix(target: Path) -> str:
    """How names of parts of a file begin: as short for the longest name as for any."""
    return f".skvae-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}-"


def _part_of(target: Path) -> tuple[Path, BinaryIO]:
    """A new file beside another, with its mode and owner, which is locked until it is closed."""
    old = target.stat() if target.exists() else None
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode)
    while True:
        part = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}.part")
        number = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), mode)
        file = os.fdopen(number, "wb")
        with suppress(OSError):  # some network drives have no locks: there, nothing is removed either
            _lock(number, waits=True)
        if part.exists():  # else another writer thought it abandoned, in the moment before the lock
            break
        file.close()
    if old is not None and fcntl is not None:
        with suppress(OSError):
            os.fchown(number, old.st_uid, old.st_gid)
        with suppress(OSError):
            os.fchmod(number, mode)  # less what umask took away, and after the owner, who may take bits away
    return part, file


def _lock(number: int, *, waits: bool) -> None:
    """Lock an open file against others who want to, until it is closed or its process ends."""
    if fcntl is not None:
        fcntl.flock(number, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Within it, others see that somebody is at work here; the file at the path goes in the end."""
    with path.open("ab") as file:
        with suppress(OSError):  # somebody does the same work already, or there are no locks
            _lock(file.fileno(), waits=False)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Whether somebody is at work here; where there are no locks, perhaps."""
    if fcntl is None:
        return path.exists()
    try:
        with path.open("rb") as file:
            _lock(file.fileno(), waits=False)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _remove_abandoned(target: Path) -> None:
    """Remove parts of a file that nobody is writing: of writers that were killed."""
    name = re.compile(re.escape(_prefix(target)) + r"[0-9a-f]{16}\.part")
    with suppress(OSError):  # what cannot be listed, opened, locked or removed stays
        for part in [entry for entry in target.parent.iterdir() if name.fullmatch(entry.name)]:
            with suppress(OSError), part.open("rb") as file:
                _lock(file.fileno(), waits=False)
                if fcntl is None:
                    file.close()
                part.unlink()
