import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae import VAETransformer
from skvae.inspection import LoadingsDisplay, latent_report
from skvae.inspection.canvas import compact

SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 5, "decoder": "factorized", "device": "cpu", "random_state": 0}
SETTINGS |= {"protect": None}  # ends keep their distance


@pytest.fixture(scope="module")
def rows():
    z = np.random.default_rng(0).normal(size=(300, 2))
    noise = 0.1 * np.random.default_rng(1).normal(size=(300, 4))
    table = pd.DataFrame(np.column_stack([z[:, 0], 1000 * z[:, 0], -z[:, 0], 10 * z[:, 1]]), columns=list("abcd"))
    table += noise * [1, 1000, 1, 10]
    table["e"] = np.where(z[:, 1] > 0, "up", "down")
    return table


@pytest.fixture(scope="module")
def of_rows(rows):
    return VAETransformer(2, **SETTINGS).fit(rows)


def test_the_map_has_effects_in_units_and_colours_in_standard_deviations(of_rows, rows):
    display = LoadingsDisplay.from_estimator(of_rows, rows)
    assert_allclose(display.effects, of_rows.components_)
    colours = np.asarray(display.image_.get_array())
    assert_allclose(colours[:, :4], of_rows.components_[:, :4] / rows[list("abcd")].std(ddof=0).to_numpy(), rtol=0.02)
    texts = [text.get_text() for text in display.axes_[0].texts]
    assert compact(of_rows.components_[0, 1]) in texts
    assert display.axes_[0].get_title(loc="left") == "Effect of one standard deviation"
    labels = [label.get_text() for label in display.axes_[0].get_yticklabels()]
    assert labels[0].startswith("z0  ")
    display.figure_.canvas.draw()


def test_curves_are_those_of_the_columns_that_are_explained_most(of_rows, rows):
    display = LoadingsDisplay.from_estimator(of_rows, rows, n_curves=1)
    (curves,) = display.curves
    assert {display.names[j] for j in curves.columns[:3]} == {"a", "b", "c"}
    slopes = dict(zip(curves.columns, curves.values[-1] - curves.values[0], strict=True))
    effects = of_rows.components_[0]
    assert all(slopes[j] * effects[j] > 0 for j in curves.columns[:3])
    assert len(display.axes_) == 2


def test_few_of_many(of_digits, digits, pyplot):
    _, ax = pyplot.subplots()
    display = LoadingsDisplay.from_estimator(of_digits, digits, max_components=2, max_columns=5, ax=ax)
    assert display.effects.shape == (2, 5)
    assert len(display.curves) == 2
    assert display.ax_ is ax
    assert LoadingsDisplay.from_estimator(of_digits, digits, n_curves=0).curves == []


def test_a_pipeline_and_every_kind_of_column(of_iris, iris, of_mixed, large_mixed):
    assert LoadingsDisplay.from_estimator(of_iris, 1000 * iris + 5000).effects.shape == (2, 4)
    LoadingsDisplay.from_estimator(of_mixed, large_mixed).figure_.canvas.draw()


def test_sentences(of_digits, digits):
    with pytest.raises(ValueError, match="max_columns must be at least 1, but is 0"):
        LoadingsDisplay.from_estimator(of_digits, digits, max_columns=0)
    with pytest.raises(ValueError, match=r"a row for each of the 2 shares .* shapes are \(1, 3\)"):
        LoadingsDisplay(np.zeros((1, 3)), np.ones(3), np.ones(2), list("abc"))


def test_the_report_names_the_columns_of_each_component(of_rows, rows):
    report = latent_report(of_rows, rows)
    assert {name[1:] for name in report["columns"][0].split(", ")} == {"a", "b", "c"}
    signs = {name[1:]: name[0] for name in report["columns"][0].split(", ")}
    assert (signs["a"] == signs["c"]) is False
    assert "d" in report["columns"][1]
    assert report.loc["all", "columns"] == ""
