"""Rules of a table: what they say, how they are found in rows, and how rows are made to keep them."""

from skvae.tables.rules.constraints import Bound, Equation, Function
from skvae.tables.rules.quantities import Quantity
from skvae.tables.rules.rulebook import Rulebook

__all__ = ["Bound", "Equation", "Function", "Quantity", "Rulebook"]
