import inspect
from dataclasses import replace

from skvae import VAETransformer
from skvae.models import Parameters, Plan
from skvae.models.plan import Stage
from skvae.training import Recipe

OF_COLUMNS = {"likelihood", "constraints", "add_indicator", "protect"}
OF_THE_RUN = {"device", "random_state", "verbose", "checkpoint_dir"}


def test_a_fit_reads_the_parameters_of_the_estimator():
    """Whatever else the estimator takes is about the columns or about where and how it runs."""
    of_estimator = inspect.signature(VAETransformer).parameters
    assert set(Parameters.__annotations__) == set(of_estimator) - OF_COLUMNS - OF_THE_RUN
    assert {name: str(hint) for name, hint in Parameters.__annotations__.items()} == {
        name: str(of_estimator[name].annotation) for name in Parameters.__annotations__
    }


def test_the_epochs_of_all_trainings_count():
    recipe = Recipe(1e-2, 1e-2, 16, 7)
    plan = Plan(None, recipe, None, "linear", "auto", 0.1, 1, 5)
    assert plan.n_epochs == 7
    beside = {"chain": Stage(replace(recipe, max_iter=3), 1, 5), "reader": Stage(replace(recipe, max_iter=2), None, 5)}
    assert replace(plan, beside=beside).n_epochs == 12
