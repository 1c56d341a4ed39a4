import dataclasses

import pytest
import torch
from torch import nn

from skvae import VAETransformer
from skvae.models import Architecture
from skvae.networks import AutoregressiveDecoder, Chain, Decoder, Reader, Replicas
from skvae.priors import Mixture
from skvae.tables import Table

PLAIN = Architecture(2, (7, 5), "silu", 0.0, "mlp", "factorized", "normal")


@pytest.fixture
def table(iris):
    return Table.fit(iris)


def widths(network):
    return [layer.bias.shape[-1] for layer in network if hasattr(layer, "bias")]


def test_the_decoder_has_the_hidden_layers_in_reverse(table):
    vae = PLAIN.build(table, 0)
    assert widths(vae.encoder.network) == [7, 5, 4]
    assert widths(vae.decoder.network) == [5, 7, 4]


def test_a_seed_is_one_module_and_moves_nothing_global(table):
    before = torch.get_rng_state()
    one, other, third = (PLAIN.build(table, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], third[name]) for name in one)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("change", "kind", "is_autoregressive", "reads_global_rng"),
    [
        ({}, Decoder, False, False),
        ({"decoder": "autoregressive"}, AutoregressiveDecoder, True, False),
        ({"decoder": nn.Linear}, Decoder, False, True),
        ({"encoder": nn.Linear}, Decoder, False, True),
        ({"dropout": 0.1}, Decoder, False, True),
    ],
)
def test_parts_are_what_their_names_say(change, kind, is_autoregressive, reads_global_rng, table):
    architecture = dataclasses.replace(PLAIN, **change)
    vae = architecture.build(table, 0)
    assert type(vae.decoder) is kind
    assert architecture.is_autoregressive is vae.decoder.sees_columns is is_autoregressive
    assert architecture.reads_global_rng is reads_global_rng
    assert isinstance(vae.encoder.network, Replicas) is (architecture.encoder is nn.Linear)


def test_a_prior_is_a_name_or_a_family(table):
    assert dataclasses.replace(PLAIN, prior="mixture").build(table, 0).prior.logits.shape == (1, 100)
    assert dataclasses.replace(PLAIN, prior=Mixture(3)).build(table, 0).prior.logits.shape == (1, 3)


def test_it_is_read_from_the_parameters_of_an_estimator():
    parameters = VAETransformer(2, hidden_layer_sizes="auto", decoder="factorized").get_params()
    assert Architecture.of(parameters, [7, 5]) == PLAIN
    assert Architecture.of(parameters, [7, 5], [9, 9]) == dataclasses.replace(PLAIN, sizes_beside=(9, 9))


@pytest.mark.parametrize(("name", "kind"), [("chain", Chain), ("reader", Reader)])
def test_models_beside_are_made_of_the_columns_and_their_gaps(name, kind, mixed):
    table, architecture = Table.fit(mixed), dataclasses.replace(PLAIN, sizes_beside=(9, 6))
    model = architecture.build_beside(name, table, 3)
    assert type(model) is kind
    assert model.joint.n_columns == len(table.of_columns.columns) > len(table.columns)
    assert next(model.parameters()).dtype == torch.float32
    one, other, third = (architecture.build_beside(name, table, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not all(torch.equal(one[key], third[key]) for key in one)


@pytest.mark.parametrize("decoder", ["auto", "conditional", "factorized"])
def test_the_vae_has_no_part_in_what_is_beside_it(decoder, table):
    vae = dataclasses.replace(PLAIN, decoder=decoder, sizes_beside=(9,)).build(table, 0)
    assert vae.chain is None and vae.reader is None
    plain = PLAIN.build(table, 0).state_dict()
    assert all(torch.equal(value, plain[name]) for name, value in vae.state_dict().items())


def test_the_chain_alone_compares_columns(mixed, monkeypatch):
    table, asked = Table.fit(mixed.assign(twin=mixed["size"] + 1)), []
    rulers = Table.rulers
    monkeypatch.setattr(Table, "rulers", lambda table: asked.append(table) or rulers(table))
    architecture = dataclasses.replace(PLAIN, sizes_beside=(6,))
    architecture.build(table, 0)
    architecture.build_beside("reader", table, 0)
    assert not asked
    chain = architecture.build_beside("chain", table, 0)
    assert len(asked) == 1
    compared = {table.of_columns.columns[j].name for j in chain.relative.rulers.columns}
    assert {"size", "twin"} <= compared
