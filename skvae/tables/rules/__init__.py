"""Rules of a table: what they say, how they are found in rows, and how rows are made to keep them."""

from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import RULES
from skvae.tables.rules.quantities import Quantity
from skvae.tables.rules.rulebook import Rulebook
from skvae.tables.rules.syntax import Term

__all__ = ["RULES", "Formula", "Quantity", "Rulebook", "Term"]
