"""What a rule is written in: columns, numbers, + - * /, brackets, a few functions; names with spaces in backticks."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, Self

import numpy as np
import pandas as pd

from skvae.tables.rules.calendar import PARTS, part_of_ticks
from skvae.tables.rules.quantities import DURATION, MOMENT, NUMBER, Kind, Numbers

QUOTED = re.compile(r"`([^`]*)`")
UNITS = {"days": 86_400 * 10**9, "hours": 3600 * 10**9, "minutes": 60 * 10**9, "seconds": 10**9}  # nanoseconds
LEARNED = "f"  # a function that is learned of the rows
TEXT_MAX = 200_000  # letters of a formula: a total of a thousand columns has so many
DEPTH_MAX = 200  # of its brackets


class Value(NamedTuple):
    """What a formula comes to.

    Attributes
    ----------
    numbers : ndarray of shape (N,)
        Exact numbers, see ``Quantity``.
    kind : {"number", "moment", "duration"}
        What they are.
    """

    numbers: Numbers
    kind: Kind


class Source(Protocol):
    """Rows that a formula reads."""

    def value(self, name: str) -> Value:
        """A column that is a quantity."""

    def part(self, name: str, part: str) -> Numbers:
        """A part of the calendar of a column of moments."""


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


@dataclass(frozen=True)
class Formula:
    """A formula of columns.

    Attributes
    ----------
    text : str
        As it was written.
    """

    text: str

    def __post_init__(self) -> None:
        list(_walk(self.tree))

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[Formula], tuple[str]]:
        return type(self), (self.text,)  # without the tree, which may be deeper than a pickle can be

    # -- as the search writes it ----------------------------------------------------------------------------------

    @classmethod
    def of_column(cls, name: str) -> Self:
        """A column."""
        return cls(quoted(name))

    @classmethod
    def of_number(cls, value: float) -> Self:
        """A number."""
        return cls(_digits(value))

    @classmethod
    def of_part(cls, term: Term) -> Self:
        """A part of the calendar of a column."""
        return cls(str(term))

    @classmethod
    def of_duration(cls, unit: str, end: str, start: str) -> Self:
        """How many units lie between two moments."""
        return cls(f"{unit}({quoted(end)} - {quoted(start)})")

    @classmethod
    def of_sum(cls, coefficients: Mapping[str, int], constant: float = 0.0, divisor: int = 1) -> Self:
        """A sum of columns and a constant, divided by a number: what is added comes before what is taken away.

        Examples
        --------
        >>> str(Formula.of_sum({"a": -1, "b c": 2}, 0.5)), str(Formula.of_sum({"a": 1, "b": 1}, divisor=2))
        ('2 * `b c` - a + 0.5', '(a + b) / 2')
        """
        text = ""
        for name, c in sorted(coefficients.items(), key=lambda item: item[1] < 0):
            factor = "" if abs(c) == 1 else f"{abs(c)} * "
            sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
            text += f"{sign}{factor}{quoted(name)}"
        if constant:
            text = f"{text} {'+' if constant > 0 else '-'} {_digits(abs(constant))}"
        return cls(f"({text}) / {divisor}" if divisor > 1 else text)

    # -- what it says ---------------------------------------------------------------------------------------------

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
            said = error.args[0] if error.args else error
            what = "a backtick is open" if is_open else said
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
    def dates(self) -> list[str]:
        """Columns of which it reads a part of the calendar, which says too little to solve for them."""
        parts = map(_part_of, _walk(self.tree))
        return [part.column for part in parts if part is not None]

    @cached_property
    def column(self) -> str | None:
        """The column that is all of the formula, if it is one."""
        return _name(self.tree.id) if isinstance(self.tree, ast.Name) else None

    @cached_property
    def part(self) -> Term | None:
        """The part of the calendar of a column that is all of the formula, if it is one."""
        return _part_of(self.tree)

    @cached_property
    def terms(self) -> list[Term] | None:
        """What f(…) is a function of, where that is all of the formula."""
        match self.tree:
            case ast.Call(func=ast.Name(id=name), args=terms) if name == LEARNED:
                return list(map(_term, terms))
        return None

    @cached_property
    def is_sum(self) -> bool:
        """Whether it only adds and takes away columns and constants."""
        return _is_sum(self.tree)

    def value(self, rows: Source) -> Value:
        """Its numbers in each row.

        Raises
        ------
        ValueError
            Where it adds what cannot be added.
        """
        with np.errstate(all="ignore"):
            return _value(self.tree, rows, self.text)


def _digits(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


# -- the tree ----------------------------------------------------------------------------------------------------------


def _identifier(name: str) -> str:
    return "_quoted_" + name.encode().hex()


def _name(identifier: str) -> str:
    """The column that an identifier stands for."""
    if identifier.startswith("_quoted_"):
        return bytes.fromhex(identifier.removeprefix("_quoted_")).decode()
    return identifier


def _term(node: ast.expr) -> Term:
    """What f(…) is a function of."""
    term = Term(_name(node.id)) if isinstance(node, ast.Name) else _part_of(node)
    if term is None:
        raise ValueError(
            f"f(…) is a function of columns and of {', '.join(PARTS)} of a column. Write these inside of it."
        )
    return term


def _chain(node: ast.expr) -> tuple[ast.expr, list[tuple[ast.operator, ast.expr]]]:
    """What a + b - c begins with, and what comes after it, with its signs: a sum may be longer than calls can nest."""
    others = list[tuple[ast.operator, ast.expr]]()
    while isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        others.append((node.op, node.right))
        node = node.left
    return node, others[::-1]


def _is_sum(node: ast.expr) -> bool:
    match node:
        case ast.BinOp():
            first, others = _chain(node)
            return _is_sum(first) and all(isinstance(op, ast.Add | ast.Sub) and _is_sum(part) for op, part in others)
        case ast.UnaryOp(operand=operand):
            return _is_sum(operand)
    return isinstance(node, ast.Name | ast.Constant)


def _part_of(node: ast.expr) -> Term | None:
    """The part of the calendar of a column that a node is, if it is one."""
    match node:
        case ast.Call(func=ast.Name(id=part), args=[ast.Name(id=name)], keywords=[]) if part in PARTS:
            return Term(_name(name), part)
    return None


def _walk(node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
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
        case ast.BinOp(op=op) if type(op) in OPERATIONS:
            first, others = _chain(node)
            inside = [first, *(part for _, part in others)]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            inside = [operand]
        case ast.Call(func=ast.Name(id=name), args=inside, keywords=[]):
            _check_call(name, inside)
        case _:
            raise ValueError(
                f"A rule is made of columns, numbers, + - * /, brackets, {_functions()} and f(…), but holds "
                f"{ast.unparse(node)!r}. Write it with these."
            )
    yield node
    for part in inside:
        yield from _walk(part, depth + 1)


def _check_call(name: str, arguments: list[ast.expr]) -> None:
    """Refuse functions that there are not, or that get something else than they take."""
    if name == LEARNED and len(arguments) in (1, 2):
        for term in arguments:
            _term(term)
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


class Operation(NamedTuple):
    """+, -, * or /: what it does with numbers, and the kind of the outcome by the kinds of both sides, if they can."""

    compute: Callable[[Numbers, Numbers], Numbers]
    kinds: Mapping[tuple[Kind, Kind], Kind]


N, M, D = NUMBER, MOMENT, DURATION
OPERATIONS: Mapping[type[ast.operator], Operation] = {
    ast.Add: Operation(np.add, {(N, N): N, (M, D): M, (D, M): M, (D, D): D}),
    ast.Sub: Operation(np.subtract, {(N, N): N, (M, M): D, (M, D): M, (D, D): D}),
    ast.Mult: Operation(np.multiply, {(N, N): N, (N, D): D, (D, N): D}),
    ast.Div: Operation(np.divide, {(N, N): N, (D, N): D, (D, D): N}),
}


def _value(node: ast.expr, rows: Source, text: str) -> Value:
    term = _part_of(node)
    if term is not None and term.part is not None:
        return Value(rows.part(term.column, term.part), NUMBER)
    match node:
        case ast.Name(id=name):
            return rows.value(_name(name))
        case ast.Constant(value=value):
            return Value(np.array(value), NUMBER)
        case ast.UnaryOp(op=op, operand=operand):
            numbers, kind = _value(operand, rows, text)
            return Value(-numbers if isinstance(op, ast.USub) else numbers, kind)
        case ast.BinOp():
            first, others = _chain(node)
            total = _value(first, rows, text)
            for operator, part in others:
                total = _combined(operator, total, _value(part, rows, text), text)
            return total
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _value_of_call(name, arguments, rows, text)
    raise AssertionError("nothing else has been let in")


def _combined(operator: ast.operator, left: Value, right: Value, text: str) -> Value:
    operation = OPERATIONS[type(operator)]
    kind = operation.kinds.get((left.kind, right.kind))
    if kind is None:
        raise ValueError(
            f"{text!r} combines a {left.kind} and a {right.kind}, which cannot be. Turn durations into numbers "
            f"with days(…), hours(…), minutes(…) or seconds(…)."
        )
    return Value(operation.compute(left.numbers, right.numbers), kind)


def _value_of_call(name: str, arguments: list[ast.expr], rows: Source, text: str) -> Value:
    if name == LEARNED:
        raise ValueError(f"f(…) is all of the right side of a rule, as in a = f(b), but {text!r} has more. Split it.")
    numbers, kind = _value(arguments[0], rows, text)
    if name in UNITS:
        if kind != DURATION:
            raise ValueError(
                f"{name}(…) counts a duration, but {text!r} passes a {kind}. Write it as in {name}(end - start)."
            )
        return Value(numbers / UNITS[name], NUMBER)
    if kind == MOMENT:
        raise ValueError(
            f"{name}(…) is of a number or a duration, but {text!r} passes a moment. Write it as in {name}(end - start)."
        )
    if name == "abs":
        return Value(np.abs(numbers), kind)
    decimals = arguments[1].value if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) else 0
    return Value(np.round(numbers, int(decimals)), kind)  # type: ignore[arg-type]
