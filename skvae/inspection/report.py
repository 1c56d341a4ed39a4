"""A report on the latent space: information in each component, and signs of collapse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, resample

from skvae.estimators import VAETransformer
from skvae.inspection.canvas import Floats
from skvae.inspection.fitted import Rows, find_vae
from skvae.models import ACTIVE
from skvae.objectives import DiagonalNormal

FAR = 0.1  # nats: a component whose aggregate posterior is so far from its prior draws samples that no row resembles
N_NODES = 12  # nodes of Gauss-Hermite quadrature, exact for log-densities that are polynomials up to degree 23
CELLS = 4_000_000  # numbers held at once
N_NAMED, LEAST_NAMED = 3, 0.1  # columns that a component is named by, and the share of the strongest that one needs


def latent_report(
    estimator: BaseEstimator,
    X: Rows,
    *,
    max_rows: int = 1000,
    random_state: int | np.random.RandomState | None = 0,
) -> pd.DataFrame:
    r"""A table of how much each latent component says about a row, with a remedy where it says nothing.

    The KL term of the ELBO, averaged over N rows, is split ("ELBO surgery") by the aggregate posterior
    :math:`q(z) = \frac1N \sum_n q(z \mid x_n)` into what z says of the row and how far z strays from the prior:

    .. math:: \frac1N \sum_n KL(q(z \mid x_n) \,\|\, p(z)) = I_q(n; z) + KL(q(z) \,\|\, p(z)),

    .. math:: I_q(n; z) = \frac1N \sum_n E_{q(z \mid x_n)}[\log q(z \mid x_n) - \log q(z)] \le \log N.

    Both hold for all of z and, since q(z | x) and N(0, I) factorise, for each component. A component is idle where
    its mutual information I is nearly zero: its posterior is then the same for every row, be it at the prior
    ("inactive", posterior collapse) or away from it ("constant").

    Parameters
    ----------
    estimator : VAETransformer, Pipeline or search
        Fitted estimator.
    X : array-like or DataFrame of shape (n_rows, n_columns)
        Rows of training, or held out.
    max_rows : int, default=1000
        Number of rows that are used, drawn from X if it has more: the time grows with their square, and log(max_rows)
        is the largest mutual information that can be seen.
    random_state : int, RandomState instance or None, default=0
        Seed of the draws of these rows, and of z for the mutual information of all components together.

    Returns
    -------
    DataFrame of shape (n_components + 1, 9)
        One row a component, by number, and one for "all" of them together:

        - ``kl``: mean KL(q(z_k | x) ‖ p(z_k)), nats. Under a learned prior, which need not factorise, to the normal
          distribution with the moments of the aggregate posterior, as in ``kl_per_component_``.
        - ``mutual_information``: I(n; z_k), nats, by quadrature; for all, by one draw a row.
        - ``marginal_kl``: KL(q(z_k) ‖ p(z_k)), nats: the first less the second.
        - ``mean``, ``variance``: of the aggregate posterior; 0 and 1 under the standard normal prior, if it matches.
        - ``moment_gap``: KL(N(mean, variance) ‖ N(0, 1)), nats: the part of the gap that a shift and a scale explain.
        - ``active``: 1 where ``kl`` is above 0.01 nats, else 0; for all, how many are.
        - ``state``: "informative", "constant" or "inactive"; for all the verdict, "healthy", "partly collapsed" or
          "collapsed".
        - ``columns``: up to three columns that the component moves most, with the sign of its effect; "" for all.

        ``attrs`` holds ``verdict``; ``remedy``, a sentence; ``n_rows``; and ``mutual_information_bound``, log n_rows,
        at which the estimates saturate.

    See Also
    --------
    ComponentActivityDisplay : Draws the first column.

    References
    ----------
    Hoffman and Johnson (2016), ELBO surgery: yet another way to carve up the variational evidence lower bound
    (workshop on advances in approximate Bayesian inference, NIPS), who call I the index-code mutual information.
    Burda, Grosse and Salakhutdinov (2016), Importance Weighted Autoencoders, for the count of active components.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import latent_report
    >>> X = load_iris().data
    >>> vae = VAETransformer(2, max_iter=5, random_state=0).fit(X)
    >>> report = latent_report(vae, X)
    >>> report.shape, report.attrs["verdict"]
    ((3, 9), 'healthy')
    """
    if max_rows < 2:
        raise ValueError(f"max_rows must be at least 2, but is {max_rows}. Pass a larger number.")
    found = find_vae(estimator)
    vae, random = found.vae, check_random_state(random_state)
    rows: Any = found.rows(X)
    if len(rows) > max_rows:
        rows = resample(rows, replace=False, n_samples=max_rows, random_state=random)
    loc, scale = (part.astype(float) for part in vae.posterior(rows))
    mean, variance = loc.mean(axis=0), loc.var(axis=0) + (scale**2).mean(axis=0)
    kl = kl_by_component(vae, loc, scale).mean(axis=0)
    is_active = kl > ACTIVE + vae.vae_.prior.kl_min
    information = mutual_information(loc, scale)
    table = pd.DataFrame(
        {
            "kl": kl,
            "mutual_information": information,
            "marginal_kl": (kl - information).clip(min=0),
            "mean": mean,
            "variance": variance,
            "moment_gap": kl_to_normal(mean, variance),
            "active": is_active.astype(int),
            "state": np.select([information > ACTIVE, is_active], ["informative", "constant"], "inactive"),
            "columns": strongest_columns(vae),
        },
        index=pd.RangeIndex(len(kl), name="component"),
    )
    verdict, remedy = judge(table, vae)
    total = joint_information(loc, scale, random.normal(size=loc.shape))
    table.loc["all"] = all_together(table, total) | {"state": verdict}
    table["active"] = table["active"].astype(int)
    bound = math.log(len(loc))
    table.attrs = {"verdict": verdict, "remedy": remedy, "n_rows": len(loc), "mutual_information_bound": bound}
    return table


def all_together(table: pd.DataFrame, information: float) -> dict[str, Any]:
    """The row of all components: what adds up is added up, what is joint is computed from that."""
    kl = float(table["kl"].sum())
    row: dict[str, Any] = dict.fromkeys(table.columns, np.nan)
    row |= {"kl": kl, "mutual_information": information, "marginal_kl": max(kl - information, 0.0)}
    return row | {"moment_gap": table["moment_gap"].sum(), "active": table["active"].sum(), "columns": ""}


def strongest_columns(vae: VAETransformer) -> list[str]:
    """For each component the columns of which it explains most, signed by its effect; none where it explains nothing.

    Models that an earlier release has saved do not know.
    """
    n_components = len(vae.kl_per_component_)
    by_component = getattr(vae, "explained_variance_by_column_", np.zeros((n_components, 1)))
    effects = getattr(vae, "components_", by_component)
    names = list(vae.table_.dtypes)
    said = list[str]()
    for explained, effect in zip(by_component, effects, strict=True):
        strongest = np.argsort(-explained, kind="stable")[:N_NAMED]
        enough = [j for j in strongest if explained[j] > LEAST_NAMED * explained.max()]
        said.append(", ".join(f"{'−' if effect[j] < 0 else '+'}{names[j]}" for j in enough))
    return said


def kl_by_component(vae: VAETransformer, loc: Floats, scale: Floats) -> Floats:
    """KL of each row and component from the prior, or from a normal of the posteriors' moments. Shape: (N, K), kept."""
    prior = vae.vae_.prior
    if not prior.has_closed_form_kl:
        spread = np.sqrt(loc.var(axis=0) + (scale**2).mean(axis=0))
        return kl_to_normal(loc, scale**2, loc.mean(axis=0), spread)
    with torch.no_grad():
        q = DiagonalNormal(*(torch.from_numpy(part)[None].to(vae.device_) for part in (loc, scale)))
        return np.asarray(prior.kl(q, q.loc)[0].cpu().numpy())


def kl_to_normal(
    mean: Floats | float, variance: Floats | float, center: Floats | float = 0.0, spread: Floats | float = 1.0
) -> Floats:
    """KL(N(mean, variance) ‖ N(center, spread²)), nats. Shape: that of the arguments."""
    ratio = variance / spread**2
    return np.asarray(0.5 * (((mean - center) / spread) ** 2 + ratio - 1 - np.log(ratio)))


def mutual_information(loc: Floats, scale: Floats) -> Floats:
    """I(n; z_k) of each component by Gauss-Hermite quadrature, nats. Shape: (N, K), (N, K) -> (K,)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    weights = weights / weights.sum()
    information = np.zeros(loc.shape[1])
    for k, (mean, std) in enumerate(zip(loc.T, scale.T, strict=True)):
        for node, weight in zip(nodes, weights, strict=True):
            log_own = -0.5 * node**2 - np.log(std)
            log_aggregate = _log_aggregate((mean + std * node)[:, None], loc[:, [k]], std[:, None])
            information[k] += weight * (log_own - log_aggregate).mean()
    return information.clip(0, math.log(len(loc)))


def joint_information(loc: Floats, scale: Floats, noise: Floats) -> float:
    """I(n; z) of all components together, from one draw a row, nats. Shape: three of (N, K)."""
    log_own = (-0.5 * noise**2 - np.log(scale)).sum(axis=1)
    information = (log_own - _log_aggregate(loc + scale * noise, loc, scale)).mean()
    return float(np.clip(information, 0, math.log(len(loc))))


def _log_aggregate(z: Floats, loc: Floats, scale: Floats) -> Floats:
    """Log q(z) + K log √(2π), the mixture of the posteriors of all rows. Shape: z (M, K), (N, K), (N, K) -> (M,)."""
    parts = []
    for some in np.array_split(z, max(1, z.size * len(loc) // CELLS)):
        log_density = (-0.5 * ((some[:, None] - loc) / scale) ** 2 - np.log(scale)).sum(axis=-1)
        top = log_density.max(axis=1)
        parts.append(top + np.log(np.exp(log_density - top[:, None]).mean(axis=1)))
    return np.concatenate(parts)


def judge(table: pd.DataFrame, vae: VAETransformer) -> tuple[str, str]:
    """Verdict and remedy of a report."""
    informative = table["state"] == "informative"
    n_idle = int((~informative).sum())
    if not informative.any():
        return "collapsed", f"Rows cannot be told apart by z. {_wake(vae)}"
    hints = []
    if n_idle:
        hints.append(
            f"{n_idle} of {len(table)} components say nothing of a row: nothing is lost with "
            f"n_components={len(table) - n_idle}. If you expect more structure: {_wake(vae)}"
        )
    far = table.index[informative & (table["marginal_kl"] > FAR)].tolist()
    if far and vae.vae_.prior.has_closed_form_kl:
        hints.append(
            f"The aggregate posterior of component(s) {', '.join(map(str, far[:5]))} is more than {FAR} nats from the "
            f'prior, so samples suffer: learn the prior with prior="mixture".'
        )
    return ("partly collapsed" if n_idle else "healthy"), " ".join(hints) or "Nothing to do."


def _wake(vae: VAETransformer) -> str:
    """Advice that brings idle components to life, for these parameters."""
    if isinstance(vae.beta, (int, float)) and vae.beta > 1:
        return f"beta={vae.beta:g} weighs the KL term {vae.beta:g} times: use beta=1, or less."
    if vae.decoder == "autoregressive":
        return 'Columns see one another and need no z: use decoder="factorized", or free_bits=0.1.'
    return (
        "Use free_bits=0.1, a smaller beta or a slower one such as LinearBeta(end=0.5); if columns have nothing in "
        "common, there is nothing to say."
    )
