"""Answers of a comparison to the questions about a synthetic table, with verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from skvae.metrics.chance import SPARSE, Chance
from skvae.metrics.comparison import Comparison
from skvae.metrics.fidelity import pairs_of
from skvae.metrics.frames import Floats, Number, kind_of
from skvae.metrics.leaks import Leak, error_of_difference, is_leak
from skvae.metrics.limits import Limits, Verdict, worst_verdict
from skvae.metrics.verdicts import Question, asked

OPEN_END = 2.5  # end of a scale without a worst value, as a multiple of what real rows reach
ALMOST = 0.95  # of the spread of a target: a prediction that is hardly better than its mean is never good
OF_LEAK: dict[Leak, Verdict] = {"none": "good", "unclear": "fair", "small": "fair", "leak": "poor"}


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
    sentence : str
        The answer in words.
    leaks : bool
        Whether the figure proves a leak, by ``is_leak``.
    """

    question: Question
    value: float
    real: float
    verdict: Verdict
    sentence: str
    leaks: bool = False


def answers_of(comparison: Comparison) -> list[Answer]:
    """The answers to all questions that the tables allow, in the order of ``QUESTIONS``."""
    answers = []
    for question in asked(comparison.table):
        value, real = _values(question.figure, comparison.table)
        if not math.isnan(value):  # a single column has no pairs
            fitting = _fit_to_data(question, real, comparison)
            judge = JUDGES.get(question.figure, _judge)
            answers.append(judge(fitting, value, real, comparison))
    return answers


def _values(figure: str, table: pd.DataFrame) -> tuple[float, float]:
    """Value of a figure, and what held-out real rows reach, NaN where that is unknown."""
    value, real = table.loc[[figure], ["value", "real"]].to_numpy(dtype=float)[0]
    return float(value), float(real)


def _fit_to_data(question: Question, real: float, comparison: Comparison) -> Question:
    """The question, with the name of the target, an end for an open scale, and the limits of a target."""
    worst, limits = question.worst, question.limits
    if math.isinf(worst):
        worst = OPEN_END * real
        spread = _spread_of_target(comparison)
        limits = replace(limits, ceilings=(ALMOST * spread, spread))
    says = question.says.format(target=f"“{comparison.target}”")
    return replace(question, worst=worst or 1.0, says=says, limits=limits)


def _spread_of_target(comparison: Comparison) -> float:
    """Standard deviation of a number that was predicted, in the rows it was predicted for; else no limit."""
    rows = comparison.train if comparison.test is None else comparison.test
    if comparison.target not in rows:
        return math.inf
    column = rows[comparison.target]
    return float(np.nanstd(Number.fit(kind_of(column.dtype), column).encode(column)))


# -- verdicts ----------------------------------------------------------------------------------------------------------


def _judge(question: Question, value: float, real: float, comparison: Comparison) -> Answer:
    """By the limits of the figure; where it is a mean, as bad as the worst of its columns or pairs."""
    verdict = question.verdict(value, real)
    if question.largest is not None:
        errors, by_chance = _errors(question.figure, comparison)
        if math.isnan(real) and comparison.chance is not None:
            verdict = question.verdict(value, getattr(comparison.chance, CHANCE[question.figure]))
        verdict = worst_verdict(verdict, _verdict_of_each(question.largest, errors, by_chance))
    return Answer(question, value, real, verdict, question.answer(verdict))


def _judge_attack(question: Question, value: float, real: float, comparison: Comparison) -> Answer:
    """By the one rule of leaks."""
    attack = comparison.attacks[0]
    return Answer(
        question, value, real, OF_LEAK[attack.finding], attack.sentence(), leaks=attack.finding in ("small", "leak")
    )


def _judge_copies(question: Question, value: float, real: float, comparison: Comparison) -> Answer:
    """By the limits of copies, and by the rule of leaks; identifiers that come back are named."""
    leaking = copied_identifiers(comparison)
    if math.isnan(real):  # whether rows repeat by nature is unknown: only identifiers cannot
        leaks = bool(leaking)
    else:
        leaks = is_leak(value, real, float(comparison.table["standard_error"][question.figure]))
    verdict = worst_verdict(question.verdict(value, real), "fair" if leaks else "good")
    sentence = question.answer(verdict)
    if leaks:
        sentence = "There is a leak: more rows are copies of real ones than chance explains. Do not hand them out."
    if leaking:
        named = ", ".join(f"“{label}” ({share:.1%} of rows)" for label, share in leaking.items())
        sentence = f"There is a leak: identifiers are copies of real values: {named}. Do not hand them out."
        leaks, verdict = True, worst_verdict(verdict, "fair")
    return Answer(question, value, real, verdict, sentence, leaks=leaks)


def copied_identifiers(comparison: Comparison) -> dict[str, float]:
    """Identifiers that come back more often than by chance, and the share of rows in which they do."""
    n_rows, n_real = len(comparison.synthetic), len(comparison.train if comparison.test is None else comparison.test)
    found = {}
    for label, figures in comparison.identifiers.iterrows():
        of_real = 0.0 if math.isnan(figures["copied by real rows"]) else figures["copied by real rows"]
        if is_leak(figures["copied"], of_real, error_of_difference(figures["copied"], of_real, n_rows, n_real)):
            found[str(label)] = float(figures["copied"])
    return found


CHANCE = {"Shape error": "shape_error", "Trend error": "trend_error"}  # means of real rows beside other real rows
JUDGES = {"Worst attack": _judge_attack, "Exact copies": _judge_copies}


def _errors(figure: str, comparison: Comparison) -> tuple[Floats, Floats]:
    """Errors of all columns, or of all pairs, and those of real rows; of the latter 0 where they are unknown."""

    def errors_of(found: Comparison | Chance) -> Floats:
        return found.shapes.to_numpy(dtype=float) if figure == "Shape error" else pairs_of(found.trends)

    errors = errors_of(comparison)
    return errors, np.zeros_like(errors) if comparison.chance is None else errors_of(comparison.chance)


def _verdict_of_each(limits: Limits, errors: Floats, by_chance: Floats) -> Verdict:
    """The worst verdict of a column or pair: a mean hides one that is broken among a hundred.

    Each is judged beside what it has by chance, or beside the mean of chance where it was lucky. Where chance alone is
    beyond all limits, since values are too many for the rows, what is more than chance is judged.
    """
    is_sparse = by_chance > SPARSE
    usual = by_chance[~is_sparse].mean() if not is_sparse.all() else 0.0
    excess = np.where(is_sparse, errors - by_chance, errors)
    return limits.verdict(excess, np.where(is_sparse, 0.0, np.maximum(by_chance, usual)))
