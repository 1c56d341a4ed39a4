"""What a fit leaves on an estimator: warnings, and fitted attributes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from skvae.likelihoods import Gaussian
from skvae.messages import warn_user
from skvae.models import ACTIVE, Architecture, Fit, Plan
from skvae.networks import VAE
from skvae.tables import Table

OF_COLUMNS = ("likelihood", "add_indicator")  # what else a warm start must find as it was


def warn_of(fit: Fit, table: Table) -> None:
    """Say what went wrong on the way."""
    for message in _complaints(fit, table):
        warn_user(message, ConvergenceWarning)


def _complaints(fit: Fit, table: Table) -> list[str]:
    history, kl, complaints = fit.history, fit.kl, []
    if history.interrupted:
        complaints.append(f"Training was interrupted in epoch {len(history.epochs)}; the best weights so far are kept.")
    if history.n_skipped or history.n_rollbacks:
        suspect = ""
        if fit.extreme is not None:
            name, number = table.columns[fit.extreme[0]].name, fit.extreme[1]
            suspect = f" Column {name!r} holds the most extreme number, {number:.3g} after scaling."
        complaints.append(
            f"{history.n_skipped} training step(s) had a loss or gradient that was not finite and were skipped, "
            f"and {history.n_rollbacks} time(s) training went back to the best weights with a smaller step."
            f"{suspect} Scale the data, or lower learning_rate."
        )
    if not bool((kl > ACTIVE + fit.vae.prior.kl_min).any()):
        complaints.append(
            f"All {len(kl)} component(s) are switched off: each says less than {ACTIVE} nats about a row, so "
            f"transform tells rows not apart. If columns have something in common, use free_bits=0.1, a smaller "
            f"beta, or a slower one such as LinearBeta(end=0.5)."
        )
    return complaints


def fitted_attributes(estimator: BaseEstimator, plan: Plan, fit: Fit, device: torch.device) -> dict[str, Any]:
    """Attributes by name, but those of the columns, which the estimator has."""
    names = [*OF_COLUMNS, *(field.name for field in fields(Architecture))]
    vae, history, kl = fit.vae, fit.history, fit.kl.cpu().double().numpy()
    attributes = {
        "vae_": vae,
        "device_": device,
        "_online": fit.online,
        "_architecture": plan.architecture,
        "_fitted_with": {name: getattr(estimator, name) for name in names},
        "history_": history.as_dict(),
        "n_iter_": max(1, len(history.epochs) - 1),
        "best_iter_": history.best_iter,
        "kl_per_component_": kl,
        "active_components_": kl > ACTIVE + vae.prior.kl_min,
    }
    noise = _noise_variance(vae, estimator.table_)
    if noise is not None:
        attributes["noise_variance_"] = noise
    return attributes


def _noise_variance(vae: VAE, table: Table) -> float | NDArray[np.floating[Any]] | None:
    """In the units of X, where one Gaussian family without row factors covers all columns."""
    family = table.families[0]
    if not isinstance(family, Gaussian) or set(table.families) != {family} or family.scale == "row":
        return None
    free, block = vae.decoder.free.find(0, "log_scale"), next(iter(vae.joint))
    log_scale = block.get_buffer("log_scale") if free is None else free
    noise = (2 * family.log_scale(log_scale, None).flatten()).exp().cpu().double().numpy() * table.scale**2
    return noise if family.scaling == "column" else float(noise[0])
