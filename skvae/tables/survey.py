"""One pass over rows in chunks: what ``Table.fit`` learns of all rows at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from skvae.tables.columns.base import Protect
from skvae.tables.frames import Native
from skvae.tables.rows import Rows, check_alike, slices
from skvae.tables.schema import Choice
from skvae.tables.statistics import Statistics
from skvae.tables.table import Table


class Survey:
    """A ``Table`` from chunks of rows.

    Means, scales, ranges, steps of time and categories are those of all rows at once, and so are the bins of columns
    of up to 200,000 distinct numbers; beyond, their quantiles are off by some 1e-5 of the rows.

    Parameters
    ----------
    like : ndarray or DataFrame
        The first chunk, whose names and dtypes all others share, and which shows what columns are identifiers.
    likelihood, add_indicator, histograms, protect, native
        See ``Table.fit``.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 4.0, 8.0], "kind": ["b", "b", "a", "c"]})
    >>> survey = Survey(X, {"size": "student_t"})
    >>> for first in (0, 2):
    ...     survey.add(X[first : first + 2])
    >>> survey.table().loc.tolist(), survey.table().columns[1].levels.tolist()
    ([3.75, 0.0], ['a', 'b', 'c'])
    """

    def __init__(
        self,
        like: Rows,
        likelihood: Choice | Mapping[Hashable, Choice] = "auto",
        *,
        add_indicator: bool = False,
        histograms: bool = False,
        protect: Protect = None,
        native: Native | None = None,
    ) -> None:
        self.like = like[:0]
        self.statistics = Statistics(
            like, likelihood, add_indicator=add_indicator, histograms=histograms, protect=protect
        )
        self.native = native

    def add(self, X: Rows) -> None:
        """Take note of a chunk, an array or a DataFrame.

        Raises
        ------
        ValueError, TypeError
            Where it is not like the first one, or a cell is infinite or outside the support of its family.
        """
        check_alike(X, self.like)
        for _, rows in slices(X):
            self.statistics.check_support(self.statistics.read(rows), rows)

    @property
    def has_gaps(self) -> bool:
        """Whether a cell is missing anywhere."""
        return any(self.statistics.gaps)

    @property
    def identifiers(self) -> list[int]:
        """Positions of the columns that are identifiers."""
        return list(self.statistics.identifiers)

    def table(self) -> Table:
        """What is known of all rows."""
        self.statistics.check_observed()
        return Table.of(self.statistics, self.like, self.native)
