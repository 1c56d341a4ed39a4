"""Tables of an attack as floats, and scores of an attack on membership as an outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.frames import Encoding, Floats, align

MIN_ROWS = 20  # of each table: fewer prove nothing


@dataclass(frozen=True)
class Rows:
    """Rows that an attack judges, and what it judges them by.

    Attributes
    ----------
    members, others : ndarray of shape (m, D) and (n, D)
        Encoded rows that the generator has seen, and rows that it has not.
    synthetic, reference : ndarray of shape (M, D) and (N, D)
        What the attacker holds: rows that the generator has drawn, and real rows that are none of the above, if any.
    is_number : ndarray of bool of shape (D,)
        Which columns are numbers.
    """

    members: Floats
    others: Floats
    synthetic: Floats
    reference: Floats
    is_number: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        members: pd.DataFrame,
        others: pd.DataFrame,
        synthetic: pd.DataFrame,
        reference: pd.DataFrame | None = None,
    ) -> Rows:
        """Check and encode the tables."""
        tables = {"members": members, "others": others, "synthetic": synthetic}
        if reference is not None:
            tables["reference"] = reference
        aligned = align(**tables)
        encoding = Encoding.fit(*aligned)
        coded = dict(zip(tables, map(encoding.encode, aligned), strict=True))
        coded.setdefault("reference", np.empty((0, len(encoding.columns))))
        return cls(**coded, is_number=encoding.is_number)

    @property
    def asked(self) -> Floats:
        """Rows that are judged, members first. Shape: (m + n, D)."""
        return np.concatenate([self.members, self.others])

    @property
    def known(self) -> Floats:
        """Rows that the attacker holds, synthetic ones first. Shape: (M + N, D)."""
        return np.concatenate([self.synthetic, self.reference])

    def outcome(self, attack: str, scores: Floats) -> Membership:
        """What an attack achieves by its scores of the rows that are judged. Shape: (m + n,)."""
        n_members = len(self.members)
        return Membership.of(attack, "rows", scores[:n_members], scores[n_members:])
