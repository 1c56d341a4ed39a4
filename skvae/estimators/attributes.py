"""What a fit leaves on an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skvae.likelihoods import Gaussian
from skvae.models import ACTIVE, Architecture, Fit, Plan
from skvae.networks import VAE
from skvae.tables import Table

OF_COLUMNS = ("likelihood", "constraints", "add_indicator", "protect")  # what else a warm start must find as it was


def fitted_attributes(estimator: BaseEstimator, plan: Plan, fit: Fit, device: torch.device) -> dict[str, Any]:
    """Attributes by name, but those of the columns, which the estimator has."""
    names = [*OF_COLUMNS, *Architecture.parameters()]
    vae, history = fit.vae, fit.history
    attributes: dict[str, Any] = {
        "vae_": vae,
        "device_": device,
        "_online": fit.online,
        "_architecture": plan.architecture,
        "_fitted_with": {name: getattr(estimator, name) for name in names},
        "history_": history.as_dict(),
        "n_iter_": max(1, len(history.epochs) - 1),
        "best_iter_": history.best_iter,
        **kl_attributes(fit.kl, vae),
    }
    if fit.loadings is not None:
        attributes |= {
            "components_": of_all_columns(fit.loadings.effect, estimator.table_),
            "strength_": of_all_columns(fit.loadings.strength, estimator.table_),
            "explained_variance_by_column_": of_all_columns(fit.loadings.explained, estimator.table_),
            "explained_variance_ratio_": fit.loadings.explained.sum(axis=1),
        }
    if fit.tables is not None:
        attributes["_levels"] = {name: table.cpu().double().numpy() for name, table in fit.tables.flat().items()}
    if fit.beside:
        attributes["history_beside_"] = {name: of_model.as_dict() for name, of_model in fit.beside.items()}
    noise = noise_variance(vae, estimator.table_)
    if noise is not None:
        attributes["noise_variance_"] = noise
    return attributes


def kl_attributes(kl: torch.Tensor, vae: VAE) -> dict[str, NDArray[Any]]:
    """Attributes that hang on the prior: what each component says of a row, nats, and which say anything. (K,) both."""
    values = kl.cpu().double().numpy()
    return {"kl_per_component_": values, "active_components_": values > ACTIVE + vae.prior.kl_min}


def of_all_columns(by_column: NDArray[np.floating[Any]], table: Table) -> NDArray[np.floating[Any]]:
    """The same with columns of zeros for identifiers, in which components have no part. Shape: (K, D) -> (K, D')."""
    every = np.zeros((len(by_column), table.n_columns))
    every[:, table.positions] = by_column
    return every


def noise_variance(vae: VAE, table: Table) -> float | NDArray[np.floating[Any]] | None:
    """In the units of X, where one Gaussian family without row factors covers all columns."""
    family = table.families[0]
    if not isinstance(family, Gaussian) or set(table.families) != {family} or family.scale == "row":
        return None
    free, block = vae.decoder.free.find(0, "log_scale"), next(iter(vae.joint))
    log_scale = block.get_buffer("log_scale") if free is None else free
    noise = (2 * family.log_scale(log_scale, None).flatten()).exp().cpu().double().numpy() * table.scale**2
    return noise if family.scaling == "column" else float(noise[0])
