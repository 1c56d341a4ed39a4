"""Kinds of columns, one file a kind: codec, survey, conditions and tensor form; values of any dtype ↔ floats."""

from __future__ import annotations

from skvae.likelihoods import Likelihood
from skvae.tables.columns.base import Column, ColumnSurvey, Learned, Support, check_finite
from skvae.tables.columns.category import CategoryColumn
from skvae.tables.columns.decimals import DecimalColumn
from skvae.tables.columns.dtypes import Dtype, Values
from skvae.tables.columns.gap import GapColumn
from skvae.tables.columns.histogram import HistogramColumn
from skvae.tables.columns.identifier import IdentifierColumn, IdentifierSurvey, NewIdentifiers
from skvae.tables.columns.number import NumberColumn
from skvae.tables.columns.time import TimeColumn
from skvae.tables.columns.whole import WholeColumn

KINDS: list[type[Column]] = [
    CategoryColumn,
    HistogramColumn,
    TimeColumn,
    WholeColumn,
    DecimalColumn,
    NumberColumn,
    GapColumn,
]
"""The kinds there are: where several would take a column, the first of them does."""


def owner_of(dtype: Dtype) -> type[Column] | None:
    """The kind that chooses the families of columns of this dtype; None where no kind can hold them."""
    try:
        return next((kind for kind in KINDS if kind.owns(dtype)), None)
    except NotImplementedError:  # of pandas, which has no values of some types of Arrow
        return None


def reader_of(dtype: Dtype, family: Likelihood) -> type[Column]:
    """The kind that makes floats of columns of this dtype for this family."""
    return next(kind for kind in KINDS if kind.reads(dtype, family))


__all__ = [
    "KINDS",
    "CategoryColumn",
    "Column",
    "ColumnSurvey",
    "DecimalColumn",
    "Dtype",
    "GapColumn",
    "HistogramColumn",
    "IdentifierColumn",
    "IdentifierSurvey",
    "Learned",
    "NewIdentifiers",
    "NumberColumn",
    "Support",
    "TimeColumn",
    "Values",
    "WholeColumn",
    "check_finite",
    "owner_of",
    "reader_of",
]
