"""Text beside pictures, in few letters."""

from __future__ import annotations

from collections.abc import Iterable
from os.path import commonprefix

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


def short_all(labels: Iterable[object], length: int) -> list[str]:
    """Texts of several labels, see ``short``; of those that begin alike, where they come to differ.

    Parameters
    ----------
    labels : iterable of objects
        Names of columns or levels, of any type.
    length : int
        Number of letters at most, ellipses among them.

    Examples
    --------
    >>> short_all(["turnover in region 1, net", "turnover in region 2, net", "sector"], 16)
    ['turno…1, net', 'turno…2, net', 'sector']
    """
    names = [str(label) for label in labels]
    texts = [short(name, length) for name in names]
    for text in set(texts):
        alike = [i for i, other in enumerate(texts) if other == text]
        n_shared = len(commonprefix([names[i] for i in alike]))  # noqa: RUF071 - letters are meant
        if len(alike) > 1 and n_shared >= length - 1:
            n_head = length // 3
            for i in alike:
                texts[i] = f"{short(names[i][:n_head], n_head)}…{short(names[i][n_shared:], length - n_head - 1)}"
    return texts
