import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skvae import VAETransformer
from skvae.inspection.fitted import as_frame, choose_columns, find_vae, kind_of_rows, two_components


def test_the_autoencoder_is_found_inside(tiny, iris, of_iris):
    found = find_vae(of_iris)
    assert found.vae is of_iris[-1]
    X = 1000 * iris + 5000
    assert_allclose(found.rows(X), iris, atol=1e-9)
    assert_allclose(found.back(found.rows(X)), X)
    pipeline = make_pipeline(VAETransformer(**tiny), LogisticRegression())
    search = GridSearchCV(pipeline, {"vaetransformer__beta": [1.0]}, cv=2).fit(iris, iris[:, 0] > 0)
    found = find_vae(search)
    assert found.vae is search.best_estimator_[0] and found.front is None
    assert found.rows(iris) is iris


def test_a_sentence_for_what_is_no_autoencoder(tiny, iris):
    with pytest.raises(TypeError, match=r"no VAETransformer in this PCA\. Pass a fitted"):
        find_vae(PCA().fit(iris))
    with pytest.raises(TypeError, match="no VAETransformer in this Pipeline"):
        find_vae(make_pipeline(PCA()).fit(iris))
    with pytest.raises(NotFittedError):
        find_vae(VAETransformer(**tiny))


def test_steps_that_cannot_be_undone_are_named(tiny, iris):
    front = make_column_transformer((PCA(2), [0, 1]), remainder="passthrough")
    found = find_vae(make_pipeline(front, VAETransformer(**tiny)).fit(iris))
    with pytest.raises(TypeError, match="'columntransformer' or one before it has no inverse_transform"):
        found.back(found.vae.sample(3))


def test_a_plane_has_two_components(tiny, iris):
    vae = VAETransformer(**tiny | {"n_components": 3}).fit(iris)
    vae.kl_per_component_ = np.array([0.1, 2.0, 1.0])
    assert two_components(vae) == (1, 2)
    assert two_components(vae, [2, 0]) == (2, 0)
    for wrong in ([0], [0, 0], [0, 3], 2, "ab"):
        with pytest.raises(ValueError, match="two different numbers from 0 to 2"):
            two_components(vae, wrong)
    with pytest.raises(ValueError, match="the estimator has one"):
        two_components(VAETransformer(**tiny | {"n_components": 1}).fit(iris))


def test_how_rows_are_drawn(iris, digits, mixed):
    assert kind_of_rows(iris, None) == kind_of_rows(mixed, None) == "table"
    assert kind_of_rows(digits, None) == "lines"
    assert kind_of_rows(digits, (8, 8)) == "images"
    assert list(as_frame(iris).columns) == [0, 1, 2, 3]


def test_columns_are_chosen_by_name():
    frame = pd.DataFrame(np.zeros((2, 3)), columns=list("abc"))
    assert list(choose_columns(frame, None, 2)) == ["a", "b"]
    assert list(choose_columns(frame, ["c", "a"], 1)) == ["c", "a"]
    with pytest.raises(ValueError, match=r"\['d'\] is not among them"):
        choose_columns(frame, ["a", "d"], 2)
    with pytest.raises(ValueError, match="is empty"):
        choose_columns(frame, [], 2)
    with pytest.raises(ValueError, match="max_columns must be at least 1"):
        choose_columns(frame, None, 0)
    with pytest.raises(TypeError, match="a str has 0"):
        as_frame("rows")
