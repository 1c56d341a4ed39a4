"""What went wrong on the way to a fit, in sentences."""

from __future__ import annotations

from skvae.models.kl import ACTIVE
from skvae.models.outcome import Fit
from skvae.tables import Table

MANY = 4  # components, half of which are news: one of two is off where there are two rows, or one direction


def complaints_of(fit: Fit, table: Table, *, may_begin: bool = False) -> list[str]:
    """A sentence for each thing that a user should know of; none for a good fit. See ``complaints_of_components``."""
    history, kl, complaints = fit.history, fit.kl, list[str]()
    if history.interrupted:
        complaints.append(f"Training was interrupted in epoch {len(history.epochs)}; the best weights so far are kept.")
    if history.stayed:
        complaints.append(
            f"Training ended in epoch {len(history.epochs) - 1}, because it made held-out rows no likelier than they "
            f"were at the start, whose weights are kept: a linear model, unless the start was at random. Pass more "
            f"rows or ask for fewer components, or take PCA, which is faster."
        )
    for model, beside in fit.beside.items():
        if beside.interrupted:
            complaints.append(
                f"Training was interrupted in epoch {len(beside.epochs)} of the {model}, a model beside the VAE; the "
                f"best weights so far are kept, and models that come after it are left out."
            )
    trainings = [history, *fit.beside.values()]
    n_skipped = sum(training.n_skipped for training in trainings)
    n_rollbacks = sum(training.n_rollbacks for training in trainings)
    if n_skipped or n_rollbacks:
        suspect = ""
        if fit.extreme is not None:
            name, number = table.columns[fit.extreme[0]].name, fit.extreme[1]
            suspect = f" Column {name!r} holds the most extreme number, {number:.3g} after scaling."
        complaints.append(
            f"{n_skipped} training step(s) had a loss or gradient that was not finite and were skipped, "
            f"and {n_rollbacks} time(s) training went back to the best weights with a smaller step."
            f"{suspect} Scale the data, or lower learning_rate."
        )
    n_active = int((kl > ACTIVE + fit.vae.prior.kl_min).sum())
    return complaints + complaints_of_components(n_active, len(kl), len(table.data), may_begin=may_begin)


def complaints_of_components(n_active: int, n_components: int, n_columns: int, *, may_begin: bool = False) -> list[str]:
    """A sentence where half of the components or more are switched off, though there are columns enough for them.

    Components beyond the number of columns have nothing to say, so that it is no news that they are off. Categories
    ``may_begin`` at a linear model, in which components are in use.
    """
    remedy = "free_bits=0.1, a smaller beta, or a slower one such as LinearBeta(end=0.5)."
    remedy = f"use init='linear', {remedy}" if may_begin else f"use {remedy}"
    if n_active == 0:
        return [
            f"All {n_components} component(s) are switched off: each says less than {ACTIVE} nats about a row, so "
            f"transform does not tell rows apart. If columns have something in common, {remedy}"
        ]
    if 2 * n_active <= n_components <= n_columns and n_components >= MANY:
        return [
            f"{n_components - n_active} of {n_components} components are switched off: each says less than {ACTIVE} "
            f"nats about a row. The others do as well alone, as n_components={n_active}; if columns have more in "
            f"common than they say, {remedy}"
        ]
    return []
