"""Where the rows of an epoch come from: memory, or a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
    def epoch(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows in random order, and their weights, a batch at a time. Shape: (S, B, D), (S, B).

        Rows that do not fill a batch wait for the next epoch.
        """


class RowsInMemory(Rows):
    """One tensor, of which each model has its own rows.

    Parameters
    ----------
    x, weights : Tensor of shape (N, D) and (N,)
        All rows.
    train : list of S Tensors
        Row numbers of each model.
    """

    is_complete = True

    def __init__(self, x: Tensor, weights: Tensor, train: list[Tensor]) -> None:
        self.x, self.weights, self.train = x, weights, train
        self.n_rows = min(len(rows) for rows in train)

    def epoch(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:  # noqa: D102
        for rows in minibatches(self.train, self.n_rows, batch_size, generator):
            yield embedding(rows, self.x), self.weights[rows]


def minibatches(train: list[Tensor], n_rows: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of one epoch, (S, B) at a time; rows that do not fill a batch wait for the next epoch."""
    state = generator.get_state()

    def shuffle(rows: Tensor) -> Tensor:
        generator.set_state(state)  # models of a stack draw alike, so each is what it would be alone
        return rows[torch.randperm(len(rows), generator=generator, device=rows.device)[:n_rows]]

    order = torch.stack([shuffle(rows) for rows in train])
    for first in range(0, n_rows - batch_size + 1, batch_size):
        yield order[:, first : first + batch_size]


@dataclass
class Stream(Rows):
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
    weights: Tensor | None = None
    held_out: Tensor | None = None

    def without(self, held_out: list[Tensor]) -> Stream:
        """The same stream, but for some rows of its sample, and for those that others are not a part of it."""
        chosen = torch.cat([rows.cpu() for rows in held_out]) if held_out else self.sample[:0]
        positions = self.sample[chosen[chosen < len(self.sample)]].sort().values
        return Stream(
            self.read, self.n_rows - len(positions), self.is_complete, self.sample, self.weights, positions
        )

    def epoch(self, batch_size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:  # noqa: D102
        n_seen, pool = 0, _Pool(batch_size, generator)
        for first, x in self.read(generator):
            x, weights = self._train(first, x)
            n_seen += len(x)
            for rows in torch.arange(len(x)).split(pool.size(x)):
                yield from pool.fill(x[rows], weights[rows])
        if n_seen != self.n_rows:
            raise ValueError(
                f"A stream must give the same rows each time, but the first pass gave {self.n_rows} training row(s) "
                f"and a later one {n_seen}. A generator is exhausted after one pass: pass a function that makes a new "
                f"one."
            )
        yield from pool.drain()

    def _train(self, first: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows that train, and their weights."""
        weights = x.new_ones(len(x)) if self.weights is None else self.weights[first : first + len(x)].to(x)
        if self.held_out is not None:
            ends = torch.tensor([first, first + len(x)])
            begin, end = torch.searchsorted(self.held_out, ends).tolist()
            if end > begin:
                keep = torch.ones(len(x), dtype=torch.bool)
                keep[self.held_out[begin:end] - first] = False
                return x[keep], weights[keep]
        return x, weights


class _Pool:
    """A buffer of rows that leaves them in random order."""

    def __init__(self, batch_size: int, generator: torch.Generator) -> None:
        self.batch_size, self.generator = batch_size, generator
        self.x: Tensor | None = None
        self.n = 0

    def size(self, x: Tensor) -> int:
        """Rows that it holds."""
        return max(BUFFER // max(1, x.shape[1]), self.batch_size)

    def fill(self, x: Tensor, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Take rows in, and give batches when it is full."""
        while len(x):
            if self.x is None:
                device = self.generator.device
                self.x = x.new_empty((self.size(x), x.shape[1]), device=device)
                self.weights = x.new_empty(len(self.x), device=device)
            n = min(len(x), len(self.x) - self.n)
            self.x[self.n : self.n + n], self.weights[self.n : self.n + n] = x[:n], weights[:n]
            self.n, x, weights = self.n + n, x[n:], weights[n:]
            if self.n == len(self.x):
                yield from self.drain()

    def drain(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give all that fills batches; the rest stays for the next time."""
        if self.x is None:
            return
        order = torch.randperm(self.n, generator=self.generator, device=self.x.device)
        *full, rest = order.split(self.batch_size)
        if len(rest) == self.batch_size:
            full, rest = [*full, rest], rest[:0]
        for rows in full:
            yield embedding(rows, self.x)[None], self.weights[rows][None]
        x, weights = self.x[rest], self.weights[rest]
        self.n = len(rest)
        self.x[: self.n], self.weights[: self.n] = x, weights
