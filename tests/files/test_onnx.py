"""The graphs say what the model says, in onnxruntime, for any number of rows."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch

from skvae import VAETransformer
from skvae.likelihoods import FAMILIES, Categorical, Gaussian

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def quick(tiny):
    return tiny | {"early_stopping": False}


def run(path, **inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, inputs)
    return result


def assert_same_as_graphs(vae, X, tmp_path):
    """Both parts agree with their methods; X is float32, or a DataFrame."""
    path = tmp_path / "part.onnx"
    vae.to_onnx(path)
    cells = X.to_numpy(dtype=np.float32, na_value=np.nan) if isinstance(X, pd.DataFrame) else X
    for rows in (slice(None), slice(3), slice(1)):
        np.testing.assert_allclose(run(path, X=cells[rows]), vae.transform(X[rows]), rtol=1e-5, atol=1e-5)
    vae.to_onnx(path, part="decoder")
    Z = np.random.default_rng(0).normal(size=(40, vae.n_components)).astype(np.float32)
    expected = np.asarray(vae.inverse_transform(Z))
    for rows in (slice(None), slice(1)):
        result = run(path, Z=Z[rows])
        assert result.dtype == {"f": np.float32, "i": np.int64, "u": np.int64, "b": np.bool_}.get(
            expected.dtype.kind, "f4"
        )
        expected_rows = expected[rows].astype(float)
        np.testing.assert_allclose(result, expected_rows, rtol=1e-5, atol=1e-5 * np.nanmax(np.abs(expected_rows)))
    assert [file.name for file in tmp_path.iterdir()] == ["part.onnx"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_an_array(family, quick, tmp_path):
    X = np.random.default_rng(0).poisson(3, size=(50, 3))
    X = {"bernoulli": X > 2, "gamma": X + 0.5}.get(family, X)
    vae = VAETransformer(likelihood=family, **quick).fit(X)
    assert_same_as_graphs(vae, X.astype(np.float32), tmp_path)


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("auto", {"add_indicator": True}),
        (Gaussian("row"), {"activation": "gelu", "hidden_layer_sizes": ()}),
        ({1: "histogram", 2: "ordinal", 3: Categorical(max_categories=4)}, {"prior": "normal"}),
        ("student_t", {"encoder": torch.nn.Linear, "decoder": torch.nn.Linear}),
    ],
    ids=str,
)
def test_gaps_large_means_and_mixtures_of_families(family, settings, quick, iris, tmp_path):
    X = (iris[:70] * [1, 10, 1, 1] + [1000, 0, 0, 0]).astype(np.float32)
    X[:, 2:] = np.round(X[:, 2:] * 3)
    X[::9, 0] = np.nan
    X[5] = np.nan
    vae = VAETransformer(likelihood=family, **quick | settings).fit(X)
    assert_same_as_graphs(vae, X, tmp_path)


def test_a_frame_of_numbers(quick, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=60).astype(np.float32).astype(np.float64),
            "age": rng.integers(18, 90, size=60),
            "flag": rng.random(60) < 0.3,
            "visits": pd.array([1, 2, None] * 20, dtype="Int64"),
        }
    )
    vae = VAETransformer(likelihood={"size": "histogram"}, **quick).fit(X)
    assert_same_as_graphs(vae, X, tmp_path)


def test_what_no_graph_says(quick, mixed, iris, tmp_path, monkeypatch):
    path = tmp_path / "part.onnx"
    vae = VAETransformer(**quick).fit(mixed)
    with pytest.raises(ValueError, match=r"one array of numbers, but column 'kind' holds"):
        vae.to_onnx(path)
    vae = VAETransformer(**quick).fit(mixed[["size"]].assign(id=range(len(mixed))))
    with pytest.raises(ValueError, match=r"column 'id' is an identifier, which is drawn. Fit without it"):
        vae.to_onnx(path)
    vae = VAETransformer(decoder="autoregressive", **quick).fit(iris)
    with pytest.raises(ValueError, match="Use decoder='factorized', or part='encoder'"):
        vae.to_onnx(path, "decoder")
    with pytest.raises(ValueError, match="part must be 'encoder' or 'decoder', got 'prior'"):
        vae.to_onnx(path, "prior")
    assert not path.exists()
    vae.to_onnx(path)
    np.testing.assert_allclose(run(path, X=iris.astype(np.float32)), vae.transform(iris), atol=1e-5)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"skvae\[onnx\]"):
        vae.to_onnx(path)
