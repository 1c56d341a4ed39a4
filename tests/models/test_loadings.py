import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import nn

from skvae import VAETransformer
from skvae.likelihoods import Gaussian
from skvae.models.loadings import has_one_unit, loadings_of, mean_curve, weighted_quantile
from skvae.networks import DiagonalNormal
from skvae.tables import Table

AT_START = {"max_iter": 1, "learning_rate": 1e-12, "weight_decay": 0.0, "early_stopping": False, "random_state": 0}


def codes(z):
    """A posterior with these means."""
    z = torch.tensor(z)[None]
    return DiagonalNormal(z, torch.ones_like(z))


def normalized(components):
    return components / np.linalg.norm(components, axis=1, keepdims=True)


@pytest.mark.parametrize("scale", [1.0, -3e4])
def test_at_the_linear_start_components_are_those_of_pca(scale, iris):
    for X, k in ((load_digits().data * scale, 5), (iris * scale, 3)):
        vae, pca = VAETransformer(k, device="cpu", **AT_START).fit(X), PCA(k).fit(X)
        assert_allclose(normalized(vae.components_), pca.components_, atol=1e-6)
        assert_allclose(vae.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=0.03)
        left = (X - vae.reconstruct(X)).var(axis=0).sum() / X.var(axis=0).sum()
        assert vae.explained_variance_ratio_.sum() == pytest.approx(1 - left, rel=1e-6)
        assert_allclose(vae.strength_.sum(axis=1), np.abs(vae.components_).sum(axis=1), rtol=0.5)


class Curves(nn.Module):
    """A line, a U and a product."""

    def forward(self, z):
        return torch.stack([z[:, 0], z[:, 0] ** 2, z[:, 0] * z[:, 1]], dim=1)


def curved(n_in, n_out):
    return Curves()


def test_known_curves_have_known_effects_and_strengths():
    X = np.random.default_rng(0).normal(size=(200, 3))
    vae = VAETransformer(2, decoder=curved, encoder=lambda n, m: nn.Linear(n, m), init="random", **AT_START).fit(X)
    decoder = vae.vae_.decoder
    decoder.loadings.data.zero_()
    decoder.bias.data.zero_()
    a, b = np.meshgrid(np.linspace(-1, 1, 21), [-1.0, 1.0])
    z = np.column_stack([a.ravel(), b.ravel()])
    x = torch.tensor(np.column_stack([z[:, 0], z[:, 0] ** 2, z.prod(axis=1)]))
    table = vae.table_
    found = loadings_of(vae.vae_, table, x, codes(z), None)
    unit, variance = np.abs(table.scale[0]), a.var()
    quantile = weighted_quantile(z, np.ones(42), 0.84)[0]
    assert quantile == pytest.approx(0.71, abs=0.02)
    assert_allclose(np.abs(found.effect[0]), unit * quantile * np.array([1, 0, 0]), atol=1e-9)
    assert_allclose(found.strength[0], unit * np.sqrt([variance, (a**2).var(), variance]), rtol=1e-9)
    assert_allclose(found.strength[1], unit * np.sqrt([0, 0, variance]), atol=1e-9)
    total = 2 * variance + (a**2).var()
    assert_allclose(found.explained.sum(axis=1), [1.0, variance / total])


def test_effects_on_categories_are_changes_of_probabilities():
    rows = pd.DataFrame({"flag": [False, True] * 30, "kind": ["a", "b", "c"] * 20})
    rows["grade"] = pd.Categorical(["low", "high"] * 30, ["low", "high"], ordered=True)
    settings = AT_START | {"hidden_layer_sizes": (), "decoder": "factorized", "device": "cpu"}
    vae = VAETransformer(1, **settings).fit(rows)
    decoder, joint = vae.vae_.decoder, vae.vae_.joint
    (first,) = decoder.network
    first.weight.data.zero_()
    decoder.bias.data.zero_()
    by_family = {block.family.name: b for b, block in enumerate(joint)}
    logits = decoder.output_slice(by_family["categorical"], "logits")
    first.weight.data[0, 0, logits] = torch.tensor([0.0, 2.0, 0.0, 0.0, -30.0])  # flag, then kind
    first.weight.data[0, 0, decoder.output_slice(by_family["ordinal"], "loc")] = 1.5
    decoder.free.at(by_family["ordinal"], "thresholds").data.zero_()
    decoder.free.at(by_family["ordinal"], "log_scale").data.zero_()
    z = np.linspace(-1, 1, 60)[:, None]
    found = loadings_of(vae.vae_, vae.table_, vae.table_.encode(rows), codes(z), None)
    q = weighted_quantile(z, np.ones(60), 0.84)[0]
    expected = [expit(2 * q) - expit(-2 * q), expit(1.5 * q) - expit(-1.5 * q)]
    assert_allclose(2 * found.effect[0, [0, 2]], expected, rtol=1e-6)
    falls = 1 / (1 + 2 * np.exp(30 * q)) - 1 / (1 + 2 * np.exp(-30 * q))
    assert_allclose(2 * found.effect[0, 1], falls, rtol=1e-6)  # the level that is moved most, with its sign


def test_units_are_those_of_the_columns(tiny):
    rng = np.random.default_rng(0)
    z = rng.normal(size=400)
    rows = pd.DataFrame({"x": z + 0.1 * rng.normal(size=400), "n": np.round(100 * z).astype(int)})
    rows["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(30 * z), "D")
    rows["span"] = pd.to_timedelta(np.round(60 * z), "min")
    rows["month"] = pd.PeriodIndex(pd.Timestamp("2024-01-01") + pd.to_timedelta(300 * z, "D"), freq="M")
    vae = VAETransformer(**tiny | {"n_components": 1, "max_iter": 30}, decoder="factorized").fit(rows)
    assert_allclose(vae.components_[0], [1, 100, 30, 60 / 1440, 300 / 30.4], rtol=0.25)
    assert vae.explained_variance_ratio_[0] == pytest.approx(vae.explained_variance_by_column_.sum())
    assert vae.explained_variance_ratio_[0] > 0.7


def test_weights_count_as_repeated_rows(iris, tiny):
    vae = VAETransformer(**tiny).fit(iris)
    x, times = vae.table_.encode(iris), torch.arange(150) % 3
    many = x.repeat_interleave(times, dim=0)
    weighted, repeated = (
        loadings_of(vae.vae_, vae.table_, rows, vae.vae_.double().posterior(rows[None]), weights, 10_000)
        for rows, weights in ((x, times.double()), (many, None))
    )
    for name in ("effect", "strength", "explained"):
        assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=0.05, atol=0.02)


@pytest.mark.parametrize("decoder", ["factorized", "autoregressive", "auto"])
def test_every_kind_of_column_has_loadings(decoder, mixed, tiny):
    vae = VAETransformer(**tiny, decoder=decoder).fit(mixed)
    for name in ("components_", "strength_", "explained_variance_by_column_"):
        values = getattr(vae, name)
        assert values.shape == (2, mixed.shape[1])
        assert np.isfinite(values).all()
    assert (vae.strength_ >= 0).all()


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_numbers_of_any_size(size, iris, tiny):
    X = iris * size
    plain, scaled = VAETransformer(**tiny).fit(iris), VAETransformer(**tiny).fit(X)
    assert_allclose(scaled.components_ / size, plain.components_, rtol=1e-3, atol=1e-5)
    assert_allclose(scaled.explained_variance_ratio_, plain.explained_variance_ratio_, rtol=1e-3)


def test_a_constant_column_is_not_moved(iris, tiny):
    X = np.column_stack([iris, np.full(150, 7.0)])
    for likelihood in ("auto", "normal_scores"):
        vae = VAETransformer(**tiny, likelihood=likelihood).fit(X)
        assert_allclose(vae.explained_variance_by_column_[:, 4], 0, atol=1e-3)


def test_loadings_survive_pickles_and_files_bit_by_bit(iris, tiny, tmp_path):
    import pickle

    vae = VAETransformer(**tiny).fit(iris)
    vae.save(tmp_path / "iris.safetensors")
    for other in (pickle.loads(pickle.dumps(vae)), VAETransformer.load(tmp_path / "iris.safetensors")):
        for name in ("components_", "strength_", "explained_variance_by_column_", "explained_variance_ratio_"):
            assert_array_equal(getattr(other, name), getattr(vae, name))
        assert_array_equal(other.transform(iris), vae.transform(iris))


def test_a_curve_is_what_rows_are_expected_to_be(iris, tiny):
    vae = VAETransformer(**tiny).fit(iris)
    Z = vae.transform(iris)
    places = np.array([-1.0, 0.5])
    found = mean_curve(vae.vae_, vae.table_, torch.tensor(Z), 1, places)
    for at, row in zip(places, found, strict=True):
        moved = Z.copy()
        moved[:, 1] = at
        assert_allclose(row, vae.inverse_transform(moved).mean(axis=0), rtol=1e-9)


def test_columns_of_an_array_have_one_unit_and_others_count_alike(iris):
    frame = pd.DataFrame(iris)
    bits = iris > 0
    one, alike = [(iris, "auto"), (bits, "auto"), (frame, "gaussian")], [(frame, "auto"), (iris, Gaussian("column"))]
    assert [has_one_unit(Table.fit(X, likelihood)) for X, likelihood in one] == [True] * 3
    assert [has_one_unit(Table.fit(X, likelihood)) for X, likelihood in alike] == [False] * 2
    assert not has_one_unit(Table.fit(pd.DataFrame(bits)))
