"""A report as one web page: sentences beside figures, pictures inside, nothing to load from elsewhere."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skvae.metrics.association import associations
from skvae.metrics.fidelity import column_shapes, pair_trends
from skvae.metrics.frames import Encoding, align
from skvae.metrics.verdicts import RULES, VERDICTS, Question, Verdict, asked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from skvae.metrics.report import Report

MAX_COLUMNS, MAX_MAPPED, MAX_CELL = 60, 24, 32  # columns drawn one by one; columns of a map; letters of a cell
HELD_OUT = "held-out real rows"


def write_page(report: Report, *, title: str, notes: str = "") -> str:
    """The page as HTML.

    Parameters
    ----------
    report : Report
        What to show; with a ``test`` table every figure stands beside what real rows reach.
    title : str
        Of the page, such as the name of the data.
    notes : str
        How the rows were made: a sentence or two at the end.

    Returns
    -------
    str
        A complete HTML document.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    questions = [_fitting(question, report) for question in asked(report.table)]
    answers = [(question, *_values(report, question.figure)) for question in questions]
    answers = [answer for answer in answers if not math.isnan(answer[1])]  # a single column has no pairs
    verdicts = [_verdict(report, *answer) for answer in answers]
    drawn = report.shapes.sort_values(ascending=False, kind="stable").index[:MAX_COLUMNS]
    template = Template(files("skvae.metrics").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        subtitle=escape(_subtitle(report)),
        lead=escape(_lead(verdicts)),
        verdicts="\n".join(
            _verdict_line(answer[0], verdict) for answer, verdict in zip(answers, verdicts, strict=True)
        ),
        reference=escape(_reference(report)),
        ring="" if report.test is None else f'<li><i class="ring"></i>{HELD_OUT}, by chance</li>',
        cards="\n".join(_card(*answer, verdict) for answer, verdict in zip(answers, verdicts, strict=True)),
        columns_say=escape(_about_columns(report, len(drawn))),
        columns="\n".join(_column_figures(report, drawn)),
        maps=_maps(report),
        rows=_cells(report.synthetic.head()),
        table=_cells(_by_column(report)),
        notes=escape(notes),
        rules=escape(RULES),
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _subtitle(report: Report) -> str:
    held_out = "" if report.test is None else f", {len(report.test):,} held out as the reference"
    return (
        f"{len(report.synthetic):,} synthetic rows of {len(report.shapes)} columns. The model learned from "
        f"{len(report.train):,} real rows{held_out}."
    )


def _lead(verdicts: list[Verdict]) -> str:
    if "poor" in verdicts:
        return "The synthetic rows differ from the real ones where it says “poor”."
    if "fair" in verdicts:
        return "The synthetic rows are much like the real ones, with small differences where it says “fair”."
    return "The synthetic rows look like the real ones wherever we looked."


def _reference(report: Report) -> str:
    if report.test is None:
        return (
            "Each figure is better the further left it stands. Without held-out rows there is nothing to compare with."
        )
    return (
        "Each figure is better the further left it stands. Beside it, what held-out real rows reach in the place of "
        "the synthetic ones: no generator has to do better."
    )


def _about_columns(report: Report, n_drawn: int) -> str:
    which = "" if n_drawn == len(report.shapes) else f" The {n_drawn} largest of {len(report.shapes)} are shown."
    return f"Shares of rows, the largest differences first; the percentage is the column's error.{which}"


def _fitting(question: Question, report: Report) -> Question:
    """The question, with the name of the target and an end for an open scale."""
    _, real = _values(report, question.figure)
    worst = 2.5 * real if math.isinf(question.worst) else question.worst
    return replace(question, worst=worst or 1.0, says=question.says.format(target=f"“{report.target}”"))


def _values(report: Report, figure: str) -> tuple[float, float]:
    value, real = report.table.loc[[figure], ["value", "real"]].to_numpy(dtype=float)[0]
    return float(value), float(real)


def _verdict(report: Report, question: Question, value: float, real: float) -> Verdict:
    """The worse of those of the mean and of the largest error."""
    found = [question.verdict(value, real)]
    if question.largest is not None:
        shapes = question.figure == "Shape error"
        errors: Any = report.shapes if shapes else report.trends
        chance = np.nan
        if report.test is not None:
            by_chance: Any = (column_shapes if shapes else pair_trends)(report.train, report.test)
            chance = float(np.nanmax(by_chance, initial=0))
        found.append(question.verdict_of_largest(float(np.nanmax(errors, initial=0)), chance))
    return max(found, key=VERDICTS.index)


def _shown(question: Question, value: float) -> str:
    if question.figure == "Downstream RMSE":
        return f"{value:.4g}"
    return f"{100 * value:.1f}%" if question.worst > 0.2 else f"{100 * value:.2f}%"


# -- parts of the page -------------------------------------------------------------------------------------------------


def _verdict_line(question: Question, verdict: Verdict) -> str:
    return f'<li><span class="mark {verdict}">{verdict}</span>{escape(question.answer(verdict))}</li>'


def _card(question: Question, value: float, real: float, verdict: Verdict) -> str:
    dots = f'<span class="dot synthetic" style="left:{100 * question.position(value):.1f}%"></span>'
    beside = ""
    if not math.isnan(real):
        dots = f'<span class="dot real" style="left:{100 * question.position(real):.1f}%"></span>{dots}'
        beside = f'<p class="beside">{HELD_OUT}: {_shown(question, real)}</p>'
    return (
        f'<section class="card"><header><h3>{escape(question.heading)}</h3>'
        f'<span class="mark {verdict}">{verdict}</span></header>'
        f'<p class="value">{_shown(question, value)}</p>{beside}'
        f'<div class="track">{dots}</div>'
        f'<div class="ends"><span>{_shown(question, question.best)}</span>'
        f"<span>{_shown(question, question.worst)}{' or more' if question.worst < 1 > question.best else ''}"
        f'</span></div><p class="says">{escape(question.says)}</p></section>'
    )


def _column_figures(report: Report, labels: pd.Index) -> Iterator[str]:
    from skvae.metrics.picture import draw_column

    real, synthetic = align(real=report.train[labels], synthetic=report.synthetic[labels])
    for label, column in Encoding.fit(real, synthetic).columns.items():
        with _drawing(3.4, 1.9) as figure:
            draw_column(figure.subplots(), column, column.encode(real[label]), column.encode(synthetic[label]))
            picture = _embedded(figure, f"Distribution of {label}, real and synthetic")
        error = f"{100 * report.shapes[label]:.2f}%"
        yield (
            f'<figure class="column"><figcaption>{escape(str(label))}<span>{error}</span></figcaption>'
            f"{picture}</figure>"
        )


def _maps(report: Report) -> str:
    """How strongly columns go together, in both tables, and the errors of pairs."""
    from skvae.metrics.picture import LEAST_TOP, draw_map

    if len(report.shapes) < 2:
        return ""
    worst = report.trends.max().sort_values(ascending=False, kind="stable").index[:MAX_MAPPED]
    labels = [label for label in report.trends.columns if label in set(worst)]
    real, synthetic = align(real=report.train[labels], synthetic=report.synthetic[labels])
    percent = 100 * report.trends.loc[labels, labels]
    top = max(LEAST_TOP, float(np.nanmax(percent.to_numpy())))
    panels = {
        "Real rows": (_strengths(real), 1.0, "Blues", "association", "{:.2f}"),
        "Synthetic rows": (_strengths(synthetic), 1.0, "Blues", "association", "{:.2f}"),
        "Errors of pairs": (percent, top, "OrRd", "error of a pair, %", "{:.1f}"),
    }
    figures = []
    for name, (pairs, top, cmap, label, pattern) in panels.items():
        with _drawing(6.2, 5.4) as figure:
            draw_map(figure.subplots(), pairs, top=top, cmap=cmap, label=label, pattern=pattern)
            picture = _embedded(figure, f"{name}: a map of all pairs of columns")
        figures.append(f'<figure class="map"><figcaption>{name}</figcaption>{picture}</figure>')
    figures.append(
        '<div class="map"><h3>The pairs that differ most</h3><div class="scroll">'
        f"{_cells(_largest_pairs(report.trends))}</div></div>"
    )
    left_out = len(report.shapes) - len(labels)
    which = f" The {left_out} columns with the smallest errors are left out." if left_out else ""
    return (
        "<h2>Pairs of columns</h2><p>How much two columns have to do with one another: 0 where one says nothing of the "
        "other, 1 where it determines it (the correlation of two numbers, without its sign; Cramér’s V of two "
        "categories; the correlation ratio of one of each). The two "
        f'blue maps should look alike.{which}</p><div class="maps">{"".join(figures)}</div>'
    )


def _strengths(table: pd.DataFrame) -> pd.DataFrame:
    """Associations without their signs, and without the diagonal."""
    strength = associations(table).abs()
    return strength.mask(np.eye(len(strength), dtype=bool))


def _largest_pairs(trends: pd.DataFrame, n_pairs: int = 10) -> pd.DataFrame:
    above = np.triu_indices(len(trends), k=1)
    errors = trends.to_numpy()[above]
    order = np.argsort(-errors, kind="stable")[:n_pairs]
    names = [[str(trends.columns[i]) for i in side[order]] for side in above]
    return pd.DataFrame({"one": names[0], "other": names[1], "error": [f"{100 * e:.1f}%" for e in errors[order]]})


def _by_column(report: Report) -> pd.DataFrame:
    """Errors of each column, and the pair that fares worst."""
    shapes = report.shapes.sort_values(ascending=False, kind="stable")
    trends = report.trends.loc[shapes.index]
    table = pd.DataFrame({"column": shapes.index, "error": [f"{100 * error:.2f}%" for error in shapes]})
    if len(shapes) > 1:
        partners = trends.fillna(-1).idxmax(axis=1)
        table["worst pair with"] = partners.to_numpy()
        table["error of the pair"] = [f"{100 * error:.2f}%" for error in trends.max(axis=1)]
    return table


def _cells(table: pd.DataFrame) -> str:
    """A table as HTML, numbers to the right."""
    is_number = [pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]
    marks = [' class="n"' if number else "" for number in is_number]
    head = "".join(f"<th{mark}>{escape(_cut(name))}</th>" for name, mark in zip(table.columns, marks, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{mark}>{escape(_cut(cell))}</td>" for cell, mark in zip(row, marks, strict=True))
        + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cut(cell: Any) -> str:
    text = (
        "–"
        if cell is None or cell is pd.NA or cell != cell
        else f"{cell:.6g}"
        if isinstance(cell, float)
        else str(cell)
    )
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


# -- pictures ----------------------------------------------------------------------------------------------------------


@contextmanager
def _drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure that pyplot does not know, with letters as shapes, so that it looks the same everywhere."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("The page needs matplotlib, which is not installed. Run: pip install skvae[plot]") from error
    with matplotlib.rc_context({"svg.hashsalt": "skvae", "svg.fonttype": "path"}):
        yield Figure(figsize=(width, height), layout="constrained")


def _embedded(figure: Figure, alt: str) -> str:
    """The picture as an element that holds its own data."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    width, height = 96 * figure.get_size_inches()
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return f'<img alt="{escape(alt, quote=True)}" {size} src="data:image/svg+xml;base64,{data}">'
