import inspect

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from skvae import VAETransformer
from skvae.estimators.parameters import CONSTRAINTS
from skvae.likelihoods import FAMILIES
from skvae.priors import PRIORS


def test_every_parameter_has_a_rule_and_every_default_keeps_it():
    assert CONSTRAINTS.keys() == inspect.signature(VAETransformer).parameters.keys()
    VAETransformer()._validate_params()


@pytest.mark.parametrize(("name", "values"), [("likelihood", FAMILIES), ("prior", PRIORS)], ids=["likelihood", "prior"])
def test_names_of_families_are_values(name, values):
    for value in values:
        VAETransformer(**{name: value})._validate_params()
        VAETransformer(**{name: values[value]()})._validate_params()


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_an_object_is_no_value(name):
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter"):
        VAETransformer(**{name: object()})._validate_params()


def test_errors_list_names_in_order():
    with pytest.raises(ValueError, match=r"a str among \{'auto', 'bernoulli', 'categorical', 'discretized_logistic'"):
        VAETransformer(likelihood="nonsense").fit(np.eye(3))
    with pytest.raises(ValueError, match=r"a str among \{'elbo', 'iwae'\}"):
        VAETransformer(objective="nonsense").fit(np.eye(3))


@pytest.mark.parametrize("name", ["batch_size", "n_draws", "n_components", "max_iter", "n_iter_no_change"])
def test_true_is_the_whole_number_1_as_for_scikit_learn(name, tiny, iris):
    one, other = (VAETransformer(**tiny | {name: value}).fit(iris) for value in (True, 1))
    np.testing.assert_array_equal(one.transform(iris), other.transform(iris))


def test_free_bits_beyond_float32_are_as_good_as_infinite(tiny, iris):
    scores = [VAETransformer(**tiny | {"free_bits": bits}).fit(iris).score(iris) for bits in (1e20, 1e300)]
    assert np.isfinite(scores).all()
    assert scores[0] == scores[1]


@pytest.mark.parametrize("name", ["beta", "free_bits", "learning_rate", "weight_decay", "tol"])
@pytest.mark.filterwarnings("ignore")
def test_whole_numbers_of_any_length_are_real_numbers(name, tiny, iris):
    one, other = (VAETransformer(**tiny | {name: value}).fit(iris) for value in (10**30, 1e30))
    np.testing.assert_array_equal(one.transform(iris), other.transform(iris))
