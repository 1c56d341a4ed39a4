"""What holds between the cells of a row, and how drawn rows are made to keep it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from skvae.models.obeying import (
    Mask,
    Positions,
    Redraw,
    check_condition,
    obey,
    refuse_beyond,
    refuse_broken,
    with_known,
)
from skvae.networks import VAE
from skvae.tables import Copies, Rows, Rulebook, Table, rows_at


@dataclass(frozen=True)
class Bonds:
    """What holds between the cells of a row: some are the value of an earlier one, and rules are kept.

    Attributes
    ----------
    copies : Copies
        Which cells may be the value of an earlier one: none without a chain, which draws the others.
    rules : Rulebook or None
        What holds in every row; None for nothing.
    named : tuple of int
        Positions of the identifiers, whose names differ from all others and stay.
    """

    copies: Copies
    rules: Rulebook | None
    named: tuple[int, ...]

    @classmethod
    def of(cls, table: Table, vae: VAE, rules: Rulebook | None) -> Bonds:
        """Those of the rows that a model draws."""
        copies = () if vae.chain is None else table.copies
        return cls(Copies(copies, table.ranged), rules, tuple(table.identifiers))

    def __bool__(self) -> bool:
        return len(self.copies) > 0 or self.rules is not None

    def keep(
        self,
        rows: Rows,
        redraw: Redraw,
        generator: torch.Generator,
        is_known: Mask | None = None,
        *,
        are_means: bool = False,
    ) -> tuple[Rows, Mask]:
        """Rows that keep what holds, and which of them cannot keep the rules: see ``obey``.

        Chance decides on copies once for each row: of rows that are drawn again for a bound, which copies keep, else
        too many would become some. Means are no copies.

        Parameters
        ----------
        rows : ndarray or DataFrame of shape (N, D)
            Rows as the model gives them.
        redraw : callable
            Positions of rows → the same rows drawn again.
        generator : torch.Generator
            Source of choices.
        is_known : ndarray of bool of shape (N, D), optional
            Cells that stay as they are; None for none.
        are_means : bool
            Whether free cells are no draws but means.
        """
        copies = Copies((), {}) if are_means else self.copies
        chances = copies.chances(len(rows), generator)
        rows = copies.draw(rows, chances, is_known)
        if self.rules is None:
            return rows, np.zeros(len(rows), dtype=bool)
        stays = np.zeros(rows.shape, dtype=bool) if is_known is None else is_known.copy()
        stays[:, list(self.named)] = True

        def again(at: Positions) -> Rows:
            drawn = with_known(redraw(at), rows_at(rows, at), stays[at])
            return copies.draw(drawn, chances[at], stays[at])

        is_free = None if is_known is None else ~is_known
        return obey(self.rules, rows, generator, again, is_free=is_free, are_means=are_means)

    def enforce(self, rows: Rows, redraw: Redraw, generator: torch.Generator, is_given: Mask | None = None) -> Rows:
        """Draws that keep all that holds: see ``keep``.

        Raises
        ------
        ValueError
            Where given cells break a rule, or leave no row that keeps it.
        """
        if self.rules is None:
            return self.keep(rows, redraw, generator, is_given)[0]
        if is_given is not None:
            check_condition(self.rules, rows, is_given)
        rows, broken = self.keep(rows, redraw, generator, is_given)
        refuse_broken(self.rules, rows, broken, is_given)
        if is_given is not None:
            refuse_beyond(self.rules, rows, is_given)
        return rows
