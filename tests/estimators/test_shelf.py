import torch
from sklearn.base import clone

from skvae import VAETransformer
from skvae.estimators.shelf import from_shelf, shelf, shelf_key

X = torch.arange(6.0).view(3, 2)


def test_the_name_of_a_fit_is_its_parameters_and_rows():
    vae = VAETransformer(random_state=0)
    name = shelf_key(vae, X)
    assert name == shelf_key(clone(vae), X.clone())
    assert name != shelf_key(clone(vae).set_params(beta=2.0), X)
    assert name != shelf_key(vae, X + 1)


def test_a_fit_is_found_inside_only_and_is_a_copy():
    vae, fit = VAETransformer(random_state=0), {"weights": [1.0]}
    with shelf({shelf_key(vae, X): fit}):
        found = from_shelf(vae, X)
        assert found == fit
        assert found is not fit
        assert from_shelf(vae, X + 1) is None
    assert from_shelf(vae, X) is None
