"""Container ↔ tensor: learns statistics, owns no weights."""

from skvae.tables.frames import Native, to_pandas
from skvae.tables.schema import choose_families
from skvae.tables.table import Table

__all__ = ["Native", "Table", "choose_families", "to_pandas"]
