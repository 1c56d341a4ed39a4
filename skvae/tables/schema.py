"""Which column has which family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from skvae.likelihoods import (
    FAMILIES,
    Bernoulli,
    Categorical,
    DiscretizedLogistic,
    Gaussian,
    Histogram,
    Likelihood,
    Ordinal,
    StudentT,
)
from skvae.tables.columns import is_category, is_number, is_time

Choice = str | Likelihood


def array_family(dtype: Any) -> Likelihood:
    """Apply the "auto" rule to an array: measurements that keep their relative scales, as in PCA, or bits."""
    return Bernoulli() if pd.api.types.is_bool_dtype(dtype) else Gaussian()


def column_family(dtype: Any, *, histograms: bool) -> Likelihood:
    """Apply the "auto" rule to a column of a DataFrame: by its dtype alone."""
    if is_category(dtype):
        return category_family(dtype)
    if histograms or is_time(dtype):
        return Histogram()
    return DiscretizedLogistic() if pd.api.types.is_integer_dtype(dtype) else StudentT()


def category_family(dtype: Any) -> Likelihood:
    """Ordinal where the categories have an order."""
    return Ordinal() if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered else Categorical()


def covers(family: Likelihood, dtype: Any) -> bool:
    """Whether a family can read a column of this dtype: any reads numbers."""
    if is_category(dtype):
        is_for_categories = family.levels != "none" and not isinstance(family, Histogram)
        return is_for_categories or (isinstance(family, Bernoulli) and pd.api.types.is_bool_dtype(dtype))
    return True


def as_family(choice: Choice) -> Likelihood:
    """A family from its name or itself."""
    if isinstance(choice, Likelihood):
        return choice
    if isinstance(choice, str) and choice in FAMILIES:
        return FAMILIES[choice]()
    raise ValueError(
        f"The likelihood must be 'auto', a Likelihood, one of {sorted(FAMILIES)}, or a dict of these by column; "
        f"got {choice!r}."
    )


def choose_families(
    names: list[Any],
    dtypes: list[Any],
    likelihood: Choice | Mapping[Any, Choice],
    *,
    is_frame: bool,
    histograms: bool = False,
) -> list[Likelihood]:
    """The family of each column.

    Parameters
    ----------
    names, dtypes : lists of length D
        Of the columns; the names of an array's columns are their positions.
    likelihood : str, Likelihood or dict
        "auto", one family for all columns, or families by column, the rest being "auto". One family for all
        leaves the text, categories and booleans of a DataFrame categorical.
    is_frame : bool
        Which "auto" rule holds.
    histograms : bool
        Whether "auto" makes the numbers of a DataFrame histograms, for synthesis, and not a family with a location.

    Returns
    -------
    list of Likelihood
    """
    for name, dtype in zip(names, dtypes, strict=True):
        if not (is_number(dtype) or is_category(dtype) or is_time(dtype)):
            raise TypeError(
                f"Column {name!r} has dtype {dtype}, which no likelihood covers. "
                f"Convert it to numbers, dates, booleans or categories, or drop it."
            )
    chosen: dict[Any, Choice] = dict(likelihood) if isinstance(likelihood, Mapping) else {}
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise ValueError(
            f"The dict passed as likelihood names column {unknown[0]!r}, but the columns are {names[:10]}"
            f"{' …' if len(names) > 10 else ''}. Name one of these."
        )
    default = "auto" if isinstance(likelihood, Mapping) else likelihood
    families = []
    for name, dtype in zip(names, dtypes, strict=True):
        choice = chosen.get(name, default)
        if choice == "auto":
            families.append(column_family(dtype, histograms=histograms) if is_frame else array_family(dtype))
            continue
        family = as_family(choice)
        if not covers(family, dtype):
            if name in chosen or not is_frame:
                readers = [name for name in FAMILIES if covers(FAMILIES[name](), dtype)]
                raise ValueError(
                    f"Column {name!r} has dtype {dtype}, which only the likelihoods {readers} can read, "
                    f"but likelihood asks for {family!r}. Convert the column to numbers or leave it out."
                )
            family = category_family(dtype)
        families.append(family)
    return families
