"""The first components of a fitted estimator alone."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skvae.estimators.attributes import noise_variance
from skvae.models import Architecture, Model, cut
from skvae.networks import VAE, Tables
from skvae.tables import Table

OF_COMPONENTS = (  # fitted attributes with an axis of components
    *("components_", "strength_", "explained_variance_ratio_", "explained_variance_by_column_"),
    *("kl_per_component_", "active_components_"),
)


class NestedMixin:
    """Adds ``cut`` to an estimator with the parameters of ``VAETransformer``."""

    vae_: VAE
    table_: Table
    get_params: Callable[..., dict[str, Any]]
    _model: Callable[[], Model]
    _architecture: Architecture
    _fitted_with: dict[str, Any]
    _levels: dict[str, NDArray[np.float64]]

    def cut(self, n_components: int) -> Self:
        """The model of the first components alone, as an estimator of its own: after a fit with ``ordered=True``.

        It was trained with the whole, and costs nothing. Its components are the first ones of this model, up to the
        size of a component's unit; ``components_``, ``strength_`` and the KL are those of the whole model.

        Parameters
        ----------
        n_components : int
            How many, from 1 to those of the fit.

        Returns
        -------
        VAETransformer
            Fitted, with ``ordered=False``; it may go on with ``set_params(warm_start=True).fit(X)``.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skvae import VAETransformer
        >>> X = load_iris().data
        >>> vae = VAETransformer(3, ordered=True, max_iter=20, random_state=0).fit(X)
        >>> two = vae.cut(2)
        >>> two.transform(X).shape, bool(two.score(X) == vae.score(X, n_components=2))
        ((150, 2), True)
        """
        check_is_fitted(self)
        k = self._checked_level(n_components)
        parameters = self.get_params(deep=False) | {"n_components": k, "ordered": False}
        other = type(self)(**parameters)
        vae, architecture = cut(self.vae_, self._architecture, self.table_, self._tables(), k)
        fitted = {name: value for name, value in vars(self).items() if name not in parameters}
        fitted |= {name: fitted[name][:k] for name in OF_COMPONENTS if name in fitted}
        fitted |= {"vae_": vae, "_architecture": architecture, "_online": None}
        fitted["_fitted_with"] = self._fitted_with | {"n_components": k}
        noise = noise_variance(vae, self.table_)
        if noise is not None:
            fitted["noise_variance_"] = noise
        del fitted["_levels"]
        vars(other).update(fitted)
        return other

    def _decode_first(self, Z: NDArray[np.floating[Any]], index: pd.Index | None) -> Any:
        """Rows of the first coordinates alone, which the model that has these tells. Shape: (N, k) -> (N, D)."""
        k = Z.shape[1]
        unit = self._tables().loc[k - 1, :k].cpu().numpy()  # of the code of the first k alone
        return self.cut(k)._model().decode(Z * unit.astype(Z.dtype), index)

    def _tables(self) -> Tables:
        """What differs from level to level."""
        return Tables.of_flat(self._levels, self.vae_.decoder.bias)

    def _checked_level(self, n_components: int) -> int:
        """A number of components that there is a model of."""
        most = self.vae_.n_components
        if not hasattr(self, "_levels"):
            raise ValueError(
                f"The first components are a model of their own after a fit with ordered=True, but this one had "
                f"ordered=False. Fit again with ordered=True, or with n_components={n_components!r}."
            )
        is_number = isinstance(n_components, Integral) and not isinstance(n_components, bool)
        if not is_number or not 1 <= n_components <= most:
            raise ValueError(
                f"n_components must be a whole number from 1 to {most}, of which the model consists, got "
                f"{n_components!r}. Pass one of these."
            )
        return int(n_components)
