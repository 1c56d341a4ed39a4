import torch

from skvae import VAETransformer
from skvae.models.shelf import from_shelf, shelf, shelf_key

X = torch.arange(6.0).view(3, 2)


def test_the_name_of_a_fit_is_its_parameters_and_rows():
    parameters = VAETransformer(random_state=0).get_params()
    name = shelf_key(parameters, X)
    assert name == shelf_key(dict(parameters), X.clone())
    assert name != shelf_key(parameters | {"beta": 2.0}, X)
    assert name != shelf_key(parameters, X + 1)


def test_a_fit_is_found_inside_only_and_is_a_copy():
    parameters, fit = {"beta": 1.0}, {"weights": [1.0]}
    with shelf({shelf_key(parameters, X): fit}):
        found = from_shelf(parameters, X)
        assert found == fit
        assert found is not fit
        assert from_shelf(parameters, X + 1) is None
    assert from_shelf(parameters, X) is None
