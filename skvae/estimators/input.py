"""What a user passes as X: checked, and turned into the array or DataFrame that a table reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data
from torch import Tensor

from skvae.estimators._compat import check_sample_weight
from skvae.messages import memory_remedy
from skvae.networks import VAE
from skvae.tables import Rows, Table, is_stream, of_tensor, python_reader_of, to_pandas, with_nan
from skvae.training import settings_of_its_own

NO_NUMBERS = ("could not convert", "must be a", "inhomogeneous")  # what NumPy says of them; scikit-learn has sentences


def read_rows(
    estimator: BaseEstimator,
    X: Any,
    table: Table | None,
    *,
    n_rows_wanted: int | None = None,
    reset: bool | None = None,
) -> Any:
    """X as an array or a DataFrame.

    Parameters
    ----------
    estimator : BaseEstimator
        Learns the names and the number of columns in fit, and is asked for them later.
    X : array-like or DataFrame
        Rows.
    table : Table or None
        What is known of the columns; None in fit, unless they are given.
    n_rows_wanted : int, optional
        Rows that it must have: two where there is no table, and one otherwise.
    reset : bool, optional
        Whether the estimator learns the names: where there is no table, unless said otherwise.

    Raises
    ------
    ValueError, TypeError
        With scikit-learn's sentence where it has one.
    """
    _check_is_in_memory(X)
    X, _ = to_pandas(X)
    X = with_nan(X)
    n_rows = n_rows_wanted or n_rows_min(table)
    if reset is None:
        reset = table is None
    if reset and table is not None and np.ndim(X) == 2 and X.shape[1] != table.n_columns:
        raise ValueError(
            f"X must have the columns of the given table, but has {X.shape[1]} where the table has "
            f"{table.n_columns}. Pass the table of these columns."
        )
    is_frame = isinstance(X, pd.DataFrame) if table is None else table.is_frame
    if is_frame:
        return _read_frame(estimator, X, table, n_rows, reset)
    return _read_array(estimator, X, n_rows, reset)


def _check_is_in_memory(X: Any) -> None:
    """Refuse the name of a file, and what gives rows by and by."""
    if (reader := python_reader_of(X)) is not None:
        raise TypeError(
            f"Rows come in an array or a DataFrame, but X is the name of a file, {str(X)!r}. Pass its rows: "
            f"{reader}({str(X)!r})."
        )
    if isinstance(X, str):
        raise TypeError(
            f"Rows come in an array or a DataFrame, but X is the text {X[:100]!r}. Pass rows, or the path of Parquet "
            f"files to fit_chunks."
        )
    if is_stream(X):
        raise TypeError(
            f"Rows come in an array or a DataFrame, but X is a {type(X).__name__}. Pass it to fit_chunks; "
            f"other methods take its parts one at a time."
        )


def _read_array(estimator: BaseEstimator, X: Any, n_rows_wanted: int, reset: bool) -> NDArray[Any]:
    check_is_real("X", X)
    try:
        array: NDArray[Any] = validate_data(
            estimator, X, reset=reset, ensure_all_finite=False, ensure_min_samples=n_rows_wanted
        )
        return array
    except (ValueError, TypeError) as error:
        if "string" not in str(error):
            raise
        raise type(error)(
            f"An array must hold numbers, but X holds something else ({error}). Convert it to numbers, or pass a "
            f"DataFrame, whose columns are read by their dtypes: dates are dates, and text is categories."
        ) from error


def check_is_real(name: str, values: Any) -> None:
    """Refuse complex numbers, all of which scikit-learn would print."""
    dtype = getattr(values, "dtype", None)
    if getattr(dtype, "kind", "") == "c":
        raise ValueError(
            f"Complex data not supported: a cell is a real number, but {name} has dtype {dtype}. Pass the real and the "
            f"imaginary parts as columns, {name}.real and {name}.imag."
        )


def read_coordinates(Z: Any, n_components: int, *, first_alone: bool) -> NDArray[np.floating[Any]]:
    """Z as an array of coordinates of all components, or of the first alone where these will do. Shape: (N, K).

    Raises
    ------
    ValueError
        With scikit-learn's sentence where it has one.
    """
    if Z is None or np.isscalar(Z):
        raise ValueError(
            f"Z must have one row for each row of the table, and one column for each of the {n_components} components, "
            f"but is {'None' if Z is None else f'one {type(Z).__name__}'}. Pass what transform returned."
        )
    check_is_real("Z", Z)
    try:
        coordinates: NDArray[Any] = check_array(of_tensor(Z), dtype=[np.float64, np.float32], input_name="Z")
    except (ValueError, TypeError) as error:
        if not any(words in str(error) for words in NO_NUMBERS):
            raise
        raise ValueError(
            f"Z must hold numbers, but holds another thing ({error}). Pass what transform returned."
        ) from error
    n = coordinates.shape[1]
    if n > n_components or (n < n_components and not first_alone):
        raise ValueError(
            f"Z must have one column for each of the {n_components} components, got {n}. Pass what transform returned."
        )
    return coordinates


def _read_frame(estimator: BaseEstimator, X: Any, table: Table | None, n_rows_wanted: int, reset: bool) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        assert table is not None and table.labels is not None, "fit reads only DataFrames here"
        values = validate_data(estimator, X, reset=reset, dtype=None, ensure_all_finite=False)
        return pd.DataFrame(values).set_axis(table.labels, axis=1)
    if not X.columns.is_unique:
        name = X.columns[X.columns.duplicated()][0]
        raise ValueError(f"Column names must be unique, but {name!r} occurs more than once. Rename the columns.")
    if len(X) < n_rows_wanted or X.shape[1] < 1:
        raise ValueError(
            f"Found a DataFrame with {len(X)} row(s) and {X.shape[1]} column(s), while {type(estimator).__name__} "
            f"needs at least {n_rows_wanted} row(s) and 1 column here. Pass more."
        )
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if table is not None and not X.columns.equals(table.labels):  # scikit-learn compares only names that are strings
        expected = list(table.dtypes)
        raise ValueError(
            f"The columns must be those of fit in their order, {expected[:10]}, but are {list(X.columns[:10])}. "
            f"Reorder them."
        )
    return X


def n_rows_min(table: Table | None) -> int:
    """Rows that are wanted at least: two where the columns are to be learned of them."""
    return 2 if table is None else 1


class RowWeights(NamedTuple):
    """Which rows have a weight: a row without one is absent.

    Attributes
    ----------
    kept : ndarray of bool of shape (N,) or None
        The rows with a weight; None for all.
    of_kept : Tensor or None
        Their weights; None for equal ones.
    """

    kept: NDArray[np.bool_] | None = None
    of_kept: Tensor | None = None

    def rows_of(self, X: Rows) -> Rows:
        """The rows with a weight."""
        return X if self.kept is None else X[self.kept]

    def on_average_one(self) -> RowWeights:
        """The same weights divided by their mean, which the precision of training can hold however small they are."""
        if self.of_kept is None:
            return self
        relative = self.of_kept / self.of_kept.max()  # equal ones are exactly 1, and no sum of large ones overflows
        return self._replace(of_kept=relative / relative.mean())


def row_weights(X: Rows, sample_weight: ArrayLike | None, n_rows_wanted: int = 2) -> RowWeights:
    """What ``sample_weight`` says of the rows."""
    if sample_weight is None:
        return RowWeights()
    _check_are_numbers(sample_weight)
    weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if np.isinf(weights).any():  # scikit-learn lets one number for all rows pass
        raise ValueError("sample_weight must be finite, but a weight is infinite. Pass finite weights, or none.")
    kept = weights > 0
    if kept.sum() < n_rows_wanted:
        rows = {1: "a row", 2: "two rows"}[n_rows_wanted]
        raise ValueError(f"fit needs {rows} of positive sample_weight, got {kept.sum()}. Pass larger weights.")
    return RowWeights(kept, torch.from_numpy(weights[kept]))


def _check_are_numbers(sample_weight: Any) -> None:
    """Refuse weights of which NumPy makes no floats, or makes them silently of moments and complex numbers."""
    try:
        weights = np.asarray(sample_weight)
        if weights.dtype.kind in "cmM":
            raise TypeError(f"they have dtype {weights.dtype}")
        weights.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"sample_weight must be a number for each row, but holds something else ({error}). Pass numbers without "
            f"gaps, such as counts."
        ) from error


def check_not_ordered(parameters: Mapping[str, Any]) -> None:
    """Refuse nested components where rows come once: they are trained together from one start to one end."""
    if parameters["ordered"]:
        raise ValueError(
            "partial_fit goes on from where the last chunk left the model, which ordered=True does not, but ordered is "
            "True. Use fit_chunks, or ordered=False."
        )


def check_count(name: str, value: object) -> int:
    """A number of draws or rows, one at least."""
    if not isinstance(value, Integral) or not 1 <= int(value) < 2**63:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}. Ask for 1 to 2**63 - 1.")
    return int(value)


def count_or(default: int, name: str, value: object) -> int:
    """A number of draws or rows, or the default for None."""
    return default if value is None else check_count(name, value)


def check_flag(name: str, value: object) -> bool:
    """A choice of two, and no word for one: every text is true, "no" as well."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {value!r}. Pass one of these.")
    return bool(value)


def check_gaps(gaps: object, table: Table, vae: VAE) -> bool:
    """Whether rows shall have gaps, which a model that is asked for some must know of, if there were any."""
    has_gaps = check_flag("gaps", gaps)
    if has_gaps and table.gaps.any() and vae.chain is None and not table.indicated:
        raise ValueError(
            "gaps=True asks for gaps as the data have them, but this model knows nothing of them. Leave it out, or fit "
            "with add_indicator=True, or to a DataFrame with decoder='auto'."
        )
    return has_gaps


def check_n_samples(n_samples: object, given: object, frame: pd.DataFrame) -> int | None:
    """How often a condition is drawn from; None where each row of a DataFrame is completed once."""
    if isinstance(given, Mapping):
        return count_or(1, "n_samples", n_samples)
    if n_samples not in (None, len(frame)):
        raise ValueError(
            f"Each row of given is completed once, so n_samples is its {len(frame)} row(s), got {n_samples!r}. "
            f"Leave n_samples out, or repeat the rows of given."
        )
    return None


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Give the estimator its attributes back if anything goes wrong."""
    before = vars(estimator).copy()
    try:
        remedy = "Use fewer rows, or fit_chunks, a smaller batch_size or smaller hidden_layer_sizes."
        with memory_remedy(remedy), settings_of_its_own():
            yield
    except BaseException:
        vars(estimator).update(before)  # first, so that a second Ctrl-C leaves nothing less
        for name in vars(estimator).keys() - before.keys():
            del vars(estimator)[name]
        raise


def with_column(X: Any, table: Table, j: int) -> Any:
    """X with gaps in column j of the table, where X is a DataFrame that lacks this column."""
    if not table.is_frame:
        return X
    X, _ = to_pandas(X)
    column = table.data_columns[j]
    if not isinstance(X, pd.DataFrame) or column.name in X.columns or X.shape[1] < j:
        return X
    dtype: Any = object if column.dtype.kind in "biu" else column.dtype  # which have no gap in NumPy
    gaps = pd.Series(index=X.index, dtype=dtype, name=column.name)
    return pd.concat([X.iloc[:, :j], gaps, X.iloc[:, j:]], axis=1)
