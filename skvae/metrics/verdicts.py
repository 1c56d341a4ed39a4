"""Questions behind the figures of a report, and rules of thumb for how good an answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

Verdict = Literal["good", "fair", "poor"]
VERDICTS: tuple[Verdict, ...] = ("good", "fair", "poor")


@dataclass(frozen=True)
class Question:
    """A figure, as a person would ask for it.

    Attributes
    ----------
    figure : str
        Name of the figure in ``Report.table``.
    heading : str
        Question itself.
    says : str
        Description of the figure, in a sentence or two.
    best, worst : float
        Ends of the scale on which the figure is shown; what lies beyond is shown at the end.
    limits : tuple of two floats
        Distance from ``best`` up to which an answer is good, and fair.
    slack : tuple of two floats
        The same limits as multiples of the distance of real rows that the generator has not seen; the larger counts.
    answers : tuple of three str
        Sentences for good, fair and poor.
    largest : tuple of two floats, or None
        Limits of the largest error of a single column or pair, where the figure is a mean of such.
    """

    figure: str
    heading: str
    says: str
    best: float
    worst: float
    limits: tuple[float, float]
    slack: tuple[float, float]
    answers: tuple[str, str, str]
    largest: tuple[float, float] | None = None

    def loss(self, value: float) -> float:
        """Distance from the best value; 0 beyond it."""
        beyond = value - self.best
        if self.worst < self.best:
            beyond = -beyond
        return max(0.0, beyond)

    def position(self, value: float) -> float:
        """Where on the scale: 0 is the best end, 1 the worst."""
        return min(1.0, self.loss(value) / abs(self.worst - self.best))

    def verdict(self, value: float, real: float = np.nan) -> Verdict:
        """How good a value is, beside that of real rows, if there is one."""
        of_real = 0.0 if np.isnan(real) else self.loss(real)
        return self._graded(self.loss(value), of_real, self.limits)

    def verdict_of_largest(self, error: float, real: float = np.nan) -> Verdict:
        """How good the largest error is: a mean hides one broken pair among a hundred."""
        if self.largest is None:
            return "good"
        return self._graded(error, np.nan_to_num(real), self.largest)

    def _graded(self, loss: float, of_real: float, limits: tuple[float, float]) -> Verdict:
        for verdict, limit, slack in zip(VERDICTS[:2], limits, self.slack, strict=True):
            if loss <= max(limit, slack * of_real):
                return verdict
        return "poor"

    def answer(self, verdict: Verdict) -> str:
        """The sentence for a verdict."""
        return self.answers[VERDICTS.index(verdict)]

    def text(self, value: float) -> str:
        """A value of this figure, in its unit: percents, or those of the target."""
        if self.figure == "Downstream RMSE":
            return f"{value:.4g}"
        digits = 1 if self.worst > 0.2 else 2
        return f"{100 * value:.{digits}f}%"

    @property
    def may_be_worse(self) -> bool:
        """Whether there are values beyond the end of the scale: errors that end below 1."""
        return self.worst < 1 and self.best < 1


RULES = (
    "columns and pairs are good up to a mean error of 1%, the largest being 5%, and fair up to 5%, the largest being "
    "15%; a classifier that is right in up to 55% of pairs is good, up to 70% fair; leaning on the rows it learned "
    "from is good up to 53%, fair up to 58%, plus two standard errors; copies are good up to 0.1%, fair up to 1%. "
    "Where held-out rows are no better, half as much again as they have is good, and three times as much fair; for "
    "predictions, 10% and 50% on top."
)
CLASSIFIER = (
    "Shown a real row that the model has not seen and a synthetic one, gradient boosting that was trained to tell "
    "them apart finds the synthetic one so often. 50% is a coin, 100% means that every row gives itself away."
)
CLASSIFIER_ANSWERS = (
    "Row by row, a classifier can hardly tell synthetic from real.",
    "Row by row, a classifier can often tell synthetic from real.",
    "Row by row, a classifier tells synthetic from real most of the time.",
)
PREDICTION_ANSWERS = (
    "A model learns about as much from synthetic rows as from real ones.",
    "A model learns somewhat less from synthetic rows than from real ones.",
    "A model learns much less from synthetic rows than from real ones.",
)

QUESTIONS = (
    Question(
        "Shape error",
        "Is each column as in the data?",
        "The largest difference of the two distributions, or half the sum over categories, averaged over columns. "
        "0% is the same distribution; real rows differ a little, too, by chance.",
        *(0.0, 0.1),
        limits=(0.01, 0.05),
        slack=(1.5, 3.0),
        answers=(
            "Single columns have the distributions of the data.",
            "Single columns come close to the distributions of the data.",
            "Some columns are distributed otherwise than in the data: see the first pictures below.",
        ),
        largest=(0.05, 0.15),
    ),
    Question(
        "Trend error",
        "Do columns go together as in the data?",
        "Half the difference of correlations, or of the tables that count two columns together, averaged over all "
        "pairs of columns. 0% is the same dependence.",
        *(0.0, 0.1),
        limits=(0.01, 0.05),
        slack=(1.5, 3.0),
        answers=(
            "Pairs of columns go together as they do in the data.",
            "Pairs of columns go together nearly as they do in the data.",
            "Some pairs of columns do not go together as they do in the data: see the maps below.",
        ),
        largest=(0.05, 0.15),
    ),
    Question(
        "Two-sample AUC, test",
        "Can a classifier tell them apart?",
        CLASSIFIER,
        *(0.5, 1.0),
        limits=(0.05, 0.2),
        slack=(1.5, 3.0),
        answers=CLASSIFIER_ANSWERS,
    ),
    Question(
        "Two-sample AUC, train",
        "Can a classifier tell them from the rows it learned from?",
        CLASSIFIER.replace("that the model has not seen", "that the model learned from"),
        *(0.5, 1.0),
        limits=(0.05, 0.2),
        slack=(1.5, 3.0),
        answers=CLASSIFIER_ANSWERS,
    ),
    Question(
        "Downstream ROC AUC",
        "What does a model learn from them?",
        "A model trained on the synthetic rows predicts {target} of held-out real rows. The area under the ROC curve: "
        "100% is perfect, 50% a coin.",
        *(1.0, 0.5),
        limits=(0.0, 0.0),
        slack=(1.1, 1.5),
        answers=PREDICTION_ANSWERS,
    ),
    Question(
        "Downstream RMSE",
        "What does a model learn from them?",
        "A model trained on the synthetic rows predicts {target} of held-out real rows. The root of its mean squared "
        "error, in the units of the column: smaller is better.",
        *(0.0, np.inf),
        limits=(0.0, 0.0),
        slack=(1.1, 1.5),
        answers=PREDICTION_ANSWERS,
    ),
    Question(
        "Exact copies",
        "Are rows copied?",
        "The share of synthetic rows that stand, cell by cell, among the rows that the model learned from. Where "
        "rows have few possible values real rows repeat, too.",
        *(0.0, 0.02),
        limits=(0.001, 0.01),
        slack=(1.5, 3.0),
        answers=(
            "No more rows are copies than among real ones.",
            "Some rows are copies of rows that the model learned from.",
            "Many rows are copies of rows that the model learned from: do not hand them out.",
        ),
    ),
    Question(
        "Closer to train",
        "Do rows lean on those it learned from?",
        "The share of synthetic rows whose closest real row is one that the model learned from, and not one of as many "
        "that it has not seen. 50% is ideal.",
        *(0.5, 0.75),
        limits=(0.03, 0.08),
        slack=(0.0, 0.0),
        answers=(
            "Rows are no closer to those that the model learned from than to others.",
            "Rows are somewhat closer to those that the model learned from than to others.",
            "Rows are much closer to those that the model learned from than to others: it has learned some by heart.",
        ),
    ),
)


def asked(table: pd.DataFrame) -> list[Question]:
    """The questions that a report answers: without held-out rows, the classifier is asked about training rows."""
    figures = set(table.index)
    if "Two-sample AUC, test" in figures:
        figures.discard("Two-sample AUC, train")
    return [question for question in QUESTIONS if question.figure in figures]
