"""A sample of the rows of a stream."""

from __future__ import annotations

import numpy as np

from skvae.tables.bins import Integers
from skvae.tables.rows import Rows, concatenate, rows_at


class RowSample:
    """Rows of a stream, drawn without replacement: those with the smallest random keys.

    Parameters
    ----------
    size : int
        Number of rows that are kept.
    seed : int
        Seed of the keys.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.n_rows = 0
        self._rng = np.random.default_rng(seed)
        self._largest_key = 1.0
        self._keys, self._positions, self._chunks = np.empty(0), np.empty(0, dtype=np.int64), list[Rows]()

    def add(self, X: Rows) -> None:
        """Draw from a chunk, an array or a DataFrame."""
        keys = self._rng.random(len(X))
        chosen = np.flatnonzero(keys < self._largest_key)
        self._keys = np.concatenate([self._keys, keys[chosen]])
        self._positions = np.concatenate([self._positions, self.n_rows + chosen])
        self._chunks.append(rows_at(X, chosen))
        self.n_rows += len(X)
        if len(self._keys) > 2 * self.size:
            self._keep_smallest()

    def rows(self) -> tuple[Integers, Rows]:
        """Positions in the stream, in increasing order, and the rows there."""
        self._keep_smallest()
        return self._positions, self._chunks[0]

    def _keep_smallest(self) -> None:
        kept = np.sort(np.argsort(self._keys, kind="stable")[: self.size])
        self._chunks = [rows_at(concatenate(self._chunks), kept)]
        self._keys, self._positions = self._keys[kept], self._positions[kept]
        if len(kept) == self.size:
            self._largest_key = self._keys.max()
