import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from skvae import VAEImputer, VAESearchCV, VAETransformer


@pytest.fixture(scope="module")
def of_iris(iris):
    settings = {"hidden_layer_sizes": (8,), "max_iter": 8, "device": "cpu", "random_state": 0}
    return VAETransformer(3, ordered=True, **settings).fit(iris)


def test_a_cut_is_an_ordinary_estimator(of_iris, iris):
    two = of_iris.cut(2)
    assert not two.ordered
    assert two.n_components == 2
    Z, whole = two.transform(iris), of_iris.transform(iris)[:, :2]
    ratio = Z / whole
    assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-3)  # up to the unit of a component
    assert two.components_.shape == two.strength_.shape == (2, 4)
    assert_array_equal(two.explained_variance_ratio_, of_iris.explained_variance_ratio_[:2])
    assert two.noise_variance_ > of_iris.noise_variance_
    assert two.sample(5).shape == (5, 4)
    assert list(two.get_feature_names_out()) == ["vaetransformer0", "vaetransformer1"]
    assert two.score(iris) == of_iris.score(iris, n_components=2)
    assert of_iris.cut(3).score(iris) == pytest.approx(of_iris.score(iris), abs=1e-6)
    again = pickle.loads(pickle.dumps(two))
    assert_array_equal(again.transform(iris), Z)


def test_the_first_coordinates_go_back_by_the_model_that_has_these(of_iris, iris):
    Z = of_iris.transform(iris)
    for k in (1, 2):
        assert_allclose(of_iris.inverse_transform(Z[:, :k]), of_iris.cut(k).reconstruct(iris), atol=1e-5)
    assert_allclose(of_iris.inverse_transform(Z), of_iris.reconstruct(iris), atol=1e-5)


def test_a_cut_goes_on(of_iris, iris):
    two = of_iris.cut(2)
    before = two.score(iris)
    two.set_params(warm_start=True, max_iter=30).fit(iris)
    assert two.score(iris) > before


def test_levels_survive_files_and_pickles(of_iris, iris, tmp_path):
    of_iris.save(tmp_path / "iris.safetensors")
    loaded = VAETransformer.load(tmp_path / "iris.safetensors")
    for other in (loaded, pickle.loads(pickle.dumps(of_iris))):
        assert_array_equal(other.cut(2).transform(iris), of_iris.cut(2).transform(iris))


def test_checkpoints_know_the_levels(of_iris, iris, tmp_path):
    for _ in range(2):
        kept = clone(of_iris).set_params(checkpoint_dir=str(tmp_path)).fit(iris)
        assert_array_equal(kept.cut(1).transform(iris), of_iris.cut(1).transform(iris))


@pytest.mark.parametrize("rows", ["frame", "stream", "weights"])
def test_frames_streams_and_weights(rows, mixed, iris, tiny):
    vae = VAETransformer(**tiny | {"n_components": 3}, ordered=True)
    if rows == "frame":
        vae.fit(mixed)
        two = vae.cut(2)
        assert two.vae_.chain is vae.vae_.chain
        assert two.sample(3, random_state=0).equals(vae.sample(3, random_state=0))
        assert two.score(mixed) == vae.score(mixed, n_components=2)
        assert vae.inverse_transform(vae.transform(mixed)[:, :1]).shape == mixed.shape
    elif rows == "stream":
        vae.fit_chunks([iris[:70], iris[70:]])
    else:
        vae.fit(iris, sample_weight=np.linspace(0.5, 2, 150))
    assert vae.cut(1).vae_.n_components == 1


def test_searches_and_companions(iris, tiny, mixed):
    grid = {"n_components": [2, 3]}
    vae = VAETransformer(**tiny, ordered=True)
    ours, theirs = VAESearchCV(vae, grid, cv=2).fit(iris), GridSearchCV(vae, grid, cv=2).fit(iris)
    assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-5)
    X = iris.copy()
    X[::5, 1] = np.nan
    assert np.isfinite(VAEImputer(vae).fit_transform(X)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prior", "mixture"),
        ("decoder", "autoregressive"),
        ("decoder", lambda n_in, n_out: nn.Linear(n_in, n_out)),
        ("encoder", lambda n_in, n_out: nn.Linear(n_in, n_out)),
        ("objective", "iwae"),
        ("free_bits", 0.1),
        ("warm_start", True),
    ],
)
def test_a_sentence_for_what_has_no_first_components(name, value, iris, tiny):
    vae = VAETransformer(**tiny, ordered=True, **{name: value})
    with pytest.raises(ValueError, match=f"ordered=True trains .* for which {name} must be"):
        vae.fit(iris)
    assert not hasattr(vae, "vae_")


def test_a_sentence_for_chunks_and_for_numbers_that_there_are_not(of_iris, iris, tiny):
    with pytest.raises(ValueError, match=r"partial_fit goes on .* Use fit_chunks"):
        VAETransformer(**tiny, ordered=True).partial_fit(iris)
    for wrong in (0, 4, 1.5, True):
        with pytest.raises(ValueError, match="n_components must be a whole number from 1 to 3"):
            of_iris.cut(wrong)
    plain = VAETransformer(**tiny).fit(iris)
    with pytest.raises(ValueError, match="this one had ordered=False"):
        plain.score(iris, n_components=1)
    with pytest.raises(ValueError, match="one column for each of the 2 components"):
        plain.inverse_transform(np.zeros((3, 1)))
    refitted = clone(of_iris).fit(iris).set_params(ordered=False).fit(iris)
    with pytest.raises(ValueError, match="this one had ordered=False"):
        refitted.cut(1)
