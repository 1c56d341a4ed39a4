"""Where the rows of an epoch come from: memory, or a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import embedding

BUFFER = 32_000_000  # cells of a stream that are shuffled together


class Rows(ABC):
    """Training rows of every model in the stack.

    Attributes
    ----------
    n_rows : int
        Rows of an epoch.
    is_complete : bool
        Whether none of them has a gap that the rows in memory have not.
    """

    n_rows: int
    is_complete: bool

    @abstractmethod
    def epoch(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Rows in random order, and their weights, a batch at a time. Shape: (S, B, D), (S, B).

        Rows that do not fill a batch wait for the next epoch.
        """


class RowsInMemory(Rows):
    """One tensor, of which each model has its own rows.

    Parameters
    ----------
    x, weights : Tensor of shape (N, D) and (N,)
        All rows; no weights are equal ones.
    train : list of S Tensors
        Row numbers of each model.
    """

    is_complete = True

    def __init__(self, x: Tensor, weights: Tensor | None, train: list[Tensor]) -> None:
        self.x, self.weights, self.train = x, weights, train
        self.n_rows = min(len(rows) for rows in train)

    def epoch(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor | None]]:  # noqa: D102
        for rows in minibatches(self.train, self.n_rows, batch_size, generator):
            weights = None if self.weights is None else self.weights[rows]
            yield embedding(rows, self.x), weights


def minibatches(train: list[Tensor], n_rows: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of one epoch, (S, B) at a time; rows that do not fill a batch wait for the next epoch."""
    state, n_whole = generator.get_state(), n_rows // batch_size * batch_size

    def shuffle(rows: Tensor) -> Tensor:
        generator.set_state(state)  # models of a stack draw alike, so each is what it would be alone
        return rows[torch.randperm(len(rows), generator=generator, device=rows.device)[:n_whole]]

    order = torch.stack([shuffle(rows) for rows in train])
    yield from torch.split(order, batch_size, dim=1)


@dataclass
class StreamedRows(Rows):
    """Rows that do not fit into memory, for a stack of one.

    Blocks are read in random order into a buffer, whose rows are shuffled: rows that lie more than a buffer apart
    in what can only be read in order never meet in a batch.

    Attributes
    ----------
    read : callable
        Given a generator, which may choose the order of the blocks, an iterator over encoded rows, (B, D), and the
        position of the first of them in the stream.
    n_rows : int
        Rows of the stream, less those that are held out.
    is_complete : bool
        Whether there are no gaps.
    sample : Tensor of int
        Positions of the rows that are in memory.
    weights : Tensor of shape (N,), optional
        Weight of each row of the stream, on average 1.
    held_out : Tensor of int
        Positions of the rows that do not train, in increasing order.
    """

    read: Callable[[torch.Generator], Iterator[tuple[int, Tensor]]]
    n_rows: int
    is_complete: bool
    sample: Tensor
    weights: Tensor | None
    held_out: Tensor

    def changed(self, change: Callable[[Tensor], Tensor]) -> StreamedRows:
        """The same stream, each of whose parts is changed on the way."""
        return replace(self, read=partial(_changed, self.read, change))

    def without(self, rows: Tensor) -> StreamedRows:
        """The same stream, less some rows of its sample."""
        held_out = self.sample[rows.cpu()].sort().values
        return replace(self, n_rows=self.n_rows - len(held_out), held_out=held_out)

    def epoch(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor | None]]:  # noqa: D102
        n_seen, pool = 0, Pool(batch_size, generator)
        for first, x in self.read(generator):
            rows = self._training_rows(first, x)
            n_seen += len(rows)
            for batch in pool.fill(rows):
                yield self._parted(batch)
        if n_seen != self.n_rows:
            raise ValueError(
                f"A stream must give the same rows each time, but the first pass gave {self.n_rows} training row(s) "
                f"and a later one {n_seen}. A generator is exhausted after one pass: pass a function that makes a new "
                f"one."
            )
        for batch in pool.drain():
            yield self._parted(batch)

    def _training_rows(self, first: int, x: Tensor) -> Tensor:
        """Without those that are held out, and with their weights as a last column."""
        if self.weights is not None:
            x = torch.cat([x, self.weights[first : first + len(x), None].to(x)], dim=1)
        begin, end = torch.searchsorted(self.held_out, torch.tensor([first, first + len(x)])).tolist()
        if begin == end:
            return x
        trains = torch.ones(len(x), dtype=torch.bool)
        trains[self.held_out[begin:end] - first] = False
        return x[trains]

    def _parted(self, batch: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rows and weights, for a stack of one."""
        if self.weights is None:
            return batch[None], None
        return batch[None, :, :-1], batch[None, :, -1]


def _changed(
    read: Callable[[torch.Generator], Iterator[tuple[int, Tensor]]],
    change: Callable[[Tensor], Tensor],
    generator: torch.Generator,
) -> Iterator[tuple[int, Tensor]]:
    """What is read, changed."""
    for first, x in read(generator):
        yield first, change(x)


class Pool:
    """A buffer of rows that leaves them in random order.

    Parameters
    ----------
    batch_size : int
        Rows that leave it together.
    generator : torch.Generator
        Source of the order; the buffer is on its device.
    """

    def __init__(self, batch_size: int, generator: torch.Generator) -> None:
        self.batch_size, self.generator = batch_size, generator
        self.x = torch.empty(0, 0)
        self.n = 0

    def fill(self, x: Tensor) -> Iterator[Tensor]:
        """Take rows in, and give batches whenever it is full."""
        if not len(self.x):
            n_rows = max(BUFFER // x.shape[1], self.batch_size)
            self.x = x.new_empty((n_rows, x.shape[1]), device=self.generator.device)
        while len(x):
            part = x[: len(self.x) - self.n]
            self.x[self.n : self.n + len(part)] = part
            self.n, x = self.n + len(part), x[len(part) :]
            if self.n == len(self.x):
                yield from self.drain()

    def drain(self) -> Iterator[Tensor]:
        """Give what fills batches; the rest stays."""
        order = torch.randperm(self.n, generator=self.generator, device=self.x.device)
        n_whole = self.n // self.batch_size * self.batch_size
        for first in range(0, n_whole, self.batch_size):
            yield embedding(order[first : first + self.batch_size], self.x)
        rest = self.x[order[n_whole:]]
        self.n = len(rest)
        self.x[: self.n] = rest
