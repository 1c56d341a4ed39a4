"""What a formula comes to: exact numbers of a kind, in each row."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from skvae.tables.rules.calendar import UNITS
from skvae.tables.rules.quantities import DURATION, MOMENT, NUMBER, Kind, Numbers
from skvae.tables.rules.syntax import EXTREMES, FUNCTIONS, LEARNED, STEP, chain_of, name_of, part_at


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


def value_of(node: ast.expr, rows: Source, text: str) -> Value:
    """The numbers of a node of the formula with this text, in each row.

    Raises
    ------
    ValueError
        Where it adds what cannot be added.
    """
    term = part_at(node)
    if term is not None and term.part is not None:
        return Value(rows.part(term.column, term.part), NUMBER)
    match node:
        case ast.Name(id=name):
            return rows.value(name_of(name))
        case ast.Constant(value=value):
            return Value(np.array(value), NUMBER)
        case ast.UnaryOp(op=op, operand=operand):
            numbers, kind = value_of(operand, rows, text)
            return Value(-numbers if isinstance(op, ast.USub) else numbers, kind)
        case ast.BinOp():
            first, others = chain_of(node)
            total = value_of(first, rows, text)
            for operator, part in others:
                total = _combined(operator, total, value_of(part, rows, text), text)
            return total
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _of_call(name, arguments, rows, text)
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


def _of_call(name: str, arguments: list[ast.expr], rows: Source, text: str) -> Value:
    if name in (LEARNED, STEP):
        raise ValueError(
            f"{name}(…) is all of the right side of a rule, as in a = {name}(b), but {text!r} has more. Split it."
        )
    if name in EXTREMES:
        return _of_extreme(name, [value_of(argument, rows, text) for argument in arguments], text)
    numbers, kind = value_of(arguments[0], rows, text)
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
    if name in FUNCTIONS:
        if kind != NUMBER:
            raise ValueError(
                f"{name}(…) is of a number, but {text!r} passes a {kind}. Write it as in {name}(days(end - start))."
            )
        return Value(FUNCTIONS[name](numbers), NUMBER)
    decimals = arguments[1].value if len(arguments) == 2 and isinstance(arguments[1], ast.Constant) else 0
    return Value(np.round(numbers, int(decimals)), kind)  # type: ignore[arg-type]


def _of_extreme(name: str, values: Sequence[Value], text: str) -> Value:
    kinds = sorted({value.kind for value in values})
    if len(kinds) > 1:
        raise ValueError(
            f"{text!r} compares a {kinds[0]} and a {kinds[1]}, which cannot be. Pass numbers, moments or durations "
            f"alone to {name}(…)."
        )
    numbers = values[0].numbers
    for value in values[1:]:
        numbers = EXTREMES[name](numbers, value.numbers)
    return Value(numbers, values[0].kind)
