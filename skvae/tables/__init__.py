"""Container ↔ tensor: learns statistics, owns no weights."""

from skvae.tables.amounts import Amounts, center_and_reach, variance_of
from skvae.tables.arrays import of_tensor, with_nan
from skvae.tables.bins import Bins
from skvae.tables.chunks import Chunks, is_memory_map, is_stream, python_reader_of, release
from skvae.tables.columns import (
    KINDS,
    CategoryColumn,
    Column,
    GapColumn,
    HistogramColumn,
    IdentifierColumn,
    NewIdentifiers,
    NumberColumn,
    TimeColumn,
    WholeColumn,
)
from skvae.tables.conditions import fill_gaps, keep_given, position_of, read_condition
from skvae.tables.copies import Copies, Copy
from skvae.tables.encoded import EncodedColumn
from skvae.tables.flat import FlatTable, check_levels
from skvae.tables.frames import Native, to_pandas
from skvae.tables.rows import (
    Rows,
    check_alike,
    column_of,
    concatenate,
    gaps_of,
    rows_at,
    slices,
    with_cells,
    with_gaps_of,
    with_rows,
    without_cells,
)
from skvae.tables.rules import RULES, Formula, Quantity, Rulebook, Term
from skvae.tables.sample import RowSample
from skvae.tables.schema import choose_families
from skvae.tables.survey import Survey
from skvae.tables.table import Table, check_is_table

__all__ = [
    "KINDS",
    "RULES",
    "Amounts",
    "Bins",
    "CategoryColumn",
    "Chunks",
    "Column",
    "Copies",
    "Copy",
    "EncodedColumn",
    "FlatTable",
    "Formula",
    "GapColumn",
    "HistogramColumn",
    "IdentifierColumn",
    "Native",
    "NewIdentifiers",
    "NumberColumn",
    "Quantity",
    "RowSample",
    "Rows",
    "Rulebook",
    "Survey",
    "Table",
    "Term",
    "TimeColumn",
    "WholeColumn",
    "center_and_reach",
    "check_alike",
    "check_is_table",
    "check_levels",
    "choose_families",
    "column_of",
    "concatenate",
    "fill_gaps",
    "gaps_of",
    "is_memory_map",
    "is_stream",
    "keep_given",
    "of_tensor",
    "position_of",
    "python_reader_of",
    "read_condition",
    "release",
    "rows_at",
    "slices",
    "to_pandas",
    "variance_of",
    "with_cells",
    "with_gaps_of",
    "with_nan",
    "with_rows",
    "without_cells",
]
