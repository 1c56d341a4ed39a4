"""Which values were seen, without the values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLACES = 8  # for each value: one in eight values that were never seen has a place that is taken


@dataclass(frozen=True)
class Seen:
    """A hash table of one bit a place, which says of a value that it was not seen, or that it may have been.

    What was seen is never taken for new. The reverse happens to one new value in eight: it costs a draw, and means that
    who holds the table learns little of a value that he suspects in it.

    Attributes
    ----------
    bits : ndarray of uint8
        The places, eight to a byte.

    References
    ----------
    Bloom (1970), Space/time trade-offs in hash coding with allowable errors; here with a single hash function.

    Examples
    --------
    >>> seen = Seen.of(digests(["ann", "bob"]))
    >>> seen.may_hold(["ann", "bob"]).tolist()
    [True, True]
    """

    bits: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if not len(self.bits) or np.unpackbits(self.bits).mean() > 1 / PLACES:
            raise ValueError(f"what was seen takes at most one of {PLACES} places")

    @classmethod
    def of(cls, seen: NDArray[np.uint64]) -> Seen:
        """The table of some digests."""
        n_places = 8 * max(1, len(np.unique(seen)) * PLACES // 8)
        is_taken = np.zeros(n_places, dtype=bool)
        is_taken[seen % np.uint64(n_places)] = True
        return cls(np.packbits(is_taken))

    def may_hold(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Whether the place of each value is taken. Shape: (N,)."""
        is_taken = np.unpackbits(self.bits).astype(bool)
        return np.asarray(is_taken[digests(texts) % np.uint64(len(is_taken))])


def digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Hashes of 64 bits. Shape: (N,)."""
    hashes = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8) for text in texts)
    return np.array([int.from_bytes(known.digest(), "little") for known in hashes], dtype=np.uint64)
