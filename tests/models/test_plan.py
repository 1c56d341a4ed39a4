import inspect

from skvae import VAETransformer
from skvae.models import Parameters

OF_COLUMNS = {"likelihood", "add_indicator"}
OF_THE_RUN = {"warm_start", "device", "random_state", "verbose", "checkpoint_dir"}


def test_a_fit_reads_the_parameters_of_the_estimator():
    """Whatever else the estimator takes is about the columns or about where and how it runs."""
    of_estimator = inspect.signature(VAETransformer).parameters
    assert set(Parameters.__annotations__) == set(of_estimator) - OF_COLUMNS - OF_THE_RUN
    assert {name: str(hint) for name, hint in Parameters.__annotations__.items()} == {
        name: str(of_estimator[name].annotation) for name in Parameters.__annotations__
    }
