"""Which column has which family."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from skvae.identifiers import looks_like_identifier
from skvae.likelihoods import FAMILIES, Bernoulli, Gaussian, Likelihood
from skvae.messages import warn_user
from skvae.tables.columns import Dtype, owner_of
from skvae.tables.columns.base import Column
from skvae.tables.columns.dtypes import is_bool, is_whole
from skvae.tables.rows import Rows

Choice = str | Likelihood


def choose_families(
    names: Sequence[Hashable],
    dtypes: Sequence[Dtype],
    likelihood: Choice | Mapping[Hashable, Choice],
    *,
    is_frame: bool,
    histograms: bool = False,
) -> list[Likelihood]:
    """The family of each column.

    Parameters
    ----------
    names, dtypes : lists of length D
        Labels and dtypes of the columns; the names of an array's columns are their positions.
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
    kinds = [kind_of(name, dtype) for name, dtype in zip(names, dtypes, strict=True)]
    chosen: Mapping[Hashable, Choice] = {}
    default: Choice = "auto"
    if isinstance(likelihood, Mapping):
        chosen = likelihood
        check_known(chosen, names)
    else:
        default = likelihood
    families = []
    for kind, name, dtype in zip(kinds, names, dtypes, strict=True):
        choice = chosen.get(name, default)
        if not _is_auto(choice):
            family = as_family(choice, f"of column {name!r}" if name in chosen else "")
            if kind.covers(family, dtype):
                families.append(family)
                continue
            if name in chosen or not is_frame:
                raise _uncovered(kind, name, dtype, family)
        families.append(kind.auto_family(dtype, histograms=histograms) if is_frame else array_family(dtype))
    return families


def find_identifiers(X: Rows, likelihood: Choice | Mapping[Hashable, Choice]) -> list[int]:
    """Positions of the columns of a DataFrame that look like identifiers and have no family of their own.

    A warning names them.

    Raises
    ------
    ValueError
        Where no other column is left.
    """
    if not isinstance(X, pd.DataFrame):
        return []
    chosen = likelihood if isinstance(likelihood, Mapping) else {}
    free = [j for j, name in enumerate(X.columns) if _is_auto(chosen.get(name, "auto"))]
    found = [j for j in free if looks_like_identifier(X.iloc[:, j])]
    if not found:
        return found
    names = ", ".join(repr(X.columns[j]) for j in found[:10]) + (" …" if len(found) > 10 else "")
    family = "normal_scores" if is_whole(X.dtypes.iloc[found[0]]) else "categorical"
    remedy = f"likelihood={{{X.columns[found[0]]!r}: {family!r}}}"
    if len(found) == X.shape[1]:
        raise ValueError(
            f"A model learns from values that recur or can be measured, but all columns look like identifiers, whose "
            f"values (nearly) never do: {names}. Pass other columns, too, or {remedy} to model one as it is."
        )
    warn_user(
        f"Values of identifiers (nearly) never recur, as in column(s) {names}: they are left out of the model, and "
        f"drawn rows have new ones of the same form. Pass {remedy} to model one as it is, or drop it."
    )
    return found


def kind_of(name: Hashable, dtype: Dtype) -> type[Column]:
    """The kind that a column is by its dtype alone."""
    kind = owner_of(dtype)
    if str(dtype) == "null[pyarrow]":
        raise ValueError(
            f"Every column needs an observed cell, but column {name!r} has dtype {dtype}, which has none. Drop it."
        )
    if kind is None:
        raise TypeError(
            f"Column {name!r} has dtype {dtype}, which no likelihood covers. "
            f"Convert it to numbers, dates, booleans or categories, or drop it."
        )
    return kind


def array_family(dtype: Dtype) -> Likelihood:
    """Apply the "auto" rule to an array: measurements that keep their relative scales, as in PCA, or bits."""
    return Bernoulli() if is_bool(dtype) else Gaussian()


def _is_auto(choice: object) -> bool:
    return isinstance(choice, str) and choice == "auto"


def as_family(choice: Choice, of: str = "") -> Likelihood:
    """A family from its name or itself; ``of`` is the column that it was chosen for, in words."""
    if isinstance(choice, Likelihood):
        return choice
    if isinstance(choice, str) and choice in FAMILIES:
        return FAMILIES[choice]()
    if of:
        raise ValueError(
            f"The likelihood {of} must be 'auto', a Likelihood or one of {sorted(FAMILIES)}, but is {choice!r}. Pass "
            f"one of these, or leave the column out of the dict."
        )
    raise ValueError(
        f"The likelihood must be 'auto', a Likelihood, one of {sorted(FAMILIES)}, or a dict of these by column; "
        f"got {choice!r}."
    )


def check_known(chosen: Mapping[Hashable, Choice], names: Sequence[Hashable]) -> None:
    """Refuse families of columns that there are not."""
    unknown = [name for name in chosen if name not in names]
    if unknown:
        more = " …" if len(names) > 10 else ""
        raise ValueError(
            f"The dict passed as likelihood names column {unknown[0]!r}, but the columns are {list(names[:10])}{more}. "
            f"Name one of these."
        )


def _uncovered(kind: type[Column], name: Hashable, dtype: Dtype, family: Likelihood) -> ValueError:
    """What is wrong with a family that cannot hold a column."""
    able = [other for other in FAMILIES if kind.covers(FAMILIES[other](), dtype)]
    return ValueError(
        f"Column {name!r} has dtype {dtype}, which only the likelihoods {able} can read, "
        f"but likelihood asks for {family!r}. Convert the column to numbers or leave it out."
    )
