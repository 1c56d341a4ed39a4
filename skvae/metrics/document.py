"""A comparison as plain numbers, texts, lists and dicts, for programs that read it."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import pandas as pd

from skvae.metrics.answers import Answer
from skvae.metrics.attacks.rows import MIN_ROWS
from skvae.metrics.comparison import Comparison
from skvae.metrics.score import judge
from skvae.metrics.validity import changed_types

NOT_ASKED = (
    "Whether rows leak was not asked: without real rows that the generator has not seen, nobody can say how many "
    "copies and right guesses are chance."
)
UNLIKE = 0.6  # AUC of a classifier between training and held-out rows from which on these are of another kind
OTHER_KIND = (
    "What looks like a leak may be none: the held-out rows are of another kind than the training rows, and attacks may "
    "see no more than that. A classifier tells the two apart in {:.1%} of cases. Hold out a random part of one table."
)
HARDLY_ASKED = (
    f"Whether rows leak was asked by one attack only: the others need {MIN_ROWS} rows of each table, and "
    f"{2 * MIN_ROWS} real ones that the generator has not seen."
)


def document_of(comparison: Comparison) -> dict[str, Any]:
    """All figures and verdicts; a figure that is unknown is None."""
    answers, score = judge(comparison)
    return {
        "score": score.points,
        "verdict": score.verdict,
        "answers": [_part(answer, points) for answer, points in zip(answers, score.parts, strict=True)],
        "leaks": [answer.sentence for answer in answers if answer.leaks],
        "not_asked": not_asked(comparison),
        "figures": {str(name): _record(row) for name, row in comparison.table.iterrows()},
        "columns": {str(label): _number(error) for label, error in comparison.shapes.items()},
        "pairs": _pairs(comparison.trends),
        "sparse": [str(label) for label in comparison.sparse],
        "identifiers": {str(label): _record(row) for label, row in comparison.identifiers.iterrows()},
        "checks": [_record(row) for _, row in comparison.checks.iterrows()],
        "types": {label: list(types) for label, types in changed_types(comparison.train, comparison.synthetic).items()},
        "attacks": [attack.to_dict() for attack in comparison.attacks],
        "constraints": {} if comparison.rules is None else comparison.rules.to_dict(orient="index"),
        "rows": {
            "train": len(comparison.train),
            "synthetic": len(comparison.synthetic),
            "test": None if comparison.test is None else len(comparison.test),
        },
    }


def not_asked(comparison: Comparison) -> list[str]:
    """Questions to which these tables have no answer."""
    if not comparison.attacks:
        return [NOT_ASKED]
    sentences = [HARDLY_ASKED] if len(comparison.attacks) == 1 else []
    told_apart = float(comparison.table["real"]["Two-sample AUC, test"])
    if told_apart > UNLIKE:
        sentences.append(OTHER_KIND.format(told_apart))
    return sentences


def _part(answer: Answer, points: int) -> dict[str, Any]:
    return {
        "figure": answer.question.figure,
        "question": answer.question.heading,
        "value": answer.value,
        "real": _number(answer.real),
        "verdict": answer.verdict,
        "points": points,
        "leaks": answer.leaks,
        "sentence": answer.sentence,
    }


def _pairs(trends: pd.DataFrame) -> list[dict[str, Any]]:
    pairs = []
    for (i, one), (j, other) in combinations(enumerate(trends.columns), 2):
        pairs.append({"one": str(one), "other": str(other), "error": _number(trends.iloc[i, j])})
    return pairs


def _record(row: pd.Series) -> dict[str, Any]:
    """A row of a table; its numbers are numbers of Python."""
    return {str(name): value if isinstance(value, str) else _number(value) for name, value in row.items()}


def _number(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)
