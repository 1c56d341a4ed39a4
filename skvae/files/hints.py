"""Whether values are of the types that hints declare."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")


def checked(name: str, cls: type[T], parts: Mapping[str, object]) -> T:
    """An instance of a class whose fields have the types that it declares.

    Parameters
    ----------
    name : str
        Name of the class in messages.
    cls : type
        The class.
    parts : mapping
        Value of each field.

    Raises
    ------
    ValueError
        Where a value is of another type.
    """
    hints = get_type_hints(cls)
    for field, value in parts.items():
        if not conforms(value, hints[field]):
            raise ValueError(f"{name}.{field} must be of type {hints[field]}, not {type(value).__name__}")
    return cls(**parts)


def conforms(value: object, hint: Any) -> bool:
    """Whether a value has the type that a hint declares.

    Examples
    --------
    >>> conforms([1, 2], list[int]), conforms("1", int | None), conforms("row", Literal["row"] | float)
    (True, False, True)
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(conforms(value, argument) for argument in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin in (list, dict):
        if not isinstance(value, origin):
            return False
        groups = [list(value)] if origin is list else [list(value.keys()), list(value.values())]
        return all(conforms(item, of) for group, of in zip(groups, arguments, strict=True) for item in group)
    if origin is np.ndarray:
        scalar = get_origin(get_args(arguments[1])[0]) or get_args(arguments[1])[0]
        return isinstance(value, np.ndarray) and issubclass(value.dtype.type, scalar)
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    return isinstance(value, type(None) if hint is None else origin or hint)
