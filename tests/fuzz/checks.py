"""What must hold of a call: a right answer or a sentence of the library's own, nothing moved, little memory."""

from __future__ import annotations

import os
import pickle
import random
import re
import signal
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn
import torch
from numpy.testing import assert_allclose

import skvae
from skvae import VAETransformer
from skvae.tables import to_pandas
from skvae.tables.columns.cells import identity, is_missing

resource = pytest.importorskip("resource")  # Windows has none

PACKAGE = str(Path(skvae.__file__).parent)
FILES = ("utils/validation.py", "utils/_array_api.py", "utils/_param_validation.py", "base.py")
VALIDATION = tuple(str(Path(sklearn.__file__).parent / file) for file in FILES)
SENTENCES = (ValueError, TypeError, MemoryError, OSError)
MEMORY = 1_000_000  # kilobytes that an example may add to the peak

SHARED = "the random numbers that NumPy's functions share"
OPTIONS = ("display.precision", "display.max_rows", "compute.use_numexpr", "mode.string_storage")


class Refused(Exception):
    """The library refused a call, with a sentence of its own."""


def ask(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call gives.

    Raises
    ------
    Refused
        Where the library says in a sentence of its own why it gives nothing.
    AssertionError
        Where an error or a warning is another's, an argument or a global setting has moved, or memory has grown.
    """
    given, peak = [*args, *kwargs.values()], peak_memory()
    copies = [contents(value) for value in given]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = settings()
        try:
            answer = function(*args, **kwargs)
        except Exception as error:
            check_sentence(error)
            raise Refused(str(error)) from error
        finally:
            moved = [name for name, value in settings().items() if value != before[name]]
            assert not moved or (moved == [SHARED] and draws_from_shared(function)), f"moved: {moved}"
    assert all(map(is_unchanged, given, copies)), "an argument was changed"
    assert peak_memory() - peak < MEMORY, "more than 1 GB was taken"
    for warning in caught:
        assert warning.filename in (__file__, *VALIDATION), (
            f"the warning points at {warning.filename}: {warning.message}"
        )
        assert issubclass(warning.category, UserWarning), f"another library warns: {warning.message}"
    return answer


def settings() -> dict[str, Any]:
    """What is global, and none of the library's to move."""
    name, keys, *position = np.random.get_state()  # noqa: NPY002
    return {
        "numpy": (np.geterr(), np.get_printoptions()),
        SHARED: (name, keys.tobytes(), position),
        "random numbers of Python": random.getstate(),
        "environment": dict(os.environ),
        "signals": signal.getsignal(signal.SIGINT),
        "torch": (
            torch.get_rng_state().numpy().tobytes(),
            torch.get_default_dtype(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(),
        ),
        "warnings": list(warnings.filters),
        "pandas": [pd.get_option(option) for option in OPTIONS],
        "sklearn": sklearn.get_config(),
    }


def draws_from_shared(method: Callable[..., Any]) -> bool:
    """Whether an estimator was told to draw from NumPy's own generator, by ``random_state=None``."""
    return getattr(getattr(method, "__self__", None), "random_state", 0) is None


def contents(value: Any) -> Any:
    """A copy of what can change in place and must not; None for the rest."""
    if isinstance(value, pd.DataFrame):
        return value.copy()
    if isinstance(value, list):
        return list(map(contents, value))
    return pickle.dumps(value) if isinstance(value, np.ndarray) else None


def is_unchanged(value: Any, copy: Any) -> bool:
    """Whether a value still is what it was."""
    if isinstance(value, pd.DataFrame):
        return value.equals(copy) and list(value.dtypes) == list(copy.dtypes) and value.index.equals(copy.index)
    if isinstance(value, list):
        return len(value) == len(copy) and all(map(is_unchanged, value, copy))
    return contents(value) == copy


def peak_memory() -> int:
    """Kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def check_sentence(error: Exception) -> None:
    """An error is one that is documented, raised by the library or by scikit-learn's validation, and speaks."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    told = f"{type(error).__name__} at {frame.filename}:{frame.lineno}: {error}"
    assert isinstance(error, SENTENCES), told
    origin = error.__cause__ or error  # scikit-learn's sentence about a chunk, say
    frames = traceback.extract_tb(origin.__traceback__)  # none where another library has made it up
    is_validation = bool(frames) and frames[-1].filename in VALIDATION
    assert is_validation or frame.filename.startswith(PACKAGE), told
    sentences = re.split(r"[.?!]\s+", str(error).strip())
    assert is_validation or len(sentences) > 1, f"a rule, evidence and a remedy take two sentences: {told}"


# -- what an answer must be -------------------------------------------------------------------------------------


def check_coordinates(Z: Any, n_rows: int, vae: VAETransformer) -> None:
    """Latent coordinates: a finite float for each row and component."""
    Z = np.asarray(Z)
    assert Z.shape == (n_rows, vae.vae_.encoder.n_components)
    assert Z.dtype.kind == "f"
    assert np.isfinite(Z).all(), "coordinates are not finite"


def check_scores(scores: np.ndarray, n_rows: int) -> None:
    """A finite float for each row."""
    assert scores.shape == (n_rows,)
    assert np.isfinite(scores).all(), f"scores are not finite: {scores}"


def check_rows(rows: Any, X: Any, vae: VAETransformer, n_rows: int, *, gaps: bool = False) -> None:
    """Rows in the container and dtypes of X, each cell in the support and range of its column in X."""
    assert len(rows) == n_rows
    if not vae.table_.is_frame:
        assert isinstance(rows, np.ndarray)
        assert rows.dtype == vae.table_.dtype
        assert rows.shape[1] == vae.n_features_in_
    else:
        assert type(rows) is type(X)
        check_schema(rows, X)
    for j, column in enumerate(vae.table_.data):
        check_cells(cells(rows, j), cells(X, j), column, may_miss=gaps and has_modelled_gaps(column, vae))


def has_modelled_gaps(column: Any, vae: VAETransformer) -> bool:
    """Whether the model knows how often cells of a column are missing."""
    return bool(column.is_indicated or (column.has_gaps and vae.vae_.chain is not None))


def check_schema(rows: Any, X: Any) -> None:
    """Names and dtypes are kept."""
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_index_equal(rows.columns, X.columns)
        assert list(rows.dtypes) == list(X.dtypes), f"{list(rows.dtypes)} for {list(X.dtypes)}"
    else:
        assert types_of(rows) == types_of(X), f"{rows.schema} for {X.schema}"


def types_of(X: Any) -> list[Any]:
    """Names and types of the columns; how wide the codes of an Arrow dictionary are is no concern of its values."""
    if not isinstance(X, pa.Table):
        return list(X.schema.items())
    return [(field.name, "dictionary" if pa.types.is_dictionary(field.type) else field.type) for field in X.schema]


def cells(X: Any, j: int) -> pd.Series:
    """A column of anything that fit takes."""
    frame = to_pandas(X)[0]
    if isinstance(frame, pd.DataFrame):
        return frame.iloc[:, j].reset_index(drop=True)
    if isinstance(frame, np.ma.MaskedArray):
        frame = np.where(np.ma.getmaskarray(frame), np.nan, frame.data.astype(float))
    column = np.asarray(frame)[:, j]
    return pd.Series(column.astype(column.dtype.newbyteorder("=")))  # pandas takes no other order of bytes


def check_cells(drawn: pd.Series, seen: pd.Series, column: Any, *, may_miss: bool) -> None:
    """Cells are those of a column as it was seen at fit."""
    told = f"column {column.name!r} under {column.family.name!r}"
    is_gap = is_missing(drawn)
    assert may_miss or not is_gap.any(), f"gaps in {told}"
    drawn, seen = drawn[~is_gap], seen[~is_missing(seen)]
    if column.family.cells == "categories":
        assert set(map(identity, drawn)) <= set(map(identity, seen)), f"new categories in {told}"
    elif column.family.is_whole or column.family.cells == "bins":
        if isinstance(drawn.dtype, pd.ArrowDtype) and drawn.dtype.kind in "mM":  # Python may not hold them
            drawn, seen = pd.Series(identities(drawn), dtype="int64"), pd.Series(identities(seen), dtype="int64")
        if getattr(drawn.dtype, "pyarrow_dtype", None) == pa.float16():  # of which Arrow finds no smallest
            drawn, seen = drawn.astype("float32"), seen.astype("float32")
        assert drawn.empty or seen.min() <= drawn.min(), f"{drawn.min()!r} < {seen.min()!r} in {told}"
        assert drawn.empty or drawn.max() <= seen.max(), f"{drawn.max()!r} > {seen.max()!r} in {told}"
    elif drawn.dtype.kind == "f":
        assert np.isfinite(drawn.to_numpy(dtype=float)).all(), f"infinite cells in {told}"


def check_kept(rows: Any, X: Any, vae: VAETransformer, *, gaps: bool = False) -> None:
    """The cells of X that are there are the same in rows, and no gap is left where none is modelled."""
    for j, column in enumerate(vae.table_.data):
        old, new = cells(X, j), cells(rows, j)
        is_known = ~is_missing(old)
        assert (gaps and has_modelled_gaps(column, vae)) or not is_missing(new).any(), f"column {j} still has gaps"
        assert identities(old[is_known]) == identities(new[is_known]), f"observed cells of column {j} have changed"


def identities(values: pd.Series) -> list[Any]:
    """What tells values apart; Arrow has moments that Python does not, and an array of objects may hold numbers."""
    if isinstance(values.dtype, pd.ArrowDtype) and values.dtype.kind in "mM":
        moments = values.array.__arrow_array__()
        return moments.cast(pa.int32() if moments.type == pa.date32() else pa.int64()).to_pylist()
    if pd.api.types.is_numeric_dtype(values.infer_objects()):
        return values.to_numpy(dtype=float).tolist()
    return list(map(identity, values.tolist()))


def check_same(one: Any, other: Any) -> None:
    """Answers are bit-equal."""
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=False)
    else:
        assert one.equals(other)


def check_close(one: np.ndarray, other: np.ndarray) -> None:
    """Answers are equal but for the order of sums."""
    rtol = 1e-3 if one.dtype == np.float32 else 1e-6
    assert_allclose(one, other, rtol=rtol, atol=rtol * (1 + np.abs(other).max(initial=0)))
