import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skvae import VAETransformer
from skvae.inspection import TrainingDisplay


def test_curves_are_the_history(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    display = TrainingDisplay.from_estimator(vae)
    held_out = display.lines_["validation_elbo"]
    assert_array_equal(held_out.get_xdata(), [0, 1, 2, 3])
    assert_array_equal(held_out.get_ydata(), vae.history_["validation_elbo"])
    elbo = display.lines_["elbo"].get_ydata()
    terms = display.lines_["log_likelihood"].get_ydata() - display.lines_["kl"].get_ydata()
    np.testing.assert_allclose(elbo, terms)
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["ELBO", "Log-likelihood", "KL"]
    assert display.axes_[0].get_title(loc="right") == f"best: epoch {vae.best_iter_}"
    assert [text.get_text() for text in display.axes_[0].get_legend().get_texts()] == ["training rows", "held-out rows"]


def test_it_may_be_drawn_from_a_dict_in_a_given_place(pyplot):
    nan = float("nan")
    history = {"epoch": [0, 1], "elbo": [nan, -2.0], "validation_elbo": [nan] * 2, "log_likelihood": [nan, -1.0]}
    _, axes = pyplot.subplots(2)
    display = TrainingDisplay(history | {"kl": [nan, 1.0]}, best_iter=1).plot(ax=axes[1])
    assert display.ax_ is axes[1] and display.figure_ is axes[1].figure
    assert "validation_elbo" not in display.lines_


def test_a_sentence_for_what_is_no_history():
    with pytest.raises(ValueError, match=r"lacks \['validation_elbo', 'log_likelihood', 'kl'\]"):
        TrainingDisplay({"epoch": [0], "elbo": [1.0]}, best_iter=0)


def test_a_steep_ascent_lies_below_the_frame():
    epochs = np.arange(60)
    elbo = -1e6 * np.exp(-4.0 * epochs) - 10 + epochs / 60
    names = ("elbo", "validation_elbo", "log_likelihood", "kl")
    display = TrainingDisplay({"epoch": epochs, **dict.fromkeys(names, elbo)}, best_iter=59).plot()
    assert display.axes_[0].get_ylim()[0] > -100
