"""Outputs, checked before anybody has waited for them: each can be written, and to a file of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from skvae.cli.files import check_installed, is_installed, kind_of_file


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
    if one.exists() and other.exists():
        return one.is_file() and one.samefile(other)
    return one.resolve() == other.resolve()


def check_output(path: str | None, *, is_table: bool = True, needs: Sequence[tuple[str, str]] = ()) -> None:
    """Refuse a place where nothing can be written before anybody has waited for it.

    Parameters
    ----------
    path : str or None
        Where to write; None for standard output.
    is_table : bool
        Whether its suffix is that of a table.
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
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path!r} cannot be written: there is no folder {str(folder)!r}. Make it.")
    if Path(path).is_dir():
        raise ValueError(f"{path!r} cannot be written: it is a folder. Name a file in it.")
    if not os.access(path if Path(path).exists() else folder, os.W_OK):
        raise ValueError(f"{path!r} cannot be written: you may not write there. Name another place.")
