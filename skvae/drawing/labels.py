"""Text beside pictures, in few letters."""

from __future__ import annotations

CONTROLS = dict.fromkeys([*range(32), 127], " ")  # line breaks and signs that fonts lack


def percent(share: float) -> str:
    """A share as text.

    Examples
    --------
    >>> percent(0.1234)
    '12.34 %'
    """
    return f"{100 * share:.2f} %"


def short(label: object, length: int) -> str:
    """Text of a label, cut, and without the signs that matplotlib reads as mathematics.

    Parameters
    ----------
    label : object
        Name of a column or level, of any type.
    length : int
        Number of letters at most, an ellipsis among them.

    Examples
    --------
    >>> short("workclass of the person", 10)
    'workclass…'
    """
    text = str(label).translate(CONTROLS)
    if len(text) > length:
        text = text[: length - 1] + "…"
    return text.replace("$", r"\$")
