"""Answers of a comparison to the questions about a synthetic table, with verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from skvae.metrics.comparison import Comparison
from skvae.metrics.fidelity import column_shapes, pair_trends
from skvae.metrics.figures import MAX_ROWS
from skvae.metrics.verdicts import VERDICTS, Question, Verdict, asked

PER_COLUMN = {"Shape error": column_shapes, "Trend error": pair_trends}  # errors whose mean is the figure
OPEN_END = 2.5  # end of a scale without a worst value, as a multiple of what real rows reach


@dataclass(frozen=True)
class Answer:
    """A question with its figure and verdict.

    Attributes
    ----------
    question : Question
        Question with the name of the target in it, and both ends of its scale.
    value : float
        Figure of the synthetic rows.
    real : float
        Figure of held-out real rows in their place, NaN where that is unknown.
    verdict : {"good", "fair", "poor"}
    """

    question: Question
    value: float
    real: float
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """The answer in words."""
        return self.question.answer(self.verdict)


def answers_of(comparison: Comparison) -> list[Answer]:
    """The answers to all questions that the tables allow, in the order of ``QUESTIONS``."""
    answers = []
    for question in asked(comparison.table):
        value, real = _values(question.figure, comparison.table)
        if not math.isnan(value):  # a single column has no pairs
            fitting = _fit_to_data(question, real, comparison)
            answers.append(Answer(fitting, value, real, _verdict(fitting, value, real, comparison)))
    return answers


def _values(figure: str, table: pd.DataFrame) -> tuple[float, float]:
    """Value of a figure, and what held-out real rows reach, NaN where that is unknown."""
    value, real = table.loc[[figure], ["value", "real"]].to_numpy(dtype=float)[0]
    return float(value), float(real)


def _fit_to_data(question: Question, real: float, comparison: Comparison) -> Question:
    """The question, with the name of the target and an end for an open scale."""
    worst = question.worst
    if math.isinf(worst):
        worst = OPEN_END * real
    return replace(question, worst=worst or 1.0, says=question.says.format(target=f"“{comparison.target}”"))


def _verdict(question: Question, value: float, real: float, comparison: Comparison) -> Verdict:
    """The worse of those of the mean and of the largest error."""
    if question.figure == "Closer to train":
        value -= 1 / math.sqrt(min(len(comparison.synthetic), MAX_ROWS))  # two standard errors: few rows prove nothing
    verdicts = [question.verdict(value, real)]
    if question.largest is not None:
        verdicts.append(question.verdict_of_largest(*_largest(question.figure, comparison)))
    return max(verdicts, key=VERDICTS.index)


def _largest(figure: str, comparison: Comparison) -> tuple[float, float]:
    """Largest error of a column or pair, and that of held-out real rows, which is chance; NaN without them."""
    errors = {"Shape error": comparison.shapes, "Trend error": comparison.trends}[figure]
    largest = float(np.nanmax(np.asarray(errors), initial=0))
    if comparison.test is None:
        return largest, math.nan
    by_chance = PER_COLUMN[figure](comparison.train, comparison.test)
    return largest, float(np.nanmax(np.asarray(by_chance), initial=0))
