"""A text that a user states → the rules that it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import RULES, Rule

AS_IN = "Write it as in 'end >= start' or 'total = a + b'."
SIGNS = re.compile(r"`[^`]*`|(<=|>=|==|=|<|>|~)")  # in the group; none are looked for inside backticks


def read_all(texts: Sequence[str], names: list[str]) -> list[Rule]:
    """The rules that some texts state of columns with these names.

    Raises
    ------
    ValueError, TypeError
        Where one cannot be read, or names no column.
    """
    rules = list[Rule]()
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"A rule is text, such as 'end >= start', got {text!r}. Write it in quotes.")
        rules += read_rules(text)
    check_names(rules, names)
    return rules


def read_rules(text: str) -> list[Rule]:
    """The rules that a text states: one for each sign.

    Raises
    ------
    ValueError
        Where it is none.

    Examples
    --------
    >>> list(map(str, read_rules("low <= mean <= high")))
    ['low <= mean', 'mean <= high']
    >>> read_rules("total = price * quantity")
    [Equation(left=Formula(text='total'), right=Formula(text='price * quantity'))]
    """
    sides, signs = split(text)
    if not signs or "~" in signs:
        raise ValueError(
            f"A rule has one of the signs =, <=, <, >=, >, but {text!r} has "
            f"{'~, which claims nothing' if signs else 'none'}. {AS_IN}"
        )
    formulas = _formulas(sides, text)
    rules = [_read(*parts) for parts in zip(formulas, signs, formulas[1:], strict=False)]
    for rule in rules:
        if not rule.names:
            raise ValueError(f"A rule speaks of columns, but {text!r} names none. {AS_IN}")
    return rules


def _formulas(sides: list[str], text: str) -> list[Formula]:
    """The sides of a rule.

    Raises
    ------
    ValueError
        Where one is no formula.
    """
    if not all(sides):
        raise ValueError(
            f"A rule has a formula before and after each of its signs, but {text!r} has a sign with nothing on one "
            f"side. Its signs are =, <=, <, >= and >. {AS_IN}"
        )
    try:
        return list(map(Formula, sides))
    except ValueError as error:
        raise ValueError(f"The rule {text!r} cannot be read. {error} An example is 'total = a + b'.") from error


def _read(left: Formula, sign: str, right: Formula) -> Rule:
    """The rule that two formulas and a sign state, of the first kind that knows it."""
    for kind in RULES:
        rule = kind.read(left, sign, right)
        if rule is not None:
            return rule
    raise AssertionError("some kind knows each sign")


def split(text: str) -> tuple[list[str], list[str]]:
    """A text cut at its signs, but not inside backticks: its sides, and the signs between them.

    Examples
    --------
    >>> split("`a <= b` >= c")
    (['`a <= b`', 'c'], ['>='])
    """
    sides, signs, begin = list[str](), list[str](), 0
    for match in SIGNS.finditer(text):
        if match[1]:
            sides.append(text[begin : match.start()].strip())
            signs.append(match[1])
            begin = match.end()
    return [*sides, text[begin:].strip()], signs


def check_names(rules: Iterable[Rule], names: list[str]) -> None:
    """Refuse rules of columns that there are not."""
    for rule in rules:
        for name in rule.names:
            if name not in names:
                more = " …" if len(names) > 10 else ""
                raise ValueError(
                    f"The rule {str(rule)!r} names column {name!r}, but the columns are {names[:10]}{more}. Name one "
                    f"of these; names with other signs than letters, digits and _ go into backticks."
                )
