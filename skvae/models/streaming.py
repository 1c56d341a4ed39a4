"""Rows that do not fit into memory: the first pass over them, and how later ones read them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skvae.models.data import Data
from skvae.tables import (
    Chunks,
    Native,
    Rows,
    RowSample,
    Rulebook,
    Survey,
    Table,
    check_alike,
    concatenate,
    slices,
    to_pandas,
    with_gaps_of,
)
from skvae.training import StreamedRows

IN_MEMORY = 16_000_000  # cells; a stream of fewer is fitted as one table
SAMPLE_ROWS = 100_000  # that start a model and judge it

Check = Callable[[Any, Table | None, bool], Rows]
RulesOf = Callable[[Rows, Rulebook | None, Collection[int]], Rulebook | None]


class FirstPass:
    """Learns the columns of a stream and draws a sample of its rows, or takes all of it where it is small.

    Parameters
    ----------
    check : callable (rows, table or None, is_first) -> rows
        Refuses rows of a chunk that are not what they should be, and gives the others as an array or a DataFrame. It
        is told whether this is the first pass.
    chunks : Chunks
        The stream.
    table : Table or None
        The columns, if they are known.
    options : dict
        See ``Survey``.
    seed : int
        Seed of the sample.
    rules_of : callable (rows, rules before or None, positions of identifiers) -> rules or None, optional
        The rules that rows keep, of those that rows before kept.
    rules : Rulebook, optional
        Those of a fit that is continued.

    Attributes
    ----------
    rules : Rulebook or None
        Those of the first rows that all rows keep, where X is a sample; else those that were passed.
    X : ndarray or DataFrame
        All rows, if they fit into memory, or a sample of them.
    native : Native or None
        The library of the first chunk.
    table : Table or None
        The columns, if they are known; they are not where all rows are in memory.
    is_streamed : bool
        Whether X is a sample.
    """

    def __init__(
        self,
        check: Check,
        chunks: Chunks,
        table: Table | None,
        options: dict[str, Any],
        seed: int,
        rules_of: RulesOf | None = None,
        rules: Rulebook | None = None,
    ) -> None:
        self.check, self.chunks, self.table = check, chunks, table
        self.options, self.seed = options, seed
        self.rules_of, self.rules = rules_of, rules
        self.native: Native | None = None
        self._survey: Survey | None = None
        self._sample: RowSample | None = None
        self._head: list[tuple[int, Any]] = []
        self._like: Any = None
        self._positions: Any = None
        self._n_rows = [0] * len(chunks.blocks)
        for number, (block, chunk) in enumerate(chunks.read(), start=1):
            if _has_no_rows(chunk):
                continue
            with _naming_chunk(number):
                frame, native = to_pandas(chunk)
                rows = check(frame, self.table, True)
            self._like = rows[:0] if self._like is None else self._like
            rows = with_gaps_of(rows, self._like)
            self.native = self.native or native
            self._n_rows[block] += len(rows)
            self._learn(number, rows)
        if not any(self._n_rows):
            raise ValueError("A stream needs rows, but none of its chunks holds any. Pass others.")
        self.is_streamed = self._sample is not None
        if self._sample is None:
            self.X = concatenate([rows for _, rows in self._head])
            return
        self._positions, self.X = self._sample.rows()
        if self._survey is not None:
            self.table = self._survey.table()

    def data(self, weights: Tensor | None = None) -> Data:
        """The stream to train on, and its sample, which starts the model and judges it."""
        assert self.table is not None, "the first pass learns the columns"
        stream = self.rows(weights)
        data = Data(self.table, self.encode_sample(), stream=stream)
        if stream.weights is None:
            return data
        return replace(data, weights=stream.weights[stream.sample])

    def rows(self, weights: Tensor | None = None) -> StreamedRows:
        """The training rows; their weights are divided by the mean."""
        assert self.table is not None and self._sample is not None, "rows in memory are no stream"
        if weights is not None:
            weights = weights / weights.mean()
        return StreamedRows(
            LaterPasses(self.check, self.chunks, self.table, np.cumsum([0, *self._n_rows]).tolist()),
            n_rows=self._sample.n_rows,
            is_complete=self._survey is not None and not self._survey.has_gaps,
            sample=torch.from_numpy(self._positions),
            weights=weights,
            held_out=torch.empty(0, dtype=torch.long),
        )

    def encode_sample(self) -> Tensor:
        """The sample as a tensor. Shape: (N, D)."""
        assert self.table is not None, "the sample of a stream is encoded by its table"
        return torch.cat([self.table.encode(rows) for _, rows in slices(self.X)])

    def _learn(self, number: int, rows: Rows) -> None:
        """Collect the first chunks, and learn from all of them once they are too many."""
        if self._sample is not None:
            self._note(number, rows)
            return
        if self._head:
            with _naming_chunk(number):
                check_alike(rows, self._head[0][1])
        self._head.append((number, rows))
        if sum(rows.shape[0] * rows.shape[1] for _, rows in self._head) > IN_MEMORY:
            if self.table is None:
                self._survey = Survey(rows, **self.options, native=self.native)
            self._sample = RowSample(min(SAMPLE_ROWS, IN_MEMORY // rows.shape[1]), self.seed)
            if self.rules_of is not None and self.rules is None:
                self.rules = self.rules_of(self._first_rows(), None, self._identifiers)
            self._head.reverse()
            while self._head:
                self._note(*self._head.pop())

    @property
    def _identifiers(self) -> Collection[int]:
        """Positions of the columns that are identifiers."""
        known = self.table or self._survey
        assert known is not None, "columns are looked at before their rules"
        return known.identifiers

    def _first_rows(self) -> Rows:
        """Rows of the first chunks, of which rules are learned."""
        parts, n_wanted = list[Any](), SAMPLE_ROWS
        for _, chunk in self._head:
            parts.append(chunk[:n_wanted])
            n_wanted -= len(parts[-1])
            if n_wanted <= 0:
                break
        rows: Rows = concatenate(parts)
        return rows

    def _note(self, number: int, rows: Rows) -> None:
        """Learn from a chunk that is not kept."""
        assert self._sample is not None, "rows are collected first"
        with _naming_chunk(number):
            if self.rules_of is not None and self.rules is not None:
                self.rules = self.rules_of(rows, self.rules, self._identifiers)
            if self._survey is not None:
                self._survey.add(rows)
            for _, part in slices(rows):
                self._sample.add(part)


class LaterPasses:
    """Later passes over a stream: its blocks in random order, encoded.

    Parameters
    ----------
    check, chunks, table
        See ``FirstPass``.
    starts : list of int
        Position of the first row of each block.
    """

    def __init__(self, check: Check, chunks: Chunks, table: Table, starts: list[int]) -> None:
        self.check, self.chunks, self.table, self.starts = check, chunks, table, starts

    def __call__(self, generator: torch.Generator) -> Iterator[tuple[int, Tensor]]:
        """Encoded rows, (B, D), and the position of the first of them."""
        order = torch.randperm(len(self.chunks.blocks), generator=generator, device=generator.device).tolist()
        position, before = 0, None
        for number, (block, chunk) in enumerate(self.chunks.read(order), start=1):
            if block != before:
                position, before = self.starts[block], block
            if _has_no_rows(chunk):
                continue
            with _naming_chunk(number):
                rows = self.check(to_pandas(chunk)[0], self.table, False)
            for _, part in slices(rows):
                with _naming_chunk(number), warnings.catch_warnings():
                    for said in ("Column .* was not seen at fit", r".*2\*\*53"):  # once, at most
                        warnings.filterwarnings("ignore", message=said)
                    x = self.table.in_precision(self.table.encode(part))
                yield position, x
                position += len(x)


def _has_no_rows(chunk: object) -> bool:
    """Whether a chunk is empty, as a filter may leave it."""
    shape = getattr(chunk, "shape", None)
    if shape:
        return bool(shape[0] == 0)
    return isinstance(chunk, list | tuple) and not chunk


@contextmanager
def _naming_chunk(number: int) -> Iterator[None]:
    """Say in which chunk something is wrong."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if type(error) not in (ValueError, TypeError):
            raise
        raise type(error)(f"Chunk {number}: {error}") from error
