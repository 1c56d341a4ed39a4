"""How a formula is written: its tree, which holds columns, numbers, + - * /, calls of a few functions, and no more."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skvae.tables.rules.calendar import PARTS, UNITS, part_of_ticks

QUOTED = re.compile(r"`([^`]*)`")
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
FUNCTIONS = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt}  # of numbers
EXTREMES = {"max": np.maximum, "min": np.minimum}  # of several
LEARNED = "f"  # a function that is learned of the rows
STEP = "step"  # the same of a number, whose intervals have one value each
TEXT_MAX = 200_000  # letters of a formula: a total of a thousand columns has so many
DEPTH_MAX = 200  # of its brackets


def quoted(name: str) -> str:
    """A name as it is written in a rule."""
    is_plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return name if is_plain else f"`{name}`"


@dataclass(frozen=True)
class Term:
    """What f(…) is a function of: a column, or a part of its calendar.

    Attributes
    ----------
    column : str
        The column.
    part : str or None
        The part, such as its month; None for the column itself.
    """

    column: str
    part: str | None = None

    def __post_init__(self) -> None:
        if self.part is not None and self.part not in PARTS:
            raise ValueError(f"{self.part!r} is no part of the calendar")

    def __str__(self) -> str:
        return quoted(self.column) if self.part is None else f"{self.part}({quoted(self.column)})"

    def of(self, labels: pd.Index) -> pd.Index:
        """Its values where those of the column are known; of moments these are nanoseconds. Length kept."""
        if self.part is None:
            return labels
        is_known = labels.notna()
        parts = pd.Index(part_of_ticks(np.where(is_known, labels, 0).astype(np.int64), self.part))
        return parts if is_known.all() else parts.where(is_known, None)


def tree_of(text: str) -> ast.expr:
    """The tree of a formula, with an identifier for each name in backticks.

    Raises
    ------
    ValueError
        Where the text is no formula.
    """
    if len(text) > TEXT_MAX:
        raise ValueError(f"A formula has up to {TEXT_MAX} letters, but this one has {len(text)}. Shorten it.")
    try:
        return ast.parse(QUOTED.sub(lambda match: _identifier(match[1]), text).strip(), mode="eval").body
    except (SyntaxError, MemoryError, RecursionError) as error:
        is_open = text.count("`") % 2 == 1
        said = error.args[0] if error.args else error
        what = "a backtick is open" if is_open else said
        raise ValueError(
            f"{text!r} is no formula ({what}). Write columns, numbers, "
            f"+ - * / and brackets; a name with other signs than letters, digits and _ goes into backticks."
        ) from error


def _identifier(name: str) -> str:
    """A name in backticks as Python reads it."""
    return "_quoted_" + name.encode().hex()


def name_of(identifier: str) -> str:
    """The column that an identifier stands for."""
    if identifier.startswith("_quoted_"):
        return bytes.fromhex(identifier.removeprefix("_quoted_")).decode()
    return identifier


def term_of(node: ast.expr) -> Term:
    """What f(…) is a function of."""
    term = Term(name_of(node.id)) if isinstance(node, ast.Name) else part_at(node)
    if term is None:
        raise ValueError(
            f"f(…) is a function of columns and of {', '.join(PARTS)} of a column. Write these inside of it."
        )
    return term


def chain_of(node: ast.expr) -> tuple[ast.expr, list[tuple[ast.operator, ast.expr]]]:
    """What a + b - c begins with, and what comes after it, with its signs: a sum may be longer than calls can nest."""
    others = list[tuple[ast.operator, ast.expr]]()
    while isinstance(node, ast.BinOp) and isinstance(node.op, OPERATORS):
        others.append((node.op, node.right))
        node = node.left
    return node, others[::-1]


def is_sum(node: ast.expr) -> bool:
    """Whether a node only adds and takes away columns and constants."""
    match node:
        case ast.BinOp():
            first, others = chain_of(node)
            return is_sum(first) and all(isinstance(op, ast.Add | ast.Sub) and is_sum(part) for op, part in others)
        case ast.UnaryOp(operand=operand):
            return is_sum(operand)
    return isinstance(node, ast.Name | ast.Constant)


def part_at(node: ast.expr) -> Term | None:
    """The part of the calendar of a column that a node is, if it is one."""
    match node:
        case ast.Call(func=ast.Name(id=part), args=[ast.Name(id=name)], keywords=[]) if part in PARTS:
            return Term(name_of(name), part)
    return None


def walk(node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """Nodes of a formula, from the left; of a chain of signs the whole and its parts.

    Raises
    ------
    ValueError
        Where there is anything that a formula is not made of.
    """
    if depth > DEPTH_MAX:
        raise ValueError("A formula this deep cannot be read. Use fewer brackets.")
    inside = list[ast.expr]()
    match node:
        case ast.Name():
            pass
        case ast.Constant(value=value) if type(value) in (int, float):
            pass
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            first, others = chain_of(node)
            inside = [first, *(part for _, part in others)]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            inside = [operand]
        case ast.Call(func=ast.Name(id=name), args=inside, keywords=[]):
            _check_call(name, inside)
        case _:
            raise ValueError(
                f"A rule is made of columns, numbers, + - * /, brackets, {_functions()}, f(…) and {STEP}(…), but holds "
                f"{ast.unparse(node)!r}. Write it with these."
            )
    yield node
    for part in inside:
        yield from walk(part, depth + 1)


def _check_call(name: str, arguments: list[ast.expr]) -> None:
    """Refuse functions that there are not, or that get something else than they take."""
    if name in EXTREMES and len(arguments) > 1:
        return
    if name == LEARNED and len(arguments) in (1, 2):
        for term in arguments:
            term_of(term)
    elif name == STEP and len(arguments) == 1 and isinstance(arguments[0], ast.Name):
        return
    elif name in PARTS and not (len(arguments) == 1 and isinstance(arguments[0], ast.Name)):
        raise ValueError(f"{name}(…) is a part of the calendar of one column. Write a column inside of it.")
    elif name == "round" and len(arguments) == 2 and isinstance(arguments[1], ast.Constant):
        return
    elif name not in PARTS and not (name in ("abs", "round", *FUNCTIONS, *UNITS) and len(arguments) == 1):
        raise ValueError(
            f"A rule knows {_functions()}, f(…) of one or two columns and {STEP}(…) of one, but calls {name!r} of "
            f"{len(arguments)} here. Write it with these."
        )


def _functions() -> str:
    return ", ".join(["abs", "round", *FUNCTIONS, *EXTREMES, *UNITS, *PARTS])
