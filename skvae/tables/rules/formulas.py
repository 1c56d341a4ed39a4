"""What a rule is written in: columns, numbers, + - * /, brackets, a few functions; names with spaces in backticks."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from skvae.tables.rules.syntax import (
    EXTREMES,
    LEARNED,
    STEP,
    Term,
    is_sum,
    name_of,
    part_at,
    quoted,
    term_of,
    tree_of,
    walk,
)
from skvae.tables.rules.values import Source, Value, value_of


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
        list(walk(self.tree))

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
        text += _added(constant)
        return cls(f"({text}) / {divisor}" if divisor > 1 else text)

    @classmethod
    def of_product(cls, powers: Mapping[str, int], factor: float = 1.0, divisor: float = 1.0) -> Self:
        """A product of powers of columns, times a factor or divided by a number.

        Examples
        --------
        >>> str(Formula.of_product({"w": 1, "h": -2})), str(Formula.of_product({"a b": 1}, divisor=2.54))
        ('w / h / h', '`a b` / 2.54')
        """
        above = [quoted(name) for name, power in powers.items() for _ in range(power)]
        below = [quoted(name) for name, power in powers.items() for _ in range(-power)]
        return cls(_scaled(above, below, factor, divisor))

    @classmethod
    def of_line(
        cls, name: str, function: str = "{}", factor: float = 1.0, divisor: float = 1.0, constant: float = 0.0
    ) -> Self:
        """A multiple of a column, or of a function of it, and a constant.

        Examples
        --------
        >>> str(Formula.of_line("x", factor=1.8, constant=32)), str(Formula.of_line("x", "log({} + 1)"))
        ('1.8 * x + 32', 'log(x + 1)')
        """
        return cls(_scaled([function.format(quoted(name))], [], factor, divisor) + _added(constant))

    @classmethod
    def of_extreme(cls, function: str, names: Sequence[str]) -> Self:
        """The largest of some columns, or the smallest: "max" or "min"."""
        return cls(f"{function}({', '.join(map(quoted, names))})")

    # -- what it says ---------------------------------------------------------------------------------------------

    @cached_property
    def tree(self) -> ast.expr:
        """How it is built.

        Raises
        ------
        ValueError
            Where the text is no formula.
        """
        return tree_of(self.text)

    @cached_property
    def names(self) -> list[str]:
        """Columns in the order in which they occur first."""
        found = [name_of(node.id) for node in walk(self.tree) if isinstance(node, ast.Name)]
        return list(dict.fromkeys(found))

    @cached_property
    def dates(self) -> list[str]:
        """Columns of which it reads a part of the calendar, which says too little to solve for them."""
        parts = map(part_at, walk(self.tree))
        return [part.column for part in parts if part is not None]

    @cached_property
    def column(self) -> str | None:
        """The column that is all of the formula, if it is one."""
        return name_of(self.tree.id) if isinstance(self.tree, ast.Name) else None

    @cached_property
    def part(self) -> Term | None:
        """The part of the calendar of a column that is all of the formula, if it is one."""
        return part_at(self.tree)

    @cached_property
    def terms(self) -> list[Term] | None:
        """What f(…) is a function of, where that is all of the formula."""
        match self.tree:
            case ast.Call(func=ast.Name(id=name), args=terms) if name == LEARNED:
                return list(map(term_of, terms))
        return None

    @cached_property
    def stepped(self) -> str | None:
        """What step(…) is of, where that is all of the formula."""
        match self.tree:
            case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=source)]) if name == STEP:
                return name_of(source)
        return None

    @cached_property
    def extreme(self) -> str | None:
        """Max or min, where that of some columns is all of the formula."""
        match self.tree:
            case ast.Call(func=ast.Name(id=name), args=parts) if name in EXTREMES:
                return name if all(isinstance(part, ast.Name) for part in parts) else None
        return None

    @cached_property
    def is_sum(self) -> bool:
        """Whether it only adds and takes away columns and constants."""
        return is_sum(self.tree)

    def value(self, rows: Source) -> Value:
        """Its numbers in each row.

        Raises
        ------
        ValueError
            Where it adds what cannot be added.
        """
        with np.errstate(all="ignore"):
            return value_of(self.tree, rows, self.text)


def _scaled(above: list[str], below: list[str], factor: float, divisor: float) -> str:
    """A quotient of products, with a factor before it and a divisor after it where these are not 1."""
    above = above if factor == 1 and above else [_digits(factor), *above]
    return " / ".join([" * ".join(above), *below, *([] if divisor == 1 else [_digits(divisor)])])


def _added(constant: float) -> str:
    """What is written after a sum to add a constant: nothing for 0."""
    return f" {'+' if constant > 0 else '-'} {_digits(abs(constant))}" if constant else ""


def _digits(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
