"""One file: a document and its arrays in the format of safetensors, with a checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skvae.files.atomic import write_whole
from skvae.files.pickling import version
from skvae.files.weights import Arrays

HEADER = 90_000_000  # bytes of a document, at most: safetensors reads headers of up to 100 MB


class Container(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    name, number : str, int
        Its format; one of a higher number is refused.
    content : str
        What it holds, in a word.
    remedy : str
        What to do about a file that cannot be read.
    """

    name: str
    number: int
    content: str
    remedy: str

    def write(self, path: Path, document: str, arrays: Arrays) -> None:
        """Write a file, all of it or nothing."""
        if len(document) > HEADER:
            raise ValueError(
                f"A file holds up to {HEADER:,} characters of names and categories, but this {self.content} has "
                f"{len(document):,}. Fit it with fewer categories, or use joblib.dump."
            )
        metadata = {
            "format": f"{self.name} {self.number}",
            "document": document,
            "sha256": digest(document, arrays),
        }
        write_whole(path, safetensors().numpy.save(arrays, metadata))

    def read(self, path: Path) -> tuple[str, Arrays]:
        """Document and arrays of a file, as they were written."""
        metadata, arrays = self._opened(path)
        self._check_lengths(path, arrays)
        self._check_format(path, metadata)
        document = metadata.get("document", "")
        if metadata.get("sha256") != digest(document, arrays):
            raise ValueError(f"{path} has changed since it was written: its checksum is another. {self.remedy}")
        return document, arrays

    def _opened(self, path: Path) -> tuple[dict[str, str], Arrays]:
        """What a file says of itself, and its arrays."""
        library = safetensors()
        if path.is_dir():
            raise IsADirectoryError(
                f"A {self.content} of skvae is a file, but {path} is a folder. Pass the path of a file in it."
            )
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}. Pass the path of a {self.content} of skvae.")
        try:
            with path.open("rb"):
                pass
        except PermissionError as error:
            raise PermissionError(f"{path} may not be read ({error.strerror}). Change its permissions.") from error
        try:
            with library.safe_open(path, framework="numpy") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
                return file.metadata() or {}, arrays
        except Exception as error:  # its own, and those of NumPy where it has no such dtype
            raise ValueError(
                f"{path} is no {self.content} of skvae, or only a part of one ({error}). {self.remedy}"
            ) from error

    def _check_format(self, path: Path, metadata: dict[str, str]) -> None:
        """Refuse a file of something else, or of a format that comes later."""
        name, _, number = metadata.get("format", "").rpartition(" ")
        if name != self.name or not number.isdecimal():
            raise ValueError(f"{path} holds no {self.content} of skvae. Pass another path.")
        if int(number) > self.number:
            raise ValueError(
                f"{path} was written in format {number} by a newer release, and this is skvae {version()}, which "
                f"reads formats up to {self.number}. Upgrade with: python -m pip install --upgrade skvae"
            )

    def _check_lengths(self, path: Path, arrays: Arrays) -> None:
        """Refuse arrays that are longer than their file: an empty one may say so."""
        size = path.stat().st_size
        for name, array in arrays.items():
            if max(array.shape, default=0) > size:
                raise ValueError(
                    f"{path} is no {self.content} of skvae: it has {size:,} bytes and says that {name!r} is of the "
                    f"shape {array.shape}. {self.remedy}"
                )


def safetensors() -> Any:
    """The library, which is optional."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"Files of skvae are written and read through safetensors ({error}). "
            f"Install it with: python -m pip install skvae[save]"
        ) from error
    return safetensors


def digest(document: str, arrays: Arrays) -> str:
    """A checksum against accidents: it says nothing of who wrote a file."""
    checksum = hashlib.sha256(document.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        checksum.update(f"{name} {array.dtype.str} {array.shape}".encode())
        checksum.update(array.data if array.size else b"")
    return checksum.hexdigest()
