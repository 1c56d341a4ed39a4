"""Questions behind the figures of a report, and rules of thumb for how good an answer is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skvae.metrics.limits import VERDICTS, Limits, Verdict


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
    limits : Limits
        Distances from ``best`` up to which an answer is good, and fair.
    answers : tuple of three str
        Sentences for good, fair and poor.
    largest : Limits or None
        Limits of the error of each single column or pair, where the figure is a mean of such.
    """

    figure: str
    heading: str
    says: str
    best: float
    worst: float
    limits: Limits
    answers: tuple[str, str, str]
    largest: Limits | None = None

    def loss(self, value: float) -> float:
        """Distance from the best value; 0 beyond it, and where there is no value."""
        beyond = value - self.best
        if self.worst < self.best:
            beyond = -beyond
        return max(0.0, float(np.nan_to_num(beyond)))

    def position(self, value: float) -> float:
        """Where on the scale: 0 is the best end, 1 the worst."""
        return min(1.0, self.loss(value) / abs(self.worst - self.best))

    def verdict(self, value: float, real: float = np.nan) -> Verdict:
        """How good a value is, beside that of real rows, if there is one."""
        of_real = 0.0 if np.isnan(real) else self.loss(real)
        return self.limits.verdict(self.loss(value), of_real)

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
    "columns are good up to a mean error of 1%, pairs up to 2%, both fair up to 5%; a single one up to 5%, and 15%. A "
    "classifier that is right in up to 55% of pairs is good, up to 70% fair. Copies are good up to 0.1%, fair up to "
    "1%; invalid rows up to 0.5%, and 5%. Where real rows are no better, half as much again as they have is good, and "
    "three times as much fair; for predictions, 10% and 50% on top. But whatever real rows have, nothing beyond these "
    "is good, or fair: a mean error of columns of 6%, or 15%; of pairs of 10%, or 20%; a single one of 20%, or 40%; a "
    "classifier at 60%, or 75%; invalid rows of 5%, or 15%; and copies beyond 5% are never good. A leak is what lies "
    "beyond guessing, or beyond held-out rows, by more than two standard errors, the best of four attacks by more than "
    "2.5; it is small where it helps in up to three more of a hundred cases."
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
OF_CLASSIFIER = Limits((0.05, 0.2), ceilings=(0.1, 0.25))
OF_ONE_COLUMN = Limits((0.05, 0.15), slack=(2.0, 4.0), excess=(0.05, 0.15), ceilings=(0.2, 0.4))

QUESTIONS = (
    Question(
        "Two-sample AUC, test",
        "Can a classifier tell them apart?",
        CLASSIFIER,
        *(0.5, 1.0),
        limits=OF_CLASSIFIER,
        answers=CLASSIFIER_ANSWERS,
    ),
    Question(
        "Two-sample AUC, train",
        "Can a classifier tell them from the rows it learned from?",
        CLASSIFIER.replace("that the model has not seen", "that the model learned from"),
        *(0.5, 1.0),
        limits=OF_CLASSIFIER,
        answers=CLASSIFIER_ANSWERS,
    ),
    Question(
        "Worst attack",
        "Can anybody tell whose rows it learned from?",
        "Shown a real row that the model has learned from and one that it has not, the best of our attacks tells from "
        "the synthetic rows, in so many of a hundred cases, which is which. 50% is guessing.",
        *(0.5, 0.75),
        limits=Limits((0.03, 0.08)),
        answers=("No leak is found.", "A small leak is found.", "A leak is found."),
    ),
    Question(
        "Exact copies",
        "Are rows copied?",
        "The share of synthetic rows that stand, cell by cell, among the rows that the model learned from, or that "
        "have an identifier of one of these. Where rows have few possible values real rows repeat, too.",
        *(0.0, 0.02),
        limits=Limits((0.001, 0.01), excess=(0.05, 0.1), ceilings=(0.05, np.inf)),
        answers=(
            "No more rows are copies than among real ones.",
            "Some rows are copies of rows that the model learned from.",
            "Many rows are copies of rows that the model learned from: do not hand them out.",
        ),
    ),
    Question(
        "Shape error",
        "Is each column as in the data?",
        "The largest difference of the two distributions, or half the sum over categories, averaged over columns. "
        "0% is the same distribution; real rows differ a little, too, by chance.",
        *(0.0, 0.1),
        limits=Limits((0.01, 0.05), ceilings=(0.06, 0.15)),
        answers=(
            "Single columns have the distributions of the data.",
            "Single columns come close to the distributions of the data.",
            "Some columns are distributed otherwise than in the data: see the first pictures below.",
        ),
        largest=OF_ONE_COLUMN,
    ),
    Question(
        "Trend error",
        "Do columns go together as in the data?",
        "Half the difference of correlations, or of the tables that count two columns together, averaged over all "
        "pairs of columns. 0% is the same dependence.",
        *(0.0, 0.1),
        limits=Limits((0.02, 0.05), ceilings=(0.1, 0.2)),
        answers=(
            "Pairs of columns go together as they do in the data.",
            "Pairs of columns go together nearly as they do in the data.",
            "Some pairs of columns do not go together as they do in the data: see the maps below.",
        ),
        largest=OF_ONE_COLUMN,
    ),
    Question(
        "Downstream ROC AUC",
        "What does a model learn from them?",
        "A model trained on the synthetic rows predicts {target} of held-out real rows. The area under the ROC curve: "
        "100% is perfect, 50% a coin.",
        *(1.0, 0.5),
        limits=Limits((0.0, 0.0), slack=(1.1, 1.5), excess=(0.05, 0.12), ceilings=(0.45, 0.5)),
        answers=PREDICTION_ANSWERS,
    ),
    Question(
        "Downstream RMSE",
        "What does a model learn from them?",
        "A model trained on the synthetic rows predicts {target} of held-out real rows. The root of its mean squared "
        "error, in the units of the column: smaller is better.",
        *(0.0, np.inf),
        limits=Limits((0.0, 0.0), slack=(1.1, 1.5)),
        answers=PREDICTION_ANSWERS,
    ),
    Question(
        "Invalid rows",
        "Could they be rows of this table?",
        "The share of synthetic rows with a value far beyond the range of the data, an unknown category, a fraction "
        "among whole numbers, a gap where there is none, or a key that occurs twice.",
        *(0.0, 0.1),
        limits=Limits((0.005, 0.05), ceilings=(0.05, 0.15)),
        answers=(
            "Rows keep to the ranges, values and keys of the data.",
            "Some rows have values that the data cannot have.",
            "Many rows have values that the data cannot have: see the rules below.",
        ),
    ),
)


def asked(table: pd.DataFrame) -> list[Question]:
    """The questions that a report answers: without held-out rows, the classifier is asked about training rows."""
    figures = set(table.index)
    if "Two-sample AUC, test" in figures:
        figures.discard("Two-sample AUC, train")
    return [question for question in QUESTIONS if question.figure in figures]
