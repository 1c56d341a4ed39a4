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
    Likelihood,
    StudentT,
)
from skvae.tables.columns import is_category, is_number

Choice = str | Likelihood


def array_family(dtype: Any) -> Likelihood:
    """Apply the "auto" rule to an array: measurements that keep their relative scales, as in PCA, or bits."""
    return Bernoulli() if pd.api.types.is_bool_dtype(dtype) else Gaussian()


def column_family(dtype: Any) -> Likelihood:
    """Apply the "auto" rule to a column of a DataFrame: by its dtype alone."""
    if is_category(dtype):
        return Categorical()
    return DiscretizedLogistic() if pd.api.types.is_integer_dtype(dtype) else StudentT()


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
    names: list[Any], dtypes: list[Any], likelihood: Choice | Mapping[Any, Choice], *, is_frame: bool
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

    Returns
    -------
    list of Likelihood
    """
    for name, dtype in zip(names, dtypes, strict=True):
        if not is_number(dtype) and not is_category(dtype):
            raise TypeError(
                f"Column {name!r} has dtype {dtype}, which no likelihood covers. "
                f"Convert it to numbers, booleans or categories, or drop it."
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
            families.append(column_family(dtype) if is_frame else array_family(dtype))
            continue
        family = as_family(choice)
        if is_category(dtype) and not (isinstance(family, Bernoulli) and pd.api.types.is_bool_dtype(dtype)):
            if (name in chosen or not is_frame) and not isinstance(family, Categorical):
                readers = "'categorical' or 'bernoulli'" if pd.api.types.is_bool_dtype(dtype) else "'categorical'"
                raise ValueError(
                    f"Column {name!r} has dtype {dtype}, which only the {readers} likelihood can read, "
                    f"but likelihood asks for {family!r}. Convert the column to numbers or leave it out."
                )
            family = Categorical()
        families.append(family)
    return families
