"""A comparison as one web page: sentences beside figures, pictures inside, nothing to load from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import NamedTuple

import numpy as np
import pandas as pd

from skvae.metrics.answers import Answer
from skvae.metrics.association import associations
from skvae.metrics.comparison import Comparison
from skvae.metrics.document import not_asked
from skvae.metrics.elements import drawing, percents, picture_element, table_element
from skvae.metrics.fidelity import worst_first
from skvae.metrics.frames import Encoding, align
from skvae.metrics.picture import LEAST_TOP, draw_column, draw_map
from skvae.metrics.rules import constraints_section
from skvae.metrics.score import Score, judge
from skvae.metrics.sections import (
    FEWEST,
    attacks_section,
    checks_section,
    first_rows,
    identifiers_section,
    sparse_sentence,
)
from skvae.metrics.verdicts import RULES

MAX_COLUMNS, MAX_MAPPED = 60, 24  # columns drawn one by one; columns of a map
N_PAIRS = 10  # pairs that are listed
MAX_LETTERS = 32  # letters of a cell of a row
FEW = 500  # rows: below, the error of a column is some percent by chance
HELD_OUT = "held-out real rows"
FIRST = ("Two-sample AUC, test", "Two-sample AUC, train", "Worst attack")  # answers beside the score, and leaks


def write_page(comparison: Comparison, *, title: str, notes: str = "") -> str:
    """The page as HTML.

    Parameters
    ----------
    comparison : Comparison
        Comparison to show; with a ``test`` table every figure stands beside what real rows reach.
    title : str
        Title of the page, such as the name of the data.
    notes : str
        Sentence or two at the end: how the rows were made.

    Returns
    -------
    str
        HTML document.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    answers, score = judge(comparison)
    first = first_answers(answers)
    drawn = worst_first(comparison.shapes).index[:MAX_COLUMNS]
    template = Template(files("skvae.metrics").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        subtitle=escape(_subtitle(comparison)),
        score=str(score.points),
        verdict=score.verdict,
        lead=escape(_lead(answers, comparison) + _caution(comparison)),
        first="\n".join([*(_verdict_line(answer) for answer in first), *map(_open_line, not_asked(comparison))]),
        verdicts="\n".join(_verdict_line(answer) for answer in answers if answer not in first),
        parts=table_element(_parts(answers, score)),
        reference=escape(_reference(comparison)),
        ring="" if comparison.test is None else f'<li><i class="ring"></i>{HELD_OUT}, by chance</li>',
        cards="\n".join(_card(answer) for answer in answers),
        columns_say=escape(_about_columns(comparison, len(drawn))),
        columns="\n".join(_column_figures(comparison, drawn)),
        maps=_pairs_section(comparison),
        attacks=attacks_section(comparison),
        identifiers=identifiers_section(comparison),
        checks=checks_section(comparison) + constraints_section(comparison.rules),
        rows=table_element(first_rows(comparison), max_letters=MAX_LETTERS),
        table=table_element(_by_column(comparison)),
        notes=escape(notes),
        rules=escape(RULES),
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _subtitle(comparison: Comparison) -> str:
    subtitle = (
        f"{len(comparison.synthetic):,} synthetic rows of {comparison.train.shape[1]} columns. The model learned from "
        f"{len(comparison.train):,} real rows"
    )
    if comparison.test is not None:
        subtitle += f", {len(comparison.test):,} held out as the reference"
    return f"{subtitle}."


def first_answers(answers: list[Answer]) -> list[Answer]:
    """Those for the first screen: whether rows can be told apart, whose rows were learned, and every other leak."""
    return [answer for answer in answers if answer.question.figure in FIRST or answer.leaks]


def _lead(answers: list[Answer], comparison: Comparison) -> str:
    verdicts = {answer.verdict for answer in answers}
    if any(answer.leaks for answer in answers):
        return "The synthetic rows give real ones away: see where it says “leak”."
    if "poor" in verdicts:
        return "The synthetic rows differ from the real ones where it says “poor”."
    if "fair" in verdicts:
        return "The synthetic rows are much like the real ones, with small differences where it says “fair”."
    if not_asked(comparison):
        return "The synthetic rows look like the real ones; whether they give these away is open."
    return "The synthetic rows look like the real ones wherever we looked."


def _caution(comparison: Comparison) -> str:
    real = comparison.train if comparison.test is None else comparison.test
    n_rows = min(len(comparison.synthetic), len(real))
    if n_rows >= FEW:
        return ""
    return f" With {n_rows:,} rows to compare, chance moves the figures a lot."


def _reference(comparison: Comparison) -> str:
    if comparison.test is None:
        return (
            "Each figure is better the further left it stands. Without held-out rows there is nothing to compare with."
        )
    return (
        "Each figure is better the further left it stands. Beside it, what held-out real rows reach in the place of "
        "the synthetic ones: no generator has to do better."
    )


def _about_columns(comparison: Comparison, n_drawn: int) -> str:
    n_columns = len(comparison.shapes)
    text = "Shares of rows, the largest differences first; the percentage is the column's error."
    if n_drawn < n_columns:
        text += f" The {n_drawn} largest of {n_columns} are shown."
    return text + sparse_sentence(comparison)


# -- answers -----------------------------------------------------------------------------------------------------------


def _verdict_line(answer: Answer) -> str:
    return f'<li><span class="mark {answer.verdict}">{answer.verdict}</span>{escape(answer.sentence)}</li>'


def _open_line(sentence: str) -> str:
    return f'<li><span class="mark open">open</span>{escape(sentence)}</li>'


def _parts(answers: list[Answer], score: Score) -> pd.DataFrame:
    """What the score is made of."""
    questions = [answer.question.heading for answer in answers]
    return pd.DataFrame({"part": questions, "points": score.parts, "is": [answer.verdict for answer in answers]})


def _card(answer: Answer) -> str:
    """A figure on its scale, beside that of real rows where it is known."""
    question = answer.question
    dots, beside = _dot("synthetic", question.position(answer.value)), ""
    if not math.isnan(answer.real):
        dots = _dot("real", question.position(answer.real)) + dots
        beside = f'<p class="beside">{HELD_OUT}: {question.text(answer.real)}</p>'
    end = question.text(question.worst)
    if question.may_be_worse:
        end += " or more"
    return (
        f'<section class="card"><header><h3>{escape(question.heading)}</h3>'
        f'<span class="mark {answer.verdict}">{answer.verdict}</span></header>'
        f'<p class="value">{question.text(answer.value)}</p>{beside}'
        f'<div class="track">{dots}</div>'
        f'<div class="ends"><span>{question.text(question.best)}</span><span>{end}</span></div>'
        f'<p class="says">{escape(question.says)}</p></section>'
    )


def _dot(name: str, position: float) -> str:
    return f'<span class="dot {name}" style="left:{100 * position:.1f}%"></span>'


# -- columns -----------------------------------------------------------------------------------------------------------


def _column_figures(comparison: Comparison, labels: pd.Index) -> Iterator[str]:
    """The distribution of each column in both tables."""
    real, synthetic = align(real=comparison.train[labels], synthetic=comparison.synthetic[labels])
    for label, column in Encoding.fit(real, synthetic).columns.items():
        with drawing(3.4, 1.9) as figure:
            draw_column(
                figure.subplots(), column, column.encode(real[label]), column.encode(synthetic[label]), fewest=FEWEST
            )
            picture = picture_element(figure, f"Distribution of {label}, real and synthetic")
        error = f"{100 * comparison.shapes[label]:.2f}%"
        yield (
            f'<figure class="column"><figcaption>{escape(str(label))}<span>{error}</span></figcaption>'
            f"{picture}</figure>"
        )


def _by_column(comparison: Comparison) -> pd.DataFrame:
    """Errors of each column, and the pair that fares worst."""
    shapes = worst_first(comparison.shapes)
    trends = comparison.trends.loc[shapes.index]
    table = pd.DataFrame({"column": shapes.index, "error": percents(shapes, 2)})
    if len(shapes) > 1:
        partners = trends.fillna(-1).idxmax(axis=1)
        table["worst pair with"] = partners.to_numpy()
        table["error of the pair"] = percents(trends.max(axis=1), 2)
    return table


# -- pairs -------------------------------------------------------------------------------------------------------------


class PairMap(NamedTuple):
    """A number for each pair of columns, and how it is drawn: see ``draw_map``."""

    name: str
    pairs: pd.DataFrame
    top: float
    cmap: str
    label: str
    pattern: str


def _pairs_section(comparison: Comparison) -> str:
    """How strongly columns go together, in both tables, and the errors of pairs; nothing for a single column."""
    n_columns = len(comparison.shapes)
    if n_columns < 2:
        return ""
    labels = _mapped_columns(comparison.trends)
    left_out = n_columns - len(labels)
    which = f" The {left_out} columns with the smallest errors are left out." if left_out else ""
    figures = [_map_figure(pairs) for pairs in _pair_maps(comparison, labels)]
    figures.append(
        '<div class="map"><h3>The pairs that differ most</h3><div class="scroll words">'
        f"{table_element(_largest_pairs(comparison.trends))}</div></div>"
    )
    return (
        "<h2>Pairs of columns</h2><p>How much two columns have to do with one another: 0 where one says nothing of the "
        "other, 1 where it determines it (the correlation of two numbers, without its sign; Cramér’s V of two "
        "categories; the correlation ratio of one of each). The two "
        f'blue maps should look alike.{which}</p><div class="maps">{"".join(figures)}</div>'
    )


def _mapped_columns(trends: pd.DataFrame) -> list[Hashable]:
    """The columns with the largest errors, in the order of the table."""
    worst = trends.max().sort_values(ascending=False, kind="stable").index[:MAX_MAPPED]
    return [label for label in trends.columns if label in set(worst)]


def _pair_maps(comparison: Comparison, labels: list[Hashable]) -> list[PairMap]:
    real, synthetic = align(real=comparison.train[labels], synthetic=comparison.synthetic[labels])
    errors = 100 * comparison.trends.loc[labels, labels]
    top = max(LEAST_TOP, float(np.nanmax(errors.to_numpy())))
    return [
        PairMap("Real rows", _strengths(real), 1.0, "Blues", "association", "{:.2f}"),
        PairMap("Synthetic rows", _strengths(synthetic), 1.0, "Blues", "association", "{:.2f}"),
        PairMap("Errors of pairs", errors, top, "OrRd", "error of a pair, %", "{:.1f}"),
    ]


def _map_figure(shown: PairMap) -> str:
    with drawing(6.2, 5.4) as figure:
        ax = figure.subplots()
        draw_map(ax, shown.pairs, top=shown.top, cmap=shown.cmap, label=shown.label, pattern=shown.pattern)
        picture = picture_element(figure, f"{shown.name}: a map of all pairs of columns")
    return f'<figure class="map"><figcaption>{shown.name}</figcaption>{picture}</figure>'


def _strengths(table: pd.DataFrame) -> pd.DataFrame:
    """Associations without their signs, and without the diagonal."""
    strength = associations(table).abs()
    return strength.mask(np.eye(len(strength), dtype=bool))


def _largest_pairs(trends: pd.DataFrame) -> pd.DataFrame:
    """Pairs of columns with the largest errors."""
    one, other = np.triu_indices(len(trends), k=1)
    errors = trends.to_numpy()[one, other]
    order = np.argsort(-errors, kind="stable")[:N_PAIRS]
    names = trends.columns.map(str)
    return pd.DataFrame({"one": names[one[order]], "other": names[other[order]], "error": percents(errors[order], 1)})
