"""Where training starts: at the linear model that the likelihood generalises."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from skvae.likelihoods import Joint
from skvae.networks import VAE, Outputs
from skvae.training.indicators import Indicators, Levels, levels_to_start

MAX_ROWS = 10_000  # of a linear fit
MAX_COLUMNS = 1000  # of a factor analysis; beyond, probabilistic PCA
N_ITER = 30
NOISE_MIN = 1e-8  # where all columns are indicators
MIN_UNIQUENESS = 0.05  # of a column's variance: Heywood cases fit the training rows only
LOADING_MIN = 1e-3  # of the noise: components that a linear model cannot fill start small, not dead


class LinearModel(NamedTuple):
    """x ~ N(mean + W z, diag(noise)), z ~ N(0, I), with W' diag(noise)⁻¹ W diagonal: so is its exact posterior.

    Attributes
    ----------
    mean, noise : Tensor of shape (D,)
        Mean and noise variance of each column.
    loadings : Tensor of shape (D, K)
        W.
    """

    mean: Tensor
    loadings: Tensor
    noise: Tensor

    def as_unbiased(self, n_rows: int) -> LinearModel:
        """PCA's covariance, not the likeliest: divided by n − 1, it scores higher on new rows."""
        ratio = n_rows / max(n_rows - 1, 1)
        return LinearModel(self.mean, self.loadings * math.sqrt(ratio), self.noise * ratio)


def principal_axes(covariance_or_rows: Tensor, n_rows: int | None = None) -> tuple[Tensor, Tensor]:
    """Eigenvalues, largest first, and eigenvectors of a covariance matrix, or of that of n < D centred rows."""
    if n_rows is None:
        values, axes = torch.linalg.eigh(covariance_or_rows)
    else:  # the n × n Gram matrix has the same eigenvalues
        values, rotations = torch.linalg.eigh(covariance_or_rows @ covariance_or_rows.T / n_rows)
        least = (values.max() * 1e-12).clamp(min=torch.finfo(values.dtype).tiny)  # equal rows have no axes
        axes = covariance_or_rows.T @ rotations / (values.clamp(min=least) * n_rows).sqrt()
    values, axes = values.flip(0).clamp(min=0.0), axes.flip(1)
    largest = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True))
    return values, axes * torch.where(largest < 0, -1.0, 1.0)  # a sign that does not depend on the machine


class Spectrum:
    """The covariance of rows, or the rows themselves where they are fewer than the columns.

    Parameters
    ----------
    rows : Tensor of shape (N, D)
        Centred rows, without gaps.
    rank : int
        Number of axes that are asked for.
    """

    def __init__(self, rows: Tensor, rank: int) -> None:
        self.rows, self.rank = rows, rank
        n_rows, n_columns = rows.shape
        self.covariance = rows.T @ rows / n_rows if n_columns <= n_rows else None

    def axes_under(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Eigenvalues and eigenvectors, in units of the noise of each column. Shape: (D,) -> (R,), (D, R)."""
        if self.covariance is None:
            return principal_axes(self.rows / noise.sqrt(), len(self.rows))
        return principal_axes(self.covariance / torch.outer(noise.sqrt(), noise.sqrt()))

    def loadings_under(self, noise: Tensor, values: Tensor, axes: Tensor) -> Tensor:
        """The likeliest loadings for a noise. Shape: (D, rank)."""
        return axes[:, : self.rank] * (values[: self.rank] - 1).clamp(min=0.0).sqrt() * noise.sqrt()[:, None]

    def factors(self, variance: Tensor, noise: Tensor, is_known: Tensor) -> tuple[Tensor, Tensor]:
        """Loadings and noise of a factor analysis, from a first noise, which may be known.

        Shape: (D,) each -> (D, rank), (D,).
        """
        for _ in range(N_ITER):
            loadings = self.loadings_under(noise, *self.axes_under(noise))
            update = (variance - loadings.square().sum(dim=1)).maximum(MIN_UNIQUENESS * variance)
            update = torch.where(is_known, noise, update)
            change = (update / noise).log().abs().max()
            noise = update
            if change < 1e-3:
                break
        return self.loadings_under(noise, *self.axes_under(noise)), noise


def centred(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of each column, and the rows less it, so weighted that they have the covariance of the observed cells.

    Shape: x (N, D), weights (N,) -> (D,), (N, D).
    """
    weights = (weights / weights.mean())[:, None]
    share_observed = (weights * ~x.isnan()).mean(dim=0).clamp(min=1e-9)
    mean = (weights * x).nan_to_num(nan=0.0).mean(dim=0) / share_observed
    return mean, weights.sqrt() * (x - mean).nan_to_num(nan=0.0) / share_observed.sqrt()


def with_independent_rows(rows: Tensor, n: int) -> Tensor:
    """Centred rows with the covariance of these and of n more whose columns are independent. Shape: (N, D), (N + D, D).

    Examples
    --------
    >>> rows = with_independent_rows(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]), 6)
    >>> rows.T @ rows / len(rows)
    tensor([[1.0000, 0.2500],
            [0.2500, 1.0000]])
    """
    size = rows.square().mean(dim=0).sqrt()
    together = torch.cat([rows, math.sqrt(n) * size.diag()])
    return together * math.sqrt(len(together) / (len(rows) + n))


def fit_linear_model(
    x: Tensor,
    n_components: int,
    *,
    shared_noise: bool,
    noise_min: float,
    generator: torch.Generator,
    weights: Tensor | None = None,
    known_noise: float | None = None,
    n_rows_wanted: int = 0,
    n_indicators: int = 0,
) -> LinearModel:
    """Maximum likelihood of probabilistic PCA (one noise variance) or factor analysis (one for each column).

    Parameters
    ----------
    x : Tensor of shape (N, D)
        Rows; NaN marks a gap, which leaves its column's covariances shrunken towards zero.
    n_components : int
        Dimension K; components beyond the rank of x start near zero.
    shared_noise : bool
        Probabilistic PCA or factor analysis.
    noise_min : float
        Smallest noise variance.
    generator : torch.Generator
        Source of the choice of rows where there are very many, and of components that are beyond the rank of x.
    weights : Tensor of shape (N,), optional
        Weight of each row.
    known_noise : float, optional
        Noise variance of all columns, if it is not to be estimated.
    n_rows_wanted : int
        Fewer rows are made up for by such as independent columns would have: two rows alone lie on a line, without
        noise.
    n_indicators : int
        Number of columns, the last ones, that are ``Indicators``, whose noise variance is 1.

    References
    ----------
    Tipping and Bishop (1999), Probabilistic principal component analysis, eq. (7) and (8);
    Barber (2012), Bayesian Reasoning and Machine Learning, algorithm 21.1, for factor analysis.
    """
    if weights is None:
        weights = x.new_ones(len(x))
    if len(x) > MAX_ROWS:
        chosen = torch.randperm(len(x), generator=generator, device=x.device)[:MAX_ROWS]
        x, weights = x[chosen], weights[chosen]
    mean, rows = centred(x.double(), weights.double())
    if len(rows) < n_rows_wanted:
        rows = with_independent_rows(rows, n_rows_wanted - len(rows))
    n_rows, n_columns = rows.shape
    variance = rows.square().mean(dim=0).clamp(min=noise_min)
    rank = max(0, min(n_components, n_columns - 1, n_rows - 1))
    spectrum = Spectrum(rows, rank)

    values, axes = spectrum.axes_under(torch.ones_like(variance))
    is_indicator = torch.arange(n_columns, device=x.device) >= n_columns - n_indicators
    is_known = is_indicator | (known_noise is not None)
    if known_noise is None:
        left = (variance.sum() - values[:rank].sum()) / max(n_columns - rank, 1)
        known_noise = max(float(left), noise_min)
    noise = torch.full_like(variance, known_noise).masked_fill(is_indicator, 1.0)
    if n_indicators or (not shared_noise and n_columns <= MAX_COLUMNS):
        loadings, noise = spectrum.factors(variance, noise, is_known)
    else:
        loadings = spectrum.loadings_under(noise, values / noise[0], axes)

    loadings = torch.nn.functional.pad(loadings, (0, n_components - rank))
    spare = torch.randn(loadings.shape, generator=generator, dtype=noise.dtype, device=x.device)
    is_empty = loadings.square().sum(dim=0) == 0
    loadings = torch.where(is_empty, LOADING_MIN * noise.sqrt()[:, None] * spare, loadings)
    return LinearModel(mean, loadings, noise)


@torch.no_grad()
def initialize(
    vae: VAE,
    x: Tensor,
    train: list[Tensor],
    init: str,
    generator: torch.Generator,
    weights: Tensor | None = None,
    n_rows_wanted: int = 0,
) -> None:
    """Start each model of the stack from its own training rows.

    Parameters
    ----------
    vae : VAE
        A stack of S models.
    x : Tensor of shape (N, D)
        Encoded rows.
    train : list of S Tensors
        Row numbers of each model.
    init : {"linear", "numbers", "random"}
        The linear model, that of the numbers alone, or the columns' marginals with random weights. "linear" is for
        networks that can carry a linear start of what categories there are.
    generator : torch.Generator
        Source of what a linear fit leaves to chance, the same for every model.
    weights : Tensor of shape (N,), optional
        Weights of the rows.
    n_rows_wanted : int
        See ``fit_linear_model``.
    """
    rows_of = [x.index_select(0, rows) for rows in train]
    weights_of: list[Tensor | None] = [None] * len(train)
    if weights is not None:
        weights_of = [weights[rows] for rows in train]
    if vae.encoder.numbers:
        center = vae.encoder.numeric_features(rows_of[-1]).nanmean(dim=0).nan_to_num(nan=0.0)
        vae.encoder.get_buffer("center").copy_(center)
    for s, rows in enumerate(rows_of):
        start_at_marginals(vae.decoder, vae.joint, s, rows, weights_of[s])
    levels = levels_to_start(vae) if init == "linear" else []
    if levels or (init != "random" and vae.encoder.linear):
        vae.encoder.silence()
        vae.decoder.silence()
        state = generator.get_state()
        for s, rows in enumerate(rows_of):
            generator.set_state(state)  # equal rows give equal models
            _start_at_linear_model(vae, s, rows, levels, weights_of[s], generator, n_rows_wanted)


def start_at_marginals(outputs: Outputs, joint: Joint, s: int, x: Tensor, weights: Tensor | None) -> None:
    """Independent columns, in model s."""
    for b, block in enumerate(joint):
        heads = block.family.start(x[:, block.position], block.columns, weights)
        outputs.set_constants(s, b, {name: value.nan_to_num(nan=0.0) for name, value in heads.items()})


def _start_at_linear_model(
    vae: VAE,
    s: int,
    x: Tensor,
    levels: list[Levels],
    weights: Tensor | None,
    generator: torch.Generator,
    n_rows_wanted: int,
) -> None:
    """Decoder and encoder of the linear model, so that for numbers the first bound is its log-likelihood."""
    linear = vae.joint.linear_blocks()
    families = [family for _, _, family in linear]
    is_shared = [family.scaling for family in families] == ["shared"]
    known_noise = None
    if is_shared:
        known_noise = families[0].known_variance(**linear[0][1].constants())
    weights = x.new_ones(len(x)) if weights is None else weights
    if levels and len(x) > MAX_ROWS:  # their indicators are many
        chosen = torch.randperm(len(x), generator=generator, device=x.device)[:MAX_ROWS]
        x, weights = x[chosen], weights[chosen]
    cells = vae.encoder.linear_cells(x) if linear else x.new_empty(len(x), 0)
    indicators = Indicators.of(levels, x, weights) if levels else None
    if indicators is not None:
        cells = torch.cat([cells.double(), indicators.cells], dim=1)
    model = fit_linear_model(
        cells,
        vae.n_components,
        shared_noise=is_shared,
        noise_min=max((math.exp(2 * family.floor) for family in families), default=NOISE_MIN),
        generator=generator,
        weights=weights,
        known_noise=known_noise,
        n_rows_wanted=n_rows_wanted,
        n_indicators=0 if indicators is None else indicators.cells.shape[1],
    )
    if is_shared and known_noise is None and indicators is None:
        model = model.as_unbiased(len(x))
    _decode_linearly(vae, s, model, indicators)
    _recognise_linearly(vae, s, model, indicators)


def _decode_linearly(vae: VAE, s: int, model: LinearModel, indicators: Indicators | None) -> None:
    """Give the decoder of model s the loadings, means and noise of a linear model."""
    first = 0
    if vae.decoder.linear:
        loadings = vae.decoder.loadings
        loadings[s] = 0.0
        for b, block, family in vae.joint.linear_blocks():
            part = slice(first, first + len(block.index))
            first = part.stop
            loadings[s, :, vae.decoder.output_slice(b, "loc")] = model.loadings[part].T.to(loadings.dtype)
            vae.decoder.set_constants(s, b, {"loc": model.mean[part]} | family.noise(model.noise[part]))
    if indicators is not None:
        indicators.decode(vae, s, model.loadings[first:])


def _recognise_linearly(vae: VAE, s: int, model: LinearModel, indicators: Indicators | None) -> None:
    """Give the encoder of model s the best Gaussian q with independent components.

    It has the exact posterior's mean, and the diagonal of its precision. What indicators say of a complete row is the
    network's to add.
    """
    evidence = model.loadings / model.noise[:, None]
    eye = torch.eye(evidence.shape[1], dtype=evidence.dtype, device=evidence.device)
    precision = eye + model.loadings.T @ evidence
    mean_map = torch.linalg.solve(precision, evidence.T).T
    numbers = slice(0, len(evidence) if indicators is None else len(evidence) - len(indicators.unit))
    by_numbers = (eye + model.loadings[numbers].T @ evidence[numbers]).diagonal()
    if vae.encoder.linear:
        of_numbers = mean_map[numbers] * by_numbers
        vae.encoder.evidence[s] = of_numbers
        vae.encoder.bias[s, 0] = -model.mean[numbers] @ of_numbers
        vae.encoder.log_precision[s] = (model.loadings * evidence)[numbers].clamp(min=1e-12).log()
    if indicators is not None:
        levels = slice(numbers.stop, None)
        log_var = -(precision.diagonal() / by_numbers).log()
        indicators.recognise(vae, s, model.mean[levels], mean_map[levels], log_var)
