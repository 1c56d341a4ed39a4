"""Model files that somebody has changed: documents, tensors, headers and bytes, most of them with a valid checksum."""

from __future__ import annotations

import copy
import json
import struct
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes

from skvae import VAETransformer
from skvae.files.container import digest
from tests.fixtures.make import DATA

Arrays = dict[str, np.ndarray]
Way = tuple[Any, ...]

MODELS: dict[str, dict[str, Any]] = {
    "array": {},
    "frame": {"add_indicator": True, "prior": "laplace"},
    "frame, autoregressive": {"decoder": "autoregressive", "n_components": 1},
    "array, online": {"beta": 2.0},
}
VALUES = [None, True, 0, -1, 1, 2, 10**9, 10**12, 10**30, -0.5, 1e308, float("nan"), float("inf"), "", "x", "float64"]
VALUES += [[], {}, [1], ["a", "a"], {"$array": "x"}, {"$index": {"range": [0, 10**12, 1], "name": None}}, {"$os": []}]
NUMBERS = [np.nan, np.inf, -np.inf, 0.0, 1e30, -1e30, 1e-30]


@cache
def model(name: str) -> tuple[dict[str, str], Arrays]:
    """Metadata and arrays of the file of a small model."""
    X, settings = DATA[name.split(",")[0]](), {"n_components": 2, "hidden_layer_sizes": (4,), "max_iter": 2}
    vae = VAETransformer(**settings | {"random_state": 0, "device": "cpu"} | MODELS[name]).fit(X)
    if "online" in name:
        vae.partial_fit(X)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        vae.save(path)
        return read(path.read_bytes())


def read(content: bytes) -> tuple[dict[str, str], Arrays]:
    """Metadata and arrays of a file."""
    from safetensors.numpy import load

    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length])["__metadata__"], load(content)


def written(metadata: dict[str, str], arrays: Arrays, document: Any = None) -> bytes:
    """A file with a valid checksum."""
    text = metadata["document"] if document is None else json.dumps(document)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return to_bytes(arrays, metadata | {"document": text, "sha256": digest(text, arrays)})


def paths(value: Any, here: Way = ()) -> Iterator[Way]:
    """The way to each value inside a document."""
    if here:
        yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from paths(child, (*here, key))


# -- one change each: what it does to metadata, arrays and document, drawn from -----------------------------------


def of_document(draw: st.DrawFn, metadata: dict[str, str], arrays: Arrays) -> bytes:
    """A value of the document is another, moved, doubled or gone."""
    document = json.loads(metadata["document"])
    *way, last = draw(st.sampled_from(list(paths(document))), label="key")
    place = document
    for key in way:
        place = place[key]
    deed = draw(st.sampled_from(["replace", "replace", "replace", "remove", "rename", "swap", "near"]), label="deed")
    if deed == "replace":
        place[last] = draw(st.sampled_from(VALUES), label="value")
    elif deed == "near" and type(place[last]) in (int, float):
        place[last] = place[last] + draw(st.sampled_from([1, -1, 0.5, 1e6]), label="more")
    elif deed == "swap":
        other = draw(st.sampled_from(list(paths(document))), label="with")
        found = document
        for key in other:
            found = found[key]
        place[last] = copy.deepcopy(found)  # NumPy compares a dtype among words with warnings of its own
        assume("$dtype" not in json.dumps(found))
    elif deed == "rename" and isinstance(place, dict):
        place[draw(st.sampled_from(["x", "", "$tuple", "scale"]), label="name")] = place.pop(last)
    else:
        del place[last]
    return written(metadata, arrays, document)


def of_tensor(draw: st.DrawFn, metadata: dict[str, str], arrays: Arrays) -> bytes:
    """A tensor holds other numbers, has another shape or dtype or name, or is gone."""
    arrays = dict(arrays)
    name = draw(st.sampled_from(sorted(arrays)), label="tensor")
    array = arrays[name].copy()
    deed = draw(st.sampled_from([*CHANGES, "remove", "rename"]), label="deed")
    if deed in CHANGES:
        number = draw(st.sampled_from(NUMBERS), label="number")
        with np.errstate(all="ignore"):
            arrays[name] = CHANGES[deed](array, number)
    else:
        del arrays[name]
        if deed == "rename":
            arrays[draw(st.sampled_from(["weights/x", "x", "weights/"]), label="name")] = array
    return written(metadata, arrays)


def _with_first(array: np.ndarray, number: float) -> np.ndarray:
    if array.size and array.dtype.kind == "f":
        array.flat[0] = number
    elif array.size:
        array.flat[0] = array.flat[-1] + 1 if array.dtype.kind in "iu" else not array.flat[0]
    return array


CHANGES: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "first": _with_first,
    "all": lambda array, number: np.full_like(array, number) if array.dtype.kind == "f" else array[::-1],
    "flat": lambda array, number: array.reshape(-1),
    "deeper": lambda array, number: array[None],
    "shorter": lambda array, number: array.reshape(-1)[:-1],
    "longer": lambda array, number: np.concatenate([array.reshape(-1)] * 2),
    "empty": lambda array, number: array.reshape(-1)[:0],
    "doubles": lambda array, number: array.astype(np.float64),
    "halves": lambda array, number: array.astype(np.float16),
    "bytes": lambda array, number: array.astype(np.uint8),
}


def of_metadata(draw: st.DrawFn, metadata: dict[str, str], arrays: Arrays) -> bytes:
    """An entry of the metadata is another or gone: no valid checksum then, or another format."""
    metadata = dict(metadata)
    name = draw(st.sampled_from(sorted(metadata)), label="entry")
    text = draw(
        st.sampled_from(["", "x", "skvae", "skvae 2", "skvae -1", "skvae 1e3", "{}", "[]", "null"]), label="text"
    )
    metadata[name] = text
    if draw(st.booleans(), label="gone"):
        del metadata[name]
    return to_bytes(arrays, metadata)


def of_bytes(draw: st.DrawFn, metadata: dict[str, str], arrays: Arrays) -> bytes:
    """A file is cut off, has a byte that is another, or says that its header is of another length."""
    content = bytearray(written(metadata, arrays))
    place = draw(st.integers(0, len(content) - 1), label="place")
    deed = draw(st.sampled_from(["cut", "flip", "length"]), label="deed")
    if deed == "cut":
        return bytes(content[:place])
    if deed == "flip":
        content[place] ^= draw(st.integers(1, 255), label="bits")
    else:
        content[:8] = struct.pack("<Q", draw(st.sampled_from([0, 1, 7, place, 10**9, 2**63]), label="length"))
    return bytes(content)


DAMAGES = [of_document, of_document, of_document, of_document, of_tensor, of_tensor, of_metadata, of_bytes]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """The name of a model, and its file with one change."""
    name = draw(st.sampled_from(list(MODELS)), label="model")
    damage = draw(st.sampled_from(DAMAGES))
    return name, damage(draw, *model(name))
