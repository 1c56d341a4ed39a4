"""One figure for a reader of one figure, which is made of the answers and cannot be good where one of them is poor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skvae.metrics.answers import Answer, answers_of
from skvae.metrics.comparison import Comparison
from skvae.metrics.limits import Verdict, worst_verdict

TOP: dict[Verdict, float] = {"good": 100.0, "fair": 79.0, "poor": 49.0}  # points of the best answer of each verdict
GOOD, FAIR = 80.0, 50.0  # points at the two limits of a figure
LEAST: dict[Verdict, float] = {"good": GOOD, "fair": FAIR, "poor": 0.0}  # points of the worst answer of each verdict


@dataclass(frozen=True)
class Score:
    """Points of all answers together.

    Attributes
    ----------
    points : int
        From 0 to 100: the mean of the parts, but at most 79 where one is fair or a question could not be asked, and at
        most 49 where one is poor.
    parts : tuple of int
        Points of each answer.
    verdict : {"good", "fair", "poor"}
        The worst of the parts.
    """

    points: int
    parts: tuple[int, ...]
    verdict: Verdict

    @classmethod
    def of(cls, answers: Sequence[Answer], *, is_complete: bool) -> Score:
        """The score of some answers; without an answer to whether rows leak it is not complete."""
        parts = tuple(points(answer) for answer in answers)
        verdict = worst_verdict(*(answer.verdict for answer in answers), "good" if is_complete else "fair")
        mean = float(np.mean(parts)) if parts else 0.0
        return cls(math.floor(min(mean, TOP[verdict])), parts, verdict)


def judge(comparison: Comparison) -> tuple[list[Answer], Score]:
    """The answers to all questions about a comparison, and their score."""
    answers = answers_of(comparison)
    return answers, Score.of(answers, is_complete=bool(comparison.attacks))


def points(answer: Answer) -> int:
    """Points of an answer: 100 as real rows, 80 at the limit of good, 50 at that of fair, 0 at twice that.

    Where the verdict is worse than the figure, because of a single column, say, or better, because chance is as large,
    the points are those of the verdict.
    """
    question = answer.question
    loss = question.loss(answer.value)
    of_real = 0.0 if answer.verdict != "good" else min(loss, question.loss(answer.real))
    good, fair = (float(limit) for limit in question.limits.of(question.loss(answer.real)))
    fair = min(fair, abs(question.worst - question.best))
    good = min(good, fair)
    earned = float(np.interp(loss - of_real, [0.0, good, fair, 2 * fair], [100.0, GOOD, FAIR, 0.0]))
    return math.floor(round(float(np.clip(earned, LEAST[answer.verdict], TOP[answer.verdict])), 6))
