"""A model of numbers that are none is neither written nor read; what may be infinite is both."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae import VAETransformer
from skvae.files.finite import check_finite_attributes, check_finite_weights
from skvae.tables import Table

pytest.importorskip("safetensors")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", ["loc", "scale", "lower", "upper"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_a_table_knows_of_a_column(name, value, iris):
    table = Table.fit(iris)
    attributes = {"table_": table, "kl_per_component_": np.ones(2), "_online": None}
    check_finite_attributes(attributes)
    data = [*table.data[:-1], replace(table.data[-1], **{name: value})]
    with pytest.raises(ValueError, match=rf"its {name} of column 3 holds {value}\."):
        check_finite_attributes(attributes | {"table_": replace(table, data=data)})


def test_the_history_and_an_overflown_variance_may_be_anything(iris):
    attributes = {"table_": Table.fit(iris), "kl_per_component_": np.ones(2), "_online": None}
    check_finite_attributes(attributes | {"history_": {"elbo": [np.nan]}, "noise_variance_": np.inf})
    check_finite_attributes(attributes | {"noise_variance_": np.array([1.0, np.inf])})
    with pytest.raises(ValueError, match="its noise_variance_ holds nan"):
        check_finite_attributes(attributes | {"noise_variance_": np.array([1.0, np.nan])})


def test_weights(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris).vae_
    check_finite_weights(vae)
    for name, tensor in [*vae.named_parameters(), *vae.named_buffers()]:
        if tensor.is_floating_point() and tensor.numel():
            kept = tensor.view(-1)[-1].item()
            tensor.view(-1)[-1] = torch.nan
            with pytest.raises(ValueError, match=rf"its {name} holds nan\. Fit it again"):
                check_finite_weights(vae)
            tensor.view(-1)[-1] = kept
    check_finite_weights(vae)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["encoder.bias", "kl", "memory"])
def test_no_file_is_written_that_would_not_load(place, value, tiny, iris, tmp_path):
    vae = VAETransformer(**tiny).partial_fit(iris)
    vae.save(tmp_path / "model")
    numbers = {"encoder.bias": vae.vae_.encoder.bias, "kl": vae.kl_per_component_, "memory": vae._online.memory[0]}
    numbers[place].reshape(-1)[0] = value
    before = (tmp_path / "model").read_bytes()
    with pytest.raises(ValueError, match=rf"made of finite numbers, but its {place}.* holds {value}\. Fit it again"):
        vae.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before


class Masked(torch.nn.Module):
    """With a buffer that is infinite by intention, and one that is NaN."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.last = torch.nn.Linear(n_in, n_out)
        self.register_buffer("mask", torch.tensor([-torch.inf, 0.0, torch.nan]))

    def forward(self, x):
        return self.last(x)


def test_masks_of_a_users_network_may_be_infinite(tiny, iris, tmp_path):
    vae = VAETransformer(encoder=Masked, **tiny).fit(iris)
    vae.save(tmp_path / "model")
    again = VAETransformer.load(tmp_path / "model", encoder=Masked)
    assert_array_equal(again.transform(iris), vae.transform(iris))
    assert_array_equal(again.vae_.encoder.network.replicas[0].mask, [-np.inf, 0, np.nan])
