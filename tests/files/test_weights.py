from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae.files.weights import SizeLimit, attached, learned, rebuilt
from skvae.models import Architecture
from skvae.tables import Table

ARCHITECTURE = Architecture(2, (5,), "silu", 0.0, "mlp", "factorized", "mixture")


@pytest.fixture
def table(iris):
    return Table.fit(iris)


def test_a_module_is_its_architecture_and_its_weights(table):
    vae = ARCHITECTURE.build(table, 7)
    again = rebuilt(ARCHITECTURE, table, learned(vae))
    for (name, one), other in zip(vae.state_dict().items(), again.state_dict().values(), strict=True):
        assert_array_equal(one, other, err_msg=name)
    assert not any(p.requires_grad for p in again.parameters())
    assert not again.training


def test_weights_are_shared_with_the_arrays(table):
    weights = {name: array.copy() for name, array in learned(ARCHITECTURE.build(table, 0)).items()}
    vae = rebuilt(ARCHITECTURE, table, weights)
    assert np.shares_memory(vae.decoder.bias.numpy(), weights["decoder.bias"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("decoder.bias"), "'decoder.bias' is in one of them only"),
        (lambda weights: weights.update(more=np.zeros(1)), "'more' is in one of them only"),
        (lambda weights: weights.update({"decoder.bias": np.zeros(3, np.float32)}), r"is torch.float32 \(3,\), not"),
        (lambda weights: weights.update({"decoder.bias": np.zeros((1, 1, 4))}), "is torch.float64"),
    ],
)
def test_other_weights_are_refused(change, message, table):
    vae = ARCHITECTURE.build(table, 0)
    weights = learned(vae)
    change(weights)
    with pytest.raises(ValueError, match=message):
        attached(vae, weights)


@pytest.mark.parametrize("likelihood", ["discretized_logistic", "histogram", "ordinal"])
def test_constants_that_do_not_follow_from_the_table_are_refused(likelihood):
    table = Table.fit(pd.DataFrame({"n": np.arange(60) % 7, "m": np.arange(60)}), likelihood)
    architecture = replace(ARCHITECTURE, decoder="autoregressive")
    weights = {name: array.copy() for name, array in learned(architecture.build(table, 0)).items()}
    rebuilt(architecture, table, weights)
    constants = [name for name in weights if name.startswith("joint.")]
    assert constants or likelihood != "discretized_logistic"
    for name in constants:
        value = weights[name].flat[0]
        for wrong in (1e30, value + 1.0):
            weights[name].flat[0] = wrong
            with pytest.raises(ValueError, match=f"Its '{name}' is not what follows from the columns of its table"):
                rebuilt(architecture, table, weights)
        weights[name].flat[0] = value
    rebuilt(architecture, table, weights)


def test_a_range_is_as_large_as_it_is_long():
    with SizeLimit(0):
        for first in range(0, 3000, 3):
            assert len(torch.arange(first, first + 3)) == 3
        assert torch.arange(5.5).tolist() == [0, 1, 2, 3, 4, 5]
    with SizeLimit(0), pytest.raises(ValueError, match="far beyond"):
        torch.arange(10**9)


def test_no_more_numbers_are_made_than_a_file_warrants():
    with SizeLimit(10), pytest.raises(ValueError, match="far beyond what it holds"):
        torch.zeros(10**7)
    with SizeLimit(10):
        assert torch.zeros(1000).sum() == 0
