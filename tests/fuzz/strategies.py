"""Tables and parameters: hypothesis draws what they look like, and NumPy fills the tables from a seed.

So a table costs little to draw, shrinks to few plain columns, and its repr is enough to make it again.
"""

from __future__ import annotations

import datetime
import decimal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse
import torch
from hypothesis import strategies as st
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from skvae.estimators.parameters import CONSTRAINTS
from skvae.likelihoods import FAMILIES, Categorical, Gaussian, Likelihood
from skvae.priors import PRIORS, Flow, Laplace, Mixture, Normal, PriorFamily, VampPrior
from skvae.training import BetaSchedule, CyclicalBeta, LinearBeta

# -- numbers, of which the cells of every kind are made ---------------------------------------------------------

SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "few": lambda rng, n: rng.integers(0, 4, size=n).astype(float),
    "counts": lambda rng, n: rng.poisson(4, size=n).astype(float),
    "decimals": lambda rng, n: np.round(rng.normal(size=n), 2),
    "positive": lambda rng, n: np.exp(2 * rng.normal(size=n)),
    "heavy": lambda rng, n: rng.standard_cauchy(size=n),
    "constant": lambda rng, n: np.ones(n),
    "zeros": lambda rng, n: np.zeros(n),
    "two": lambda rng, n: rng.integers(0, 2, size=n).astype(float),
    "one apart": lambda rng, n: np.eye(1, n, int(rng.integers(n)))[0],
    "sentinel": lambda rng, n: np.where(rng.random(n) < 0.2, 999_999, rng.integers(0, 100, size=n)).astype(float),
    "steps": lambda rng, n: np.arange(n, dtype=float),
    "repeated": lambda rng, n: np.repeat(rng.normal(size=n // 3 + 1), 3)[:n],
}
EXPONENTS = st.sampled_from([0, 0, 0, 0, 1, -1, 2, 3, -3, 6, -6, 15, -15, 38, -38, 150, -150, 300, -300, -308])
OFFSETS = st.sampled_from([0, 0, 0, 0, 1, -1, 100, -1e6, 1.7e9, 2.0**52])


def whole(x: np.ndarray, least: float, most: float) -> np.ndarray:
    """Whole numbers within limits."""
    largest = np.nextafter(float(most), 0) if most > 2**53 else most  # the float next to 2**63 − 1 is 2**63
    return np.rint(np.clip(x, least, largest))


def few(x: np.ndarray) -> np.ndarray:
    """Codes of up to as many categories as there are numbers."""
    return np.unique(x, return_inverse=True)[1].astype(int)


# -- kinds of columns -------------------------------------------------------------------------------------------

WIDTHS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DECIMALS = [decimal.Decimal(10) ** -2 * i for i in range(7)]
MIXED = [True, 1, "no", 1.5, datetime.date(2020, 1, 1), (1, "a"), b"x", pd.Timestamp(0), "", 0, "é"]


def integers(dtype: str) -> Callable[[np.ndarray], pd.Series]:
    """Whole numbers of a width of NumPy."""
    limits = np.iinfo(dtype)
    return lambda x: pd.Series(whole(x, limits.min, limits.max).astype(dtype))


def floats(dtype: str) -> Callable[[np.ndarray], pd.Series]:
    """Floats of a width of NumPy."""
    limits = np.finfo(dtype)
    return lambda x: pd.Series(np.clip(x, limits.min, limits.max).astype(dtype))


def ticks(dtype: str, most: float = 2.0**62) -> Callable[[np.ndarray], pd.Series]:
    """Moments or durations so many units from the epoch."""
    return lambda x: pd.Series(np.rint(np.clip(x, -most, most)).astype(np.int64).view(dtype))


def days(x: np.ndarray) -> np.ndarray:
    """Days from the epoch, within the years that Python knows."""
    return np.rint(np.clip(x, -700_000, 2_900_000)).astype(np.int32)


def objects(values: list[Any]) -> Callable[[np.ndarray], pd.Series]:
    """An object column of some values."""
    return lambda x: pd.Series([values[i % len(values)] for i in few(x)], dtype=object)


def categories(values: Any, *, ordered: bool = False) -> Callable[[np.ndarray], pd.Series]:
    """A category dtype of some values, not all of which need to occur."""
    return lambda x: pd.Series(pd.Categorical.from_codes(few(x) % len(values), values, ordered=ordered))


def arrow(storage: pa.DataType, dtype: pa.DataType, most: float) -> Callable[[np.ndarray], pd.Series]:
    """A column of Arrow that is stored as whole numbers."""

    def make(x: np.ndarray) -> pd.Series:
        numbers = pa.array(whole(x, -most, most).astype(np.int64)).cast(storage)
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([numbers.cast(dtype)])))

    return make


def then(make: Callable[[np.ndarray], pd.Series], dtype: Any) -> Callable[[np.ndarray], pd.Series]:
    """What one kind makes, as another dtype."""
    return lambda x: make(x).astype(dtype)


def text(x: np.ndarray) -> pd.Series:
    """Words, as many as there are numbers."""
    return pd.Series([f"w{value:.3g}" for value in x], dtype=object)


KINDS: dict[str, Callable[[np.ndarray], pd.Series]] = {
    "bool": lambda x: pd.Series(x > 0.5),
    **{name: integers(name) for name in WIDTHS},
    **{name: floats(name) for name in ("float16", "float32", "float64")},
    "boolean": lambda x: pd.Series(x > 0.5, dtype="boolean"),
    **{name.title().replace("Ui", "UI"): then(integers(name), name.title().replace("Ui", "UI")) for name in WIDTHS},
    **{name: then(floats(name.lower()), name) for name in ("Float32", "Float64")},
    "text": text,
    "str": then(text, "str"),
    "string": then(text, "string"),
    "string[pyarrow]": then(text, "string[pyarrow]"),
    "mixed objects": objects(MIXED),
    "decimals": objects(DECIMALS),
    "dates": objects([datetime.date(2020, 1, 1 + i) for i in range(9)]),
    "category": categories(["red", "green", "blue", "never"]),
    "ordered": categories(["low", "mid", "high", "top"], ordered=True),
    "category of numbers": categories([3, 1, 2, 10]),
    "ordered floats": categories([0.5, 0.25, 1e300], ordered=True),
    "intervals": categories(pd.interval_range(0, 4), ordered=True),
    "category of dates": categories(pd.date_range("2020", periods=5)),
    "category of mixed": categories([1, "1", (1, 2)]),
    **{f"datetime64[{unit}]": ticks(f"M8[{unit}]", most) for unit, most in [("s", 1e11), ("ms", 1e14), ("us", 1e17)]},
    "datetime64[ns]": ticks("M8[ns]"),
    "zoned": lambda x: ticks("M8[ns]", 4e18)(x).dt.tz_localize("UTC").dt.tz_convert("Europe/Oslo"),
    "zoned seconds": lambda x: ticks("M8[s]", 1e11)(x).dt.tz_localize("UTC"),
    **{f"timedelta64[{unit}]": ticks(f"m8[{unit}]") for unit in ("s", "ns")},
    **{
        f"period[{freq}]": lambda x, freq=freq: pd.Series(
            pd.PeriodIndex.from_ordinals(whole(x, -1e6, 1e6).astype(int), freq=freq)
        )
        for freq in ("D", "M", "h", "Y")
    },
    "sparse floats": lambda x: pd.Series(pd.arrays.SparseArray(x)),
    "sparse integers": lambda x: pd.Series(pd.arrays.SparseArray(integers("int64")(x).to_numpy(), fill_value=0)),
    "arrow int64": then(integers("int64"), pd.ArrowDtype(pa.int64())),
    "arrow uint8": then(integers("uint8"), pd.ArrowDtype(pa.uint8())),
    "arrow float": then(floats("float32"), pd.ArrowDtype(pa.float32())),
    "arrow double": then(floats("float64"), pd.ArrowDtype(pa.float64())),
    "arrow bool": lambda x: pd.Series(x > 0.5, dtype=pd.ArrowDtype(pa.bool_())),
    "arrow string": then(text, pd.ArrowDtype(pa.string())),
    "arrow large string": then(text, pd.ArrowDtype(pa.large_string())),
    "arrow category": lambda x: pd.Series(text(x), dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "arrow date": lambda x: pd.Series(
        pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(days(x)).cast(pa.date32())]))
    ),
    "arrow moment": arrow(pa.int64(), pa.timestamp("us", "UTC"), 2.5e17),
    "arrow seconds": arrow(pa.int64(), pa.timestamp("s"), 1e12),
    "arrow duration": arrow(pa.int64(), pa.duration("ms"), 1e15),
    "arrow decimal": then(integers("int32"), pd.ArrowDtype(pa.decimal128(20, 2))),
}

UNREADABLE: dict[str, Callable[[np.ndarray], pd.Series]] = {
    "lists": objects([[1], [2]]),
    "interval": lambda x: pd.Series(pd.arrays.IntervalArray.from_breaks(np.arange(len(x) + 1.0))),
    "complex": lambda x: pd.Series(x.astype(complex)),
    "longdouble": lambda x: pd.Series(x.astype(np.longdouble)),
    "arrow time": lambda x: arrow(pa.int64(), pa.time64("us"), 8e10)(np.abs(x)),
    "arrow list": lambda x: pd.Series([[1]] * len(x), dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow binary": lambda x: pd.Series(text(x).str.encode("utf8"), dtype=pd.ArrowDtype(pa.binary())),
    "arrow null": lambda x: pd.Series([None] * len(x), dtype=pd.ArrowDtype(pa.null())),
}
"""Kinds that no likelihood covers."""

FOREIGN = [name for name in KINDS if name.startswith(("arrow", *WIDTHS, "float", "bool", "str", "date"))] + ["category"]
"""Kinds that Arrow can hand to other libraries."""

GAPS = {"none": 0.0, "some": 0.2, "many": 0.9, "all": 1.0}
GAP_VALUES = [None, np.nan, pd.NA, pd.NaT]


@dataclass(frozen=True)
class Column:
    """How a column is made."""

    kind: str
    shape: str = "normal"
    exponent: int = 0
    offset: float = 0.0
    gaps: str = "none"

    def make(self, n_rows: int, rng: np.random.Generator) -> pd.Series:
        """So many cells."""
        x = SHAPES[self.shape](rng, n_rows) * 10.0**self.exponent
        cells = (KINDS | UNREADABLE)[self.kind](np.clip(x + self.offset, -1e308, 1e308))
        is_gap = rng.random(n_rows) < GAPS[self.gaps]
        if not is_gap.any() or (isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "biu"):
            return cells
        if cells.dtype == object:
            gap = GAP_VALUES[rng.integers(len(GAP_VALUES))]
            return pd.Series([gap if is_gap[i] else cells[i] for i in range(n_rows)], dtype=object)
        return cells.mask(is_gap)


def columns(kinds: list[str]) -> st.SearchStrategy[Column]:
    """Columns of some kinds; most are plain, as most bugs are of one oddity."""
    return st.builds(
        Column,
        kind=st.sampled_from(kinds),
        shape=st.sampled_from(list(SHAPES)),
        exponent=EXPONENTS,
        offset=OFFSETS,
        gaps=st.sampled_from(["none"] * 10 + ["some"] * 6 + ["many"] * 3 + ["all"]),
    )


# -- names, indexes, containers ---------------------------------------------------------------------------------

NAMES: dict[str, Callable[[int], Any]] = {
    "letters": lambda d: [chr(97 + j) for j in range(d)],
    "integers": lambda d: list(range(5, 5 + d)),
    "positions": lambda d: list(range(d))[::-1],
    "tuples": lambda d: pd.Index([("a", j) for j in range(d)], tupleize_cols=False),
    "levels": lambda d: pd.MultiIndex.from_tuples([("a", j) for j in range(d)]),
    "duplicates": lambda d: ["a", "a", "b", "c", "d", "e", "f"][:d],
    "odd": lambda d: ["", "é ☃", "a\nb", "{0}", "%s", "x" * 300, "_"][:d],
    "dates": lambda d: pd.date_range("2020", periods=d),
    "floats": lambda d: [0.5 + j for j in range(d)],
    "gap": lambda d: [None, np.nan, *range(9)][:d],
    "mixed": lambda d: ["a", 1, ("b", 2), 2.5, None, True, b"c"][:d],
    "categories": lambda d: pd.CategoricalIndex([chr(97 + j) for j in range(d)]),
}
INDEXES: dict[str, Callable[[int], Any]] = {
    "range": lambda n: pd.RangeIndex(n),
    "words": lambda n: [f"r{i}" for i in range(n)],
    "dates": lambda n: pd.date_range("2020", periods=n, name="day"),
    "duplicates": lambda n: [i // 2 for i in range(n)],
    "gaps": lambda n: [None if i % 2 else i for i in range(n)],
    "levels": lambda n: pd.MultiIndex.from_arrays([range(n), ["a"] * n], names=["x", None]),
    "backwards": lambda n: range(n)[::-1],
}
FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda X: X,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "read-only": lambda X: (X.setflags(write=False), X)[1],
    "list": lambda X: X.tolist(),
    "masked": lambda X: np.ma.masked_array(X, np.arange(X.size).reshape(X.shape) % 7 == 3),
    "sparse": lambda X: scipy.sparse.csr_matrix(X.astype(float)),
    "objects": lambda X: X.astype(object),
    "holes": lambda X: np.where(np.arange(X.size).reshape(X.shape) % 5 == 2, pd.NA, X.astype(object)),
    "words": lambda X: X.astype(str),
    "swapped": lambda X: X.astype(X.dtype.newbyteorder()),
}
ARRAYS = ("bool", *WIDTHS, "float16", "float32", "float64")


@dataclass(frozen=True)
class Frame:
    """How a DataFrame is made."""

    columns: tuple[Column, ...]
    names: str = "letters"
    index: str = "range"
    library: str = "pandas"

    def make(self, n_rows: int, seed: int) -> Any:
        """So many rows."""
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame({j: column.make(n_rows, rng) for j, column in enumerate(self.columns)})
        if self.library != "pandas":
            table = pa.Table.from_pandas(frame.rename(columns=str), preserve_index=False)
            return table if self.library == "pyarrow" else _polars().from_arrow(table)
        frame.columns = NAMES[self.names](len(self.columns))
        return frame.set_axis(INDEXES[self.index](n_rows))


@dataclass(frozen=True)
class Array:
    """How an array, or what becomes one, is made."""

    columns: tuple[Column, ...]
    form: str = "array"

    def make(self, n_rows: int, seed: int) -> Any:
        """So many rows."""
        rng = np.random.default_rng(seed)
        X = np.column_stack([column.make(n_rows, rng).to_numpy() for column in self.columns])
        return FORMS[self.form](X)


def _polars() -> Any:
    import polars  # an optional library

    return polars


def arrays() -> st.SearchStrategy[Array]:
    """Arrays, most of them plain."""
    form = st.sampled_from(["array"] * 6 + list(FORMS))
    one_kind = st.sampled_from(ARRAYS).flatmap(lambda kind: st.lists(columns([kind]), min_size=1, max_size=5))
    return st.builds(Array, one_kind.map(tuple), form)


def frames() -> st.SearchStrategy[Frame]:
    """DataFrames of pandas, most with plain names, and of other libraries."""
    several = st.lists(columns([*KINDS] * 9 + [*UNREADABLE]), min_size=1, max_size=5).map(tuple)
    foreign = st.lists(columns(FOREIGN), min_size=1, max_size=4).map(tuple)
    names = st.sampled_from(["letters"] * 8 + list(NAMES))
    return st.one_of(
        st.builds(Frame, several, names, st.sampled_from(["range"] * 4 + list(INDEXES))),
        st.builds(Frame, several),
        st.builds(Frame, foreign, library=st.sampled_from(["polars", "polars", "pyarrow"])),
    )


# -- parameters, of the table of constraints --------------------------------------------------------------------


def own_network(n_in: int, n_out: int) -> nn.Module:
    """A network of the user's."""
    return nn.Linear(n_in, n_out)


OBJECTS: dict[type, list[Any]] = {
    Likelihood: [*(family() for family in FAMILIES.values()), Gaussian("column"), Gaussian("row"), Categorical(2)],
    PriorFamily: [Normal(), Laplace(), Mixture(n_modes=3), VampPrior(2), Flow(1, 4)],
    BetaSchedule: [LinearBeta(1.0, end=0.3), CyclicalBeta(n_cycles=2)],
    tuple: [(4,), (8, 3), ()],
    list: [[4]],
    torch.device: [torch.device("cpu")],
    str: ["cpu", "auto"],
}
"""Values of the types that a constraint may name."""

PLACE = tempfile.TemporaryDirectory()  # of the fits that are kept, until all tests are over

SMALL: dict[str, st.SearchStrategy[Any]] = {
    "max_iter": st.integers(1, 3),
    "n_components": st.integers(1, 4),
    "verbose": st.just(0),
    "prior": st.sampled_from([*OBJECTS[PriorFamily], *(name for name in PRIORS if name != "flow")]),
    "hidden_layer_sizes": st.sampled_from(["auto", (8,), (4, 3), [4], ()]),
    "constraints": st.sampled_from(["auto", None, (), ["a <= b"], ["x1 = x0"], ("b = f(a)",)]),
    "checkpoint_dir": st.sampled_from([None, PLACE.name, Path(PLACE.name)]),
}
"""Parameters that set how long a fit takes, print, or write."""


def values_of(constraint: Any) -> st.SearchStrategy[Any]:
    """Values that meet a constraint of scikit-learn."""
    if isinstance(constraint, StrOptions):
        return st.sampled_from(sorted(constraint.options))
    if isinstance(constraint, Interval):
        return _numbers_in(constraint)
    if constraint == "boolean":
        return st.booleans()
    if constraint == "random_state":
        return st.sampled_from([0, 7, None]) | st.builds(np.random.RandomState, st.just(3))
    if constraint is callable:
        return st.just(own_network)
    if constraint is None:
        return st.none()
    return st.sampled_from(OBJECTS[constraint])


def _numbers_in(interval: Interval) -> st.SearchStrategy[Any]:
    """Numbers of an interval, its ends among them."""
    if interval.type is Integral:
        return st.integers(interval.left, interval.left + 3)
    numbers = [0.0, 1e-300, 1e-3, 0.1, 0.5, 0.9, 1.0, 10.0, 1e6]
    return st.sampled_from([number for number in numbers if number in interval])


def parameter(name: str, names: list[Any]) -> st.SearchStrategy[Any]:
    """Values of a parameter of ``VAETransformer``."""
    if name in SMALL:
        return SMALL[name]
    options = []
    for constraint in CONSTRAINTS[name]:
        if isinstance(constraint, type) and constraint.__name__ == "Mapping":
            family = st.sampled_from(["auto", *FAMILIES]) | st.sampled_from(OBJECTS[Likelihood])
            options.append(st.dictionaries(st.sampled_from(names), family, max_size=len(names)))
        else:
            options.append(values_of(constraint))
    return st.one_of(options)


@st.composite
def parameters(draw: st.DrawFn, names: list[Any]) -> dict[str, Any]:
    """Parameters of a short fit: a few that are not the default."""
    chosen = draw(st.lists(st.sampled_from(sorted(CONSTRAINTS)), max_size=5, unique=True))
    short = {"max_iter": 2, "n_components": 2, "random_state": 0, "device": "cpu"}
    return short | {name: draw(parameter(name, names)) for name in chosen}
