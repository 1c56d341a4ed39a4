"""Whole numbers that never repeat: where they lie, and new ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from skvae.identifiers.seen import Seen

ROOM = 8  # numbers of the range for each one that is drawn or was seen, from which on new ones lie among them


@dataclass(frozen=True)
class Keys:
    """Whole numbers of a range, in steps.

    Attributes
    ----------
    lower, upper, step : int
        The range, and the distance of neighbours.
    n_seen : int
        How many were seen there.
    is_increasing : bool
        Whether they grew from row to row.

    Examples
    --------
    >>> keys = Keys.of(range(1, 101), 1, 100, 100, most=2**31 - 1)
    >>> keys.new(3, np.random.default_rng(0), Seen.of(np.empty(0, dtype=np.uint64)), most=2**31 - 1)
    [101, 102, 103]
    """

    lower: int
    upper: int
    step: int
    n_seen: int
    is_increasing: bool

    def __post_init__(self) -> None:
        if not (self.step >= 1 and self.upper >= self.lower):
            raise ValueError(f"there are no numbers from {self.lower} to {self.upper} in steps of {self.step}")

    @classmethod
    def of(cls, examples: Sequence[int], lower: int, upper: int, n_seen: int, *, most: int) -> Keys:
        """Learn from some numbers in the order of their rows, the ends and count of all, and the largest allowed."""
        is_increasing = all(a < b for a, b in itertools.pairwise(examples))
        step = math.gcd(upper - lower, *(value - lower for value in examples)) or 1
        if (upper - lower) // step < ROOM * n_seen:
            return cls(lower, upper, step, n_seen, is_increasing)
        lower, upper = aligned(lower, upper)
        return cls(lower, min(upper, most), 1, n_seen, is_increasing)

    def new(
        self, n: int, rng: np.random.Generator, seen: Seen, taken: Set[int] = frozenset(), *, most: int
    ) -> list[int]:
        """Draw numbers that differ from one another, and from those that were seen or are taken.

        Where the range has little room they follow its end.

        Raises
        ------
        ValueError
            Where there are not so many up to the largest, ``most``.
        """
        room = (self.upper - self.lower) // self.step + 1
        if room >= ROOM * (self.n_seen + len(taken) + n):
            drawn = self._among(n, room, rng, seen, taken)
        else:
            drawn = self._after(n, taken, most)
        return sorted(drawn) if self.is_increasing else [drawn[i] for i in rng.permutation(n).tolist()]

    def _among(self, n: int, room: int, rng: np.random.Generator, seen: Seen, taken: Set[int]) -> list[int]:
        drawn = dict[int, None]()
        while len(drawn) < n:
            places = rng.integers(room, size=n - len(drawn) + 8, dtype=np.uint64)
            numbers = [self.lower + self.step * place for place in places.tolist()]
            may_be_old = seen.may_hold(map(str, numbers))
            are_new = [number not in taken and not old for number, old in zip(numbers, may_be_old, strict=True)]
            drawn |= dict.fromkeys(itertools.compress(numbers, are_new))
        return list(drawn)[:n]

    def _after(self, n: int, taken: Set[int], most: int) -> list[int]:
        n_there = min(n + len(taken), (most - self.upper) // self.step)
        following = range(self.upper + self.step, self.upper + self.step * (n_there + 1), self.step)
        drawn = [number for number in following if number not in taken][:n]
        if len(drawn) < n:
            raise ValueError(
                f"New numbers follow the largest, {self.upper}, but up to {most} there are {len(drawn)} of the {n} "
                f"that are asked for. Ask for fewer rows, or fit on a column of more bits, such as int64."
            )
        return drawn


def aligned(lower: int, upper: int) -> tuple[int, int]:
    """The range of all numbers with the digits that the ends of a range share.

    Examples
    --------
    >>> aligned(120_034, 129_870), aligned(2_001, 87_512)
    ((120000, 129999), (2001, 87512))
    """
    first, last = str(lower), str(upper)
    if lower < 0 or len(first) != len(last):
        return lower, upper
    n_shared = next((at for at, (a, b) in enumerate(zip(first, last, strict=True)) if a != b), len(first))
    n_free = len(first) - n_shared
    least, greatest = int(first[:n_shared] + "0" * n_free), int(last[:n_shared] + "9" * n_free)
    return max(least, 10 ** (len(first) - 1)), greatest
