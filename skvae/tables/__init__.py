"""Container ↔ tensor: learns statistics, owns no weights."""

from skvae.tables.schema import choose_families
from skvae.tables.table import Table

__all__ = ["Table", "choose_families"]
