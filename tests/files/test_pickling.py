"""A pickle is text and arrays, and says who wrote it."""

import json
import pickle
import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.files.pickling import pickled, unpickled
from skvae.likelihoods import Gaussian
from skvae.training import LinearBeta

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_fitted_state_is_text_and_arrays(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    state = vae.__getstate__()
    assert type(state["_document"]) is str
    assert all(type(array) is np.ndarray for array in [*state["_arrays"].values(), *state["_weights"].values()])
    assert not {"vae_", "device_", "_architecture", "table_"} & set(state)


def test_an_unfitted_state_says_who_wrote_it_and_no_more():
    state = {"n_components": 3}
    assert pickled(state).keys() == {"n_components", "_skvae_version"}
    assert unpickled("VAETransformer", pickled(state)) == state


@pytest.mark.parametrize("fitted", [True, False])
def test_a_pickle_of_another_version_warns(fitted, tiny, iris, monkeypatch):
    vae = VAETransformer(**tiny)
    if fitted:
        vae.fit(iris)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(vae))
    monkeypatch.setattr("skvae.__version__", "0.0.1")
    old = pickle.dumps(vae)
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match=r"VAETransformer pickled by skvae 0\.0\.1 is read by skvae"):
        again = pickle.loads(old)
    if fitted:
        assert_array_equal(again.transform(iris), vae.transform(iris))


@pytest.mark.parametrize("table", ["iris", "mixed"])
def test_skops_trusts_all_but_one_type(table, tiny, tmp_path, request):
    skops_io = pytest.importorskip("skops.io")
    X = request.getfixturevalue(table)
    settings = {"likelihood": {0: Gaussian("column")}, "beta": LinearBeta(0.5)} if table == "iris" else {}
    vae = VAETransformer(**tiny | settings)
    model = make_pipeline(StandardScaler(), vae) if table == "iris" else vae
    model.fit(X)
    skops_io.dump(model, tmp_path / "model.skops")
    unknown = skops_io.get_untrusted_types(file=tmp_path / "model.skops")
    assert unknown == ["skvae.estimators.transformer.VAETransformer"]
    again = skops_io.load(tmp_path / "model.skops", trusted=unknown)
    assert_array_equal(again.transform(X), model.transform(X))


def test_a_model_of_a_gpu_loads_without_one(tiny, iris):
    """The parameter stays what it was, and the model is on the CPU."""
    vae = VAETransformer(**tiny).fit(iris).set_params(device="cuda")
    again = pickle.loads(pickle.dumps(vae))
    assert again.device == "cuda"
    assert again.device_ == torch.device("cpu")
    assert_array_equal(again.transform(iris), vae.transform(iris))


def test_a_pickle_of_a_release_without_models_beside_is_read(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    state = vae.__getstate__()
    document = json.loads(state["_document"])
    document["_hidden_layer_sizes"] = document.pop("_sizes")[0]
    state["_document"] = json.dumps(document)
    again = VAETransformer()
    again.__setstate__(state)
    assert_array_equal(again.transform(iris), vae.transform(iris))
    assert again._architecture == vae._architecture
