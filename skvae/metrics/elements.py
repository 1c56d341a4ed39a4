"""Elements of a web page that need nothing else: tables, and pictures that hold their own data."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def table_element(table: pd.DataFrame, *, max_letters: int | None = None) -> str:
    """A table as HTML, numbers to the right.

    Parameters
    ----------
    table : DataFrame
        Table of any dtypes.
    max_letters : int or None
        Letters of a cell that are shown at most; names of columns are whole.

    Examples
    --------
    >>> head, body = table_element(pd.DataFrame({"who": ["Ann"], "age": [38]})).split("<tbody>")
    >>> body
    '<tr><td>Ann</td><td class="n">38</td></tr></tbody></table>'
    """
    is_number = [pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    head = _row("th", table.columns, is_number)
    rows = table.itertuples(index=False, name=None)
    body = "".join(_row("td", cells, is_number, max_letters) for cells in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def section(heading: str, says: str, table: str) -> str:
    """A section of the page: a heading, some text, and a table that scrolls by itself where it is wide.

    Examples
    --------
    >>> section("Rows & more", "Two < three.", "")
    '<h2>Rows &amp; more</h2><p>Two &lt; three.</p>'
    """
    box = f'<div class="box scroll words">{table}</div>' if table else ""
    return f"<h2>{escape(heading)}</h2><p>{escape(says)}</p>{box}"


def percents(errors: Iterable[float], digits: int) -> list[str]:
    """Shares as text, a dash for one that is unknown.

    Examples
    --------
    >>> percents([0.5, float("nan")], 1)
    ['50.0%', '–']
    """
    return [f"{100 * error:.{digits}f}%" if error == error else "–" for error in errors]


def _row(tag: str, cells: Iterable[object], is_number: list[bool], max_letters: int | None = None) -> str:
    elements = []
    for cell, number in zip(cells, is_number, strict=True):
        mark = ' class="n"' if number else ""
        elements.append(f"<{tag}{mark}>{escape(_cell_text(cell, max_letters))}</{tag}>")
    return f"<tr>{''.join(elements)}</tr>"


def _cell_text(cell: object, max_letters: int | None) -> str:
    if cell is None or cell is pd.NA or cell != cell:
        text = "–"
    elif isinstance(cell, float):
        text = f"{cell:.6g}"
    else:
        text = str(cell)
    if max_letters is not None and len(text) > max_letters:
        text = text[: max_letters - 1] + "…"
    return text


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure that pyplot does not know, with letters as shapes, so that it looks the same everywhere.

    Parameters
    ----------
    width, height : float
        Size of the figure, inches.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("The page needs matplotlib, which is not installed. Run: pip install skvae[plot]") from error
    with matplotlib.rc_context({"svg.hashsalt": "skvae", "svg.fonttype": "path"}):
        yield Figure(figsize=(width, height), layout="constrained")


def picture_element(figure: Figure, alt: str) -> str:
    """A picture that holds its own data.

    Parameters
    ----------
    figure : Figure
        Figure to embed, as SVG.
    alt : str
        Text for a reader who does not see it.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    width, height = 96 * figure.get_size_inches()
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return f'<img alt="{escape(alt, quote=True)}" {size} src="data:image/svg+xml;base64,{data}">'
