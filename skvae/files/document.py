"""Fitted values ↔ a JSON document and arrays: what a file holds instead of a pickle.

A document is plain JSON, in which ``{"$name": parts}`` stands for what is none of JSON's: a tuple, an array, a dtype, a
likelihood. The names are those of a closed list: nothing is imported, and no name is looked up anywhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skvae.files.hints import checked
from skvae.files.parts import PARTS, part_of
from skvae.files.weights import Arrays
from skvae.identifiers import Keys, Seen, Slot, TextForm
from skvae.likelihoods import FAMILIES, Likelihood
from skvae.models import Online
from skvae.priors import PRIORS, PriorFamily
from skvae.tables import KINDS, RULES, Bins, Copy, Formula, IdentifierColumn, Quantity, Rulebook, Term
from skvae.tables.columns import Column
from skvae.training import BetaSchedule, CyclicalBeta, LinearBeta

OF_PARAMETERS: list[type] = [*FAMILIES.values(), *PRIORS.values(), LinearBeta, CyclicalBeta]
OF_RULES: list[type] = [Rulebook, Quantity, *RULES, Formula, Term]
OF_IDENTIFIERS: list[type] = [IdentifierColumn, TextForm, Slot, Keys, Seen]

OWN = (Likelihood, PriorFamily, BetaSchedule)  # of which a user may derive classes


def known_classes() -> dict[str, type]:
    """The dataclasses that a document may hold, by name."""
    return {cls.__name__: cls for cls in [*OF_PARAMETERS, *KINDS, Bins, Copy, *OF_IDENTIFIERS, Online, *OF_RULES]}


class Writer:
    """Turns values into a document, and collects their arrays.

    Parameters
    ----------
    names_own : bool
        Whether a user's own likelihood, prior or schedule is written, under its import path.
    first : int
        Number of the first array.
    """

    def __init__(self, *, names_own: bool, first: int = 0) -> None:
        self.names_own = names_own
        self.first = first
        self.arrays: Arrays = {}
        self.classes = known_classes()

    def write(self, value: Any) -> Any:
        """The document of a value.

        Raises
        ------
        ValueError
            Where a file cannot hold it; the message ends a sentence that begins with "holds".
        """
        if value is None or type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value)):
            return value
        if type(value) is list:
            is_long = len(value) > 8 and set(map(type, value)) == {float}
            return {"$floats": self._array(np.array(value))} if is_long else [self.write(item) for item in value]
        if type(value) is tuple:
            return {"$tuple": [self.write(item) for item in value]}
        if isinstance(value, Mapping):
            if all(type(key) is str and not key.startswith("$") for key in value):
                return {key: self.write(item) for key, item in value.items()}
            return {"$dict": [[self.write(key), self.write(item)] for key, item in value.items()]}
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
            return {"$array": self._array(value)}
        if isinstance(value, torch.Tensor):
            return {"$tensor": self._array(value.detach().cpu().numpy())}
        if isinstance(value, torch.device):
            return {"$device": str(value)}
        if isinstance(value, np.random.RandomState):
            return {"$random_state": self.write(list(value.get_state(legacy=True)))}
        name = self._class_name(value)
        if name is not None:
            return {f"${name}": self._fields(value)}
        name = part_of(value)
        return {f"${name}": self.write(PARTS[name].take(value))}

    def _fields(self, value: Any) -> dict[str, Any]:
        """The documents of the fields of a dataclass; of a column, an error says which it is."""
        try:
            return {field.name: self.write(getattr(value, field.name)) for field in fields(value) if field.init}
        except ValueError as error:
            if isinstance(value, Column) and error.__cause__ is None:  # else the column in this one has said so
                raise ValueError(f"{error} in column {value.name!r}") from error
            raise

    def _array(self, array: NDArray[Any]) -> str:
        name = f"values/{self.first + len(self.arrays)}"
        self.arrays[name] = np.asarray(array, order="C")
        return name

    def _class_name(self, value: Any) -> str | None:
        cls = type(value)
        if self.classes.get(cls.__name__) is cls:
            return cls.__name__
        if self.names_own and isinstance(value, OWN) and hasattr(cls, "__dataclass_fields__"):
            return import_path(cls)
        return None


class Reader:
    """Turns a document back into values.

    Parameters
    ----------
    arrays : dict
        Arrays by the name that the document has for them.
    own : sequence of classes
        A user's own likelihoods, priors and schedules, which the document may name.
    room : float
        How many numbers may come of ranges, which say them all in three.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], own: Sequence[type] = (), *, room: float = math.inf) -> None:
        self.arrays = dict(arrays)
        self.room = room
        self.own = {import_path(cls): cls for cls in own}
        self.classes = known_classes()

    def read(self, node: Any) -> Any:
        """The value of a document.

        Raises
        ------
        Exception
            Many kinds of error, where somebody has changed the document.
        """
        if isinstance(node, list):
            return [self.read(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) != 1 or not next(iter(node)).startswith("$"):
            return {key: self.read(item) for key, item in node.items()}
        ((name, parts),) = node.items()
        name = name.removeprefix("$")
        if name in ("array", "floats", "tensor"):
            return self._read_array(name, self._array(parts))
        parts = self.read(parts)
        if name == "index" and "range" in parts:
            self._reserve(*parts["range"])
        return self._read_other(name, parts)

    def _array(self, name: str) -> NDArray[Any]:
        """An array of the file, for its only use: else a small file could say it again and again."""
        if name not in self.arrays:
            raise ValueError(f"It lacks the array {name!r}, or uses it twice")
        return self.arrays.pop(name)

    def _reserve(self, start: int, stop: int, step: int) -> None:
        """Refuse ranges that are longer than there is room, before anything is made of them."""
        if not type(start) is type(stop) is type(step) is int:  # NumPy's own overflow
            raise ValueError("A range must be of whole numbers")
        self.room -= max(0, (stop - start) // step)
        if self.room < 0:
            raise ValueError("Its ranges are far longer than the file")

    def _read_array(self, name: str, array: NDArray[Any]) -> Any:
        if name == "floats":
            if array.dtype != np.float64 or array.ndim != 1:
                raise ValueError(f"A list of floats cannot be of {array.dtype} {array.shape}")
            return array.tolist()
        return torch.from_numpy(np.array(array)) if name == "tensor" else array

    def _read_other(self, name: str, parts: Any) -> Any:
        if name == "tuple":
            return tuple(parts)
        if name == "dict":
            return dict(parts)
        if name == "device":
            return torch.device(str(parts))
        if name == "random_state":
            return _random_state(*parts)
        if name in self.classes:
            return checked(name, self.classes[name], parts)
        if name in self.own:
            return self.own[name](**parts)
        if name in PARTS:
            return PARTS[name].put(parts)
        raise ValueError(
            f"It holds a {name!r}, which no file of this version of skvae does. If that is a class of yours, pass it: "
            f"load(path, classes=[…]). If not, load the file with the version that wrote it"
        )


def import_path(thing: Any) -> str:
    """Where a class or a function is defined, as it would be imported."""
    thing = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{thing.__module__}.{thing.__qualname__}"


def _random_state(kind: Any, key: Any, position: Any, *gauss: Any) -> np.random.RandomState:
    if not (key.dtype == np.uint32 and key.shape == (624,) and 0 <= position <= 624):  # NumPy does not look
        raise ValueError("a state of NumPy's random numbers must be 624 words and a position among them")
    state = np.random.RandomState(0)
    state.set_state((str(kind), key, int(position), *gauss))
    return state
