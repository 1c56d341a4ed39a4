"""Kinds of rules: each says which rows break it, and what it does to make rows keep it."""

from skvae.tables.rules.kinds.base import Exact, Rule
from skvae.tables.rules.kinds.bound import Bound
from skvae.tables.rules.kinds.equation import Equation
from skvae.tables.rules.kinds.extreme import Extreme
from skvae.tables.rules.kinds.function import Function
from skvae.tables.rules.kinds.steps import Steps

RULES: list[type[Rule]] = [Bound, Function, Steps, Extreme, Equation]

__all__ = ["RULES", "Bound", "Equation", "Exact", "Extreme", "Function", "Rule", "Steps"]
