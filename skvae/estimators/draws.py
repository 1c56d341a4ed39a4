"""Rows that are drawn or completed, and cells that are inferred."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skvae.estimators.input import check_count, check_gaps, check_n_samples, count_or, with_column
from skvae.models import Draws
from skvae.networks import VAE
from skvae.tables import Table, position_of, read_condition


class DrawsMixin:
    """Adds ``sample``, ``impute``, ``infer`` and ``infer_proba`` to a fitted model of rows."""

    table_: Table
    vae_: VAE
    _rows: Callable[[ArrayLike], Any]
    _generator: Callable[[int | np.random.RandomState | None], torch.Generator]

    def sample(
        self,
        n_samples: int | None = None,
        *,
        given: Mapping[Any, Any] | pd.DataFrame | None = None,
        gaps: bool | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """New rows, drawn from p(x), or from p(x | some cells): of a DataFrame by the chain and the reader.

        Parameters
        ----------
        n_samples : int, optional
            Number of rows: 1 by default, and that of ``given`` if it is a DataFrame.
        given : dict or DataFrame, optional
            Values of some columns, by name (by position for an array). A dict holds for all rows. Each row of a
            DataFrame is completed: columns that it lacks and cells that are missing are drawn, the others are kept.
            NaN, NaT or pandas.NA in a dict ask for rows in which the cell is missing, where gaps are modelled and
            there were such rows; else the cell is drawn, as it is for None. What is too rare for z is warned of.
        gaps : bool, optional
            Whether cells are missing as in the data, by default unless ``given`` is a DataFrame: where gaps are
            modelled, as the chain and the reader do, and with ``add_indicator``. False: every cell is drawn. True is
            refused where the data have gaps that are not modelled.
        random_state : int, RandomState instance or None
            Seed of the draws; None takes the estimator's. Where that is an int, every call draws the same rows; a
            ``RandomState`` instance, here or there, draws on.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_columns)
            In the container and dtypes that fit saw. Cells are drawn, never set to their most probable value;
            identifiers are new ones, which differ within a table.

        Raises
        ------
        ValueError
            Where the probability of a given value is zero.
        """
        draws = self._draws()
        gaps = None if gaps is None else check_gaps(gaps, self.table_, self.vae_)
        if given is None:
            return draws.sample(count_or(1, "n_samples", n_samples), self._generator(random_state), gaps=gaps)
        frame = read_condition(self.table_, given)
        n_draws = check_n_samples(n_samples, given, frame)
        return draws.sample_given(frame, n_draws, self._generator(random_state), gaps=gaps)

    def impute(
        self, X: ArrayLike, *, n_draws: int | None = None, random_state: int | np.random.RandomState | None = None
    ) -> Any:
        """X with its gaps filled.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; NaN, None and pandas.NA mark missing cells. Observed cells are never touched.
        n_draws : int, optional
            Number of completed tables with draws from p(missing cells | observed cells), for multiple imputation.
        random_state : int, RandomState instance or None
            Seed of the draws; None takes the estimator's.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_columns), or list of n_draws of these
            Without ``n_draws``, the mean of each gap given the observed cells for numbers, and the most probable for
            categories: of the reader, or of 200 draws through z where there is none. Missing identifiers are new ones.
        """
        draws = self._draws()
        generator = self._generator(random_state)
        if n_draws is None:
            (completed,) = draws.impute(self._rows(X), None, generator)
            return completed
        return draws.impute(self._rows(X), check_count("n_draws", n_draws), generator)

    def infer(self, X: ArrayLike, column: Any, *, random_state: int | np.random.RandomState | None = None) -> Any:
        """What a column is expected to be, given the other cells of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; gaps are allowed. The column itself is not looked at, and a DataFrame may lack it.
        column : label, or position for an array
            The column.
        random_state : int, RandomState instance or None
            Seed of the draws of z where there is no reader; None takes the estimator's.

        Returns
        -------
        Series or ndarray of shape (n_rows,)
            E[x_d | the others] for numbers, the most probable category for others, in the dtype of the column.

        Examples
        --------
        >>> import pandas as pd
        >>> from skvae import VAETransformer
        >>> pets = pd.DataFrame({"pet": ["cat", "dog"] * 50, "kg": [4.0, 20.0, 5.0, 30.0] * 25})
        >>> vae = VAETransformer(1, max_iter=50, random_state=0).fit(pets)
        >>> vae.infer(pets[:2], "pet").tolist()
        ['cat', 'dog']
        """
        draws = self._draws()
        j = position_of(self.table_, column)
        return draws.infer(self._rows(with_column(X, self.table_, j)), j, self._generator(random_state))

    def infer_proba(
        self, X: ArrayLike, column: Any, *, random_state: int | np.random.RandomState | None = None
    ) -> pd.DataFrame:
        """The probability of each value of a column, or of each range of numbers, given the other cells of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; gaps are allowed. The column itself is not looked at, and a DataFrame may lack it.
        column : label, or position for an array
            The column: categories, or numbers that are coded by levels, as a DataFrame's are by default. Not others.
        random_state : int, RandomState instance or None
            Seed of the draws of z where there is no reader; None takes the estimator's.

        Returns
        -------
        DataFrame of shape (n_rows, n_levels)
            Probabilities, by category or by the interval of a range. A value that many rows hold is one of its own.

        Examples
        --------
        >>> import pandas as pd
        >>> from skvae import VAETransformer
        >>> pets = pd.DataFrame({"pet": ["cat", "dog"] * 50, "kg": [4.0, 20.0, 5.0, 30.0] * 25})
        >>> vae = VAETransformer(1, max_iter=50, random_state=0).fit(pets)
        >>> vae.infer_proba(pets[:2], "pet").round()
        pet  cat  dog
        0    1.0  0.0
        1    0.0  1.0
        """
        draws = self._draws()
        j = position_of(self.table_, column, with_levels=True)
        return draws.infer_proba(self._rows(with_column(X, self.table_, j)), j, self._generator(random_state))

    def _draws(self) -> Draws:
        check_is_fitted(self)
        return Draws(self.table_, self.vae_, getattr(self, "_rules", None))  # files of earlier releases have none
