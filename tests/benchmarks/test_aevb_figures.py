"""The family of benchmarks/aevb_figures.py."""

import importlib
from pathlib import Path

import pytest
import torch
from torch.distributions import Normal


@pytest.fixture
def script(monkeypatch):
    """The script, which finds its neighbours as it does when it is run."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("aevb_figures")


def test_grey_levels_are_normal_around_a_mean_between_0_and_1(script):
    logit, log_variance = torch.tensor([-1.0, 0.0, 2.0]), torch.tensor([-6.0, -2.0, 0.5])
    x = torch.tensor([0.2, 0.9, 0.5])
    twin = Normal(logit.sigmoid(), (0.5 * log_variance).exp())
    heads = {"logit": logit, "log_variance": log_variance}
    torch.testing.assert_close(script.Grey().log_prob(x, **heads), twin.log_prob(x))
    torch.testing.assert_close(script.Grey().mean(**heads), twin.mean)
    draws = script.Grey().sample(torch.Generator().manual_seed(0), **{k: v.expand(10_000, 3) for k, v in heads.items()})
    torch.testing.assert_close(draws.std(dim=0), twin.stddev, rtol=0.03, atol=0.0)


def test_a_grey_level_is_drawn_within_its_own_interval(script):
    levels = torch.arange(256.0)
    drawn = script.Grey().redraw(levels, torch.Generator().manual_seed(0))
    assert torch.equal((256 * drawn).floor(), levels)


def test_an_epoch_counts_the_rows_of_every_fold_that_is_trained(script):
    assert script.rows_with_folds(1_000) == 3 * 800  # two folds and all rows, of which each model sees 800
    assert script.rows_with_folds(200) == 6 * 160
