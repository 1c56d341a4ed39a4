"""Outputs, checked before anybody has waited for them: each can be written, and to a file of its own."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from skvae.cli.files import check_installed, is_installed, kind_of_file
from skvae.files.atomic import is_stream


def check_apart(inputs: Mapping[str, str | None], outputs: Mapping[str, str | None]) -> None:
    """Refuse to write over what is read, or twice to one file.

    Parameters
    ----------
    inputs, outputs : dict
        Files to read and to write, by what is typed before them; None for no file.
    """
    taken = [(name, Path(path)) for name, path in inputs.items() if path is not None]
    for name, path in outputs.items():
        if path is None:
            continue
        for other, before in taken:
            if _is_same_file(Path(path), before):
                rule = "A file that is read stays as it is" if other in inputs else "A file is written once"
                raise ValueError(f"{rule}, but {name} names {path!r}, which is that of {other}. Name another file.")
        taken.append((name, Path(path)))


def _is_same_file(one: Path, other: Path) -> bool:
    """Whether both are one file, which need not be there yet; what is no file, such as a terminal, keeps nothing."""
    if os.path.exists(one) and os.path.exists(other):  # pathlib raises an error of a name that is too long
        return one.is_file() and one.samefile(other)
    return one.resolve() == other.resolve()


def check_output(
    path: str | None, *, is_table: bool = True, is_model: bool = False, needs: Sequence[tuple[str, str]] = ()
) -> None:
    """Refuse a place where nothing can be written before anybody has waited for it.

    Parameters
    ----------
    path : str or None
        Where to write; None for standard output.
    is_table : bool
        Whether its suffix is that of a table.
    is_model : bool
        Whether a model is written, under another name beside the file first.
    needs : pairs of str
        Packages that writing takes, and what installs them.
    """
    if path is None:
        return
    if is_table:
        check_installed(kind_of_file(path, is_output=True))
    for module, install in needs:
        if not is_installed(module):
            raise ImportError(f"{path!r} needs {module}, which is not installed. Run: python -m pip install {install}")
    place = Path(os.path.realpath(path))
    if os.path.isfile(place.parent):
        raise ValueError(f"{path!r} cannot be written: {str(place.parent)!r} is a file. Name a folder.")
    if not os.path.isdir(place.parent):
        raise ValueError(f"{path!r} cannot be written: there is no folder {str(place.parent)!r}. Make it.")
    if os.path.isdir(place):
        raise ValueError(f"{path!r} cannot be written: it is a folder. Name a file in it.")
    try:
        _try(place, is_model=is_model)
    except OSError as error:
        raise ValueError(
            f"{path!r} cannot be written: the system refuses it ({error.strerror}). Name another place."
        ) from error


def _try(place: Path, *, is_model: bool) -> None:
    """Open a file to write to, and leave all as it was: modes permit what a system may refuse."""
    is_there = place.exists()
    if is_there and not place.is_file():  # a terminal, or a pipe, which would wait for somebody who reads
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return
    with place.open("ab"):
        pass
    if not is_there:
        place.unlink()
    elif is_model and not is_stream(place):
        with TemporaryFile(dir=place.parent):
            pass
