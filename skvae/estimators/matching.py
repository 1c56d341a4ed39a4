"""A fitted estimator under another prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skvae.estimators.attributes import kl_attributes
from skvae.models import Architecture, match_prior
from skvae.networks import VAE
from skvae.priors import Mixture
from skvae.tables import Rows, Table


class MatchingMixin:
    """Adds ``_match_prior`` to an estimator with the parameters of ``VAETransformer``."""

    vae_: VAE
    table_: Table
    device_: torch.device
    set_params: Callable[..., Any]
    _architecture: Architecture
    _fitted_with: dict[str, Any]

    def _match_prior(
        self, rows: Rows, n_modes: int, seed: int, weights: NDArray[np.floating[Any]] | None = None
    ) -> None:
        """Exchange the prior for a mixture that matches the posteriors of checked rows, in place: ``match_prior``."""
        x = self.table_.in_precision(self.table_.encode(rows)).to(self.device_)
        of_rows = None if weights is None else torch.from_numpy(weights)
        kl = match_prior(self.vae_, x, n_modes, seed, of_rows)
        family = Mixture(n_modes)
        self.set_params(prior=family)
        self._architecture = replace(self._architecture, prior=family)
        self._fitted_with = self._fitted_with | {"prior": family}
        vars(self).update(kl_attributes(kl, self.vae_))
