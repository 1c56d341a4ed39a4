"""A linear start of categories is multiple correspondence analysis, and with numbers the exact posterior."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Histogram, Ordinal
from skvae.training import indicators as module
from skvae.training.indicators import Indicators, can_begin, levels_to_start
from skvae.training.initialization import fit_linear_model
from tests.training.test_initialization import start

LEVELS = {"a": list("xyz"), "b": list("uv"), "c": list("pqrs")}


def frame(n_rows=300, seed=0, gaps=False, numbers=0):
    """Categories that hang together, and numbers with them."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n_rows)
    columns = {}
    for j in range(numbers):
        columns[f"n{j}"] = (j + 1) * hidden + rng.normal(size=n_rows)
    for name, levels in LEVELS.items():
        code = np.clip(np.round(len(levels) / 2 + hidden + rng.normal(size=n_rows)), 0, len(levels) - 1).astype(int)
        columns[name] = np.array(levels, dtype=object)[code]
    table = pd.DataFrame(columns)
    if gaps:
        table.loc[::7, "b"] = None
    return table


def started(X, n_components=2, likelihood="auto", **options):
    if likelihood == "auto":
        likelihood = {name: "gaussian" for name in X if name.startswith("n")} or "auto"
    return start(X, likelihood, n_components=n_components, **options)


def test_one_hot_cells_have_a_gap_for_every_level_of_a_missing_one():
    X = frame(gaps=True)
    vae, _, x = started(X)
    weights = torch.rand(len(X), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Indicators.of(levels_to_start(vae), x, weights)
    hot = pd.get_dummies(X).astype(float)
    hot.loc[X["b"].isna(), ["b_u", "b_v"]] = np.nan
    w = weights.numpy()[:, None]
    p = (w * hot.fillna(0)).sum() / (w * hot.notna()).sum()
    assert_allclose(found.unit**2, p + 5 / len(X))
    assert_allclose(found.cells * found.unit, hot)


def test_the_start_of_categories_is_correspondence_analysis(monkeypatch):
    monkeypatch.setattr(module, "RARE", 0.0)
    X = frame()
    vae, _, x = started(X)
    hot = pd.get_dummies(X).to_numpy(float)
    p = hot.mean(axis=0)
    standardised = (hot - p) / np.sqrt(p)
    values, axes = np.linalg.eigh(standardised.T @ standardised / len(X))
    values, axes = values[:-3:-1], axes[:, :-3:-1]
    assert (values > 1).all(), "eigenvalues above those of independent columns"
    q = vae.posterior(x[None])
    scores = standardised @ axes * np.sqrt(values - 1) / values  # the posterior under unit noise
    signs = np.sign((scores * q.loc[0].numpy()).sum(axis=0))
    assert_allclose(q.loc[0], signs * scores, atol=1e-9)
    assert_allclose(q.scale[0], np.broadcast_to(1 / np.sqrt(values), q.scale[0].shape), rtol=1e-9)
    logits = torch.cat([heads["logits"] for heads in vae.decode(torch.eye(2, dtype=torch.float64)[None])], dim=-1)
    at_zero = torch.cat([heads["logits"] for heads in vae.decode(torch.zeros(1, 1, 2).double())], dim=-1)
    loadings = axes * np.sqrt(values - 1) / np.sqrt(p)[:, None]
    assert_allclose((logits - at_zero)[0].T, signs * loadings, atol=1e-9)


@pytest.mark.parametrize("numbers", [0, 2])
def test_the_posterior_is_that_of_the_linear_model(numbers):
    X = frame(numbers=numbers)
    vae, _, x = started(X)
    found = Indicators.of(levels_to_start(vae), x, torch.ones(len(X)))
    cells = found.cells if not numbers else torch.cat([vae.encoder.linear_cells(x).double(), found.cells], dim=1)
    options = {"shared_noise": False, "noise_min": 1e-8, "generator": torch.Generator().manual_seed(0)}
    model = fit_linear_model(cells, 2, n_indicators=found.cells.shape[1], **options)
    assert (model.noise[numbers:] == 1).all()
    precision = torch.eye(2) + model.loadings.T @ (model.loadings / model.noise[:, None])
    loc = (cells - model.mean) / model.noise @ model.loadings @ torch.linalg.inv(precision)
    q = vae.posterior(x[None])
    assert_allclose(q.loc[0], loc, atol=1e-9)
    assert_allclose(q.scale[0] ** 2, np.broadcast_to(1 / precision.diagonal(), q.scale[0].shape), rtol=1e-9)


def test_a_gap_says_what_an_average_row_does():
    X = frame()
    vae, _, x = started(X)
    hidden = x.clone()
    hidden[:, 1] = torch.nan
    alone, known = x.new_full(x.shape, torch.nan), vae.posterior(x[None]).loc[0]
    alone[:, 1] = x[:, 1]
    of_column = vae.posterior(alone[None]).loc[0]
    torch.testing.assert_close(vae.posterior(hidden[None]).loc[0] + of_column, known)
    assert_allclose(of_column.mean(dim=0), np.zeros(2), atol=1e-12)


def test_a_level_that_one_row_has_sets_no_component():
    X = frame()
    X.loc[17, ["a", "b", "c"]] = "rare"  # three indicators that agree in one row
    vae, _, x = started(X, n_components=1)
    loc = vae.posterior(x[None]).loc[0, :, 0]
    assert loc[17].abs() < loc.abs().quantile(0.9) + loc.std()


def test_each_model_starts_from_its_own_rows():
    X = frame()
    halves = [torch.arange(150), torch.arange(150, 300)]
    together, _, x = started(X, train=halves)
    for s, rows in enumerate(halves):
        alone, _, _ = started(X, train=[rows])
        torch.testing.assert_close(together.posterior(x.expand(2, -1, -1)).loc[s], alone.posterior(x[None]).loc[0])


@pytest.mark.parametrize("n_components", [5, 9, 30])
@pytest.mark.parametrize("numbers", [0, 3])
def test_components_beyond_the_levels_or_the_room_stay_finite(n_components, numbers):
    X = frame(gaps=True, numbers=numbers)
    vae, _, x = started(X, n_components=n_components)  # eight hidden units have room for four
    q = vae.posterior(x[None])
    assert q.loc.isfinite().all()
    assert (q.scale > 0).all()
    assert q.loc[0, :, 0].std() > 0.3
    assert vae.log_likelihood(q.loc, x[None]).isfinite().all()


def test_very_many_rows_are_sampled(monkeypatch):
    from skvae.training import initialization

    monkeypatch.setattr(initialization, "MAX_ROWS", 200)
    X = frame(n_rows=2000)
    vae, _, x = started(X)
    whole, _, _ = started(X[:200])
    sizes = [model.posterior(x[None]).loc[0, :, 0].std().item() for model in (vae, whole)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.2)


def test_ordered_levels_are_none_to_start():
    X = frame()
    ordered = X.astype({name: pd.CategoricalDtype(levels, ordered=True) for name, levels in LEVELS.items()})
    assert levels_to_start(started(ordered)[0]) == []
    assert len(levels_to_start(started(X)[0])) == 1
    assert can_begin(Categorical())
    assert not any(can_begin(family) for family in (Ordinal(), Histogram(), Bernoulli(), Gaussian()))
