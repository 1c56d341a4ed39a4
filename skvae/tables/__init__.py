"""Container ↔ tensor: learns statistics, owns no weights."""

from skvae.tables.bins import Bins
from skvae.tables.chunks import Chunks, is_memory_map, is_stream, release
from skvae.tables.columns import (
    CategoryColumn,
    Column,
    GapColumn,
    HistogramColumn,
    NumberColumn,
    TimeColumn,
    is_number_or_bool,
)
from skvae.tables.frames import Native, to_pandas
from skvae.tables.sample import RowSample
from skvae.tables.schema import choose_families
from skvae.tables.survey import Survey, check_alike, concatenate
from skvae.tables.table import Table, slices

__all__ = [
    "Bins",
    "CategoryColumn",
    "Chunks",
    "Column",
    "GapColumn",
    "HistogramColumn",
    "Native",
    "NumberColumn",
    "RowSample",
    "Survey",
    "Table",
    "TimeColumn",
    "check_alike",
    "choose_families",
    "concatenate",
    "is_memory_map",
    "is_number_or_bool",
    "is_stream",
    "release",
    "slices",
    "to_pandas",
]
