"""Values are of the types that hints declare."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionDtype

from skvae.files.hints import checked, conforms


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (np.int64(3), int, True),
        (True, int, False),
        (1, float, True),
        ("row", Literal["row"] | float, True),
        ("col", Literal["row"] | float, False),
        ({"a": [1.0]}, dict[str, list[float]], True),
        ({"a": 1.0}, dict[str, list[float]], False),
        ([1, "a"], list[int], False),
        (None, int | None, True),
        (object(), Any, True),
        (("a", 1), Hashable, True),
        ([], Hashable, False),
        (np.dtype("int8"), np.dtype[Any] | ExtensionDtype, True),
        (pd.Int8Dtype(), np.dtype[Any] | ExtensionDtype, True),
        ("int8", np.dtype[Any] | ExtensionDtype, False),
        (np.zeros(2), NDArray[np.floating[Any]], True),
        (np.zeros(2, bool), NDArray[np.floating[Any]], False),
    ],
)
def test_types_are_those_that_are_declared(value, hint, expected):
    assert conforms(value, hint) is expected


@dataclass
class Point:
    x: float
    name: str | None = None


def test_fields_of_a_class_are_checked():
    assert checked("Point", Point, {"x": 1.5}) == Point(1.5)
    with pytest.raises(ValueError, match=r"Dot.x must be of type .*float.*, not str"):
        checked("Dot", Point, {"x": "1.5"})
    with pytest.raises(KeyError):
        checked("Point", Point, {"y": 1.5})
