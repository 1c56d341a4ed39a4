import inspect

import pytest

from skvae.networks import VAE
from skvae.objectives.latent_model import Density, LatentModel
from skvae.priors import Prior


@pytest.mark.parametrize(("asked", "answers"), [(LatentModel, VAE), (Density, Prior)], ids=["model", "prior"])
def test_what_an_objective_asks_is_answered_under_the_same_names(asked, answers):
    methods = [name for name, _ in inspect.getmembers(asked, inspect.isfunction) if not name.startswith("_")]
    assert methods
    for name in methods:
        wanted = list(inspect.signature(getattr(asked, name)).parameters)
        assert list(inspect.signature(getattr(answers, name)).parameters)[: len(wanted)] == wanted
