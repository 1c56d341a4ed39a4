"""What a rule is written in: columns, numbers, + - * /, brackets, a few functions; names with spaces in backticks."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from skvae.tables.rules.calendar import PARTS
from skvae.tables.rules.quantities import Numbers

SIGNS = re.compile(r"`[^`]*`|(<=|>=|==|=|<|>|~)")  # in the group; none are looked for inside backticks
QUOTED = re.compile(r"`([^`]*)`")
UNITS = {"days": 86_400 * 10**9, "hours": 3600 * 10**9, "minutes": 60 * 10**9, "seconds": 10**9}  # nanoseconds
LEARNED = "f"  # a function that is learned of the rows
TEXT_MAX, DEPTH_MAX = 20_000, 200  # of a rule


class Value(NamedTuple):
    """What an expression comes to.

    Attributes
    ----------
    numbers : ndarray of shape (N,)
        Exact numbers, see ``Quantity``.
    kind : {"number", "moment", "duration"}
        What they are.
    """

    numbers: Numbers
    kind: str


class Source(Protocol):
    """Rows that an expression reads."""

    def value(self, name: str) -> Value:
        """A column that is a quantity."""

    def part(self, name: str, part: str) -> Numbers:
        """A part of the calendar of a column of moments."""


class Split(NamedTuple):
    """The text of a rule, cut at its signs.

    Attributes
    ----------
    sides : list of str
        Expressions, one more than signs.
    signs : list of str
        Between them.
    """

    sides: list[str]
    signs: list[str]

    @classmethod
    def of(cls, text: str) -> Split:
        """Cut a text, but not inside backticks."""
        sides, signs, begin = list[str](), list[str](), 0
        for match in SIGNS.finditer(text):
            if match[1]:
                sides.append(text[begin : match.start()].strip())
                signs.append(match[1])
                begin = match.end()
        return cls([*sides, text[begin:].strip()], signs)


def quoted(name: str) -> str:
    """A name as it is written in a rule."""
    is_plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return name if is_plain else f"`{name}`"


@dataclass(frozen=True)
class Expression:
    """A formula of columns.

    Attributes
    ----------
    text : str
        As it was written.
    """

    text: str

    def __post_init__(self) -> None:
        list(_walk(self.tree))

    @cached_property
    def tree(self) -> ast.expr:
        """The formula, with an identifier for each name in backticks.

        Raises
        ------
        ValueError
            Where the text is no formula.
        """
        if len(self.text) > TEXT_MAX:
            raise ValueError(f"A formula has up to {TEXT_MAX} letters, but this one has {len(self.text)}. Shorten it.")
        try:
            return ast.parse(QUOTED.sub(lambda match: _identifier(match[1]), self.text).strip(), mode="eval").body
        except (SyntaxError, MemoryError, RecursionError) as error:
            is_open = self.text.count("`") % 2 == 1
            what = "a backtick is open" if is_open else error.args[0] if error.args else error
            raise ValueError(
                f"{self.text!r} is no formula ({what}). Write columns, numbers, "
                f"+ - * / and brackets; a name with other signs than letters, digits and _ goes into backticks."
            ) from error

    @cached_property
    def names(self) -> list[str]:
        """Columns in the order in which they occur first."""
        found = [_name(node.id) for node in _walk(self.tree) if isinstance(node, ast.Name)]
        return list(dict.fromkeys(found))

    @cached_property
    def column(self) -> str | None:
        """The column that is all of the formula, if it is one."""
        return _name(self.tree.id) if isinstance(self.tree, ast.Name) else None

    @cached_property
    def is_sum(self) -> bool:
        """Whether it only adds and takes away columns and constants."""
        return _is_sum(self.tree)

    @cached_property
    def part(self) -> tuple[str, str] | None:
        """The column and the part of its calendar that is all of the formula, if it is one."""
        return _part_of(self.tree)

    @cached_property
    def terms(self) -> list[str] | None:
        """What f(…) is a function of, where that is all of the formula: columns, or parts of the calendar."""
        match self.tree:
            case ast.Call(func=ast.Name(id=name), args=terms) if name == LEARNED:
                return list(map(_written, terms))
        return None

    def value(self, rows: Source) -> Value:
        """Its numbers in each row.

        Raises
        ------
        ValueError
            Where it adds what cannot be added.
        """
        with np.errstate(all="ignore"):
            return _value(self.tree, rows, self.text)


def part_in(term: str) -> tuple[str, str | None]:
    """The column of a term of f(…), and the part of its calendar that it is, if any.

    Examples
    --------
    >>> part_in("month(`day of birth`)"), part_in("region")
    (('day of birth', 'month'), ('region', None))
    """
    expression = Expression(term)
    if expression.part is not None:
        return expression.part
    assert expression.column is not None, "a term is a column or a part of one"
    return expression.column, None


# -- the tree ----------------------------------------------------------------------------------------------------------


def _identifier(name: str) -> str:
    return "_quoted_" + name.encode().hex()


def _name(identifier: str) -> str:
    """The column that an identifier stands for."""
    if identifier.startswith("_quoted_"):
        return bytes.fromhex(identifier.removeprefix("_quoted_")).decode()
    return identifier


def _written(node: ast.expr) -> str:
    """A term of f(…) as text."""
    if isinstance(node, ast.Name):
        return quoted(_name(node.id))
    of_calendar = _part_of(node)
    if of_calendar is not None:
        name, part = of_calendar
        return f"{part}({quoted(name)})"
    raise ValueError(f"f(…) is a function of columns and of {', '.join(PARTS)} of a column. Write these inside of it.")


def _is_sum(node: ast.expr) -> bool:
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return _is_sum(left) and _is_sum(right)
        case ast.UnaryOp(operand=operand):
            return _is_sum(operand)
    return isinstance(node, ast.Name | ast.Constant)


def _part_of(node: ast.expr) -> tuple[str, str] | None:
    """The column and the part of its calendar that a node is, if it is one."""
    match node:
        case ast.Call(func=ast.Name(id=part), args=[ast.Name(id=name)], keywords=[]) if part in PARTS:
            return _name(name), part
    return None


def _walk(node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """Columns and numbers of a formula, and calls around them.

    Raises
    ------
    ValueError
        Where there is anything else.
    """
    if depth > DEPTH_MAX:
        raise ValueError("A formula this deep cannot be read. Use fewer brackets.")
    match node:
        case ast.Name():
            yield node
            return
        case ast.Constant(value=value) if type(value) in (int, float):
            yield node
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in COMBINED:
            inside = [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            inside = [operand]
        case ast.Call(func=ast.Name(id=name), args=inside, keywords=[]):
            _check_call(name, inside)
        case _:
            raise ValueError(
                f"A rule is made of columns, numbers, + - * /, brackets, {_functions()} and f(…), but holds "
                f"{ast.unparse(node)!r}. Write it with these."
            )
    for part in inside:
        yield from _walk(part, depth + 1)


def _check_call(name: str, arguments: list[ast.expr]) -> None:
    """Refuse functions that there are not, or that get something else than they take."""
    if name == LEARNED and len(arguments) in (1, 2):
        for term in arguments:
            _written(term)
    elif name in PARTS and not (len(arguments) == 1 and isinstance(arguments[0], ast.Name)):
        raise ValueError(f"{name}(…) is a part of the calendar of one column. Write a column inside of it.")
    elif name == "round" and len(arguments) == 2 and isinstance(arguments[1], ast.Constant):
        return
    elif name not in PARTS and not (name in ("abs", "round", *UNITS) and len(arguments) == 1):
        raise ValueError(
            f"A rule knows {_functions()}, and f(…) of one or two columns, but calls {name!r} of {len(arguments)} "
            f"here. Write it with these."
        )


def _functions() -> str:
    return ", ".join(["abs", "round", *UNITS, *PARTS])


# -- values ------------------------------------------------------------------------------------------------------------

COMBINED: Mapping[type[ast.operator], Callable[[Numbers, Numbers], Numbers]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
N, M, D = "number", "moment", "duration"
KINDS: Mapping[type[ast.operator], Mapping[tuple[str, str], str]] = {
    ast.Add: {(N, N): N, (M, D): M, (D, M): M, (D, D): D},
    ast.Sub: {(N, N): N, (M, M): D, (M, D): M, (D, D): D},
    ast.Mult: {(N, N): N, (N, D): D, (D, N): D},
    ast.Div: {(N, N): N, (D, N): D, (D, D): N},
}


def _value(node: ast.expr, rows: Source, text: str) -> Value:
    of_calendar = _part_of(node)
    if of_calendar is not None:
        return Value(rows.part(*of_calendar), N)
    match node:
        case ast.Name(id=name):
            return rows.value(_name(name))
        case ast.Constant(value=value):
            return Value(np.array(value), N)
        case ast.UnaryOp(op=op, operand=operand):
            numbers, kind = _value(operand, rows, text)
            return Value(-numbers if isinstance(op, ast.USub) else numbers, kind)
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(operator, _value(left, rows, text), _value(right, rows, text), text)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _value_of_call(name, arguments, rows, text)
    raise AssertionError("nothing else has been let in")


def _combined(operator: ast.operator, left: Value, right: Value, text: str) -> Value:
    kind = KINDS[type(operator)].get((left.kind, right.kind))
    if kind is None:
        raise ValueError(
            f"{text!r} combines a {left.kind} and a {right.kind}, which cannot be. Turn durations into numbers "
            f"with days(…), hours(…), minutes(…) or seconds(…)."
        )
    return Value(COMBINED[type(operator)](left.numbers, right.numbers), kind)


def _value_of_call(name: str, arguments: list[ast.expr], rows: Source, text: str) -> Value:
    if name == LEARNED:
        raise ValueError(f"f(…) is all of the right side of a rule, as in a = f(b), but {text!r} has more. Split it.")
    numbers, kind = _value(arguments[0], rows, text)
    if name in UNITS:
        if kind != D:
            raise ValueError(
                f"{name}(…) counts a duration, but {text!r} passes a {kind}. Write it as in {name}(end - start)."
            )
        return Value(numbers / UNITS[name], N)
    if kind == M:
        raise ValueError(
            f"{name}(…) is of a number or a duration, but {text!r} passes a moment. Write it as in {name}(end - start)."
        )
    if name == "abs":
        return Value(np.abs(numbers), kind)
    decimals = arguments[1].value if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) else 0
    return Value(np.round(numbers, int(decimals)), kind)  # type: ignore[arg-type]
