import pytest
import torch

from skvae.likelihoods import Categorical, Gaussian, Poisson, StudentT
from skvae.networks import MLP, Decoder

K = 2
PARTS = [
    (Gaussian("shared"), [0, 3], [0, 0]),
    (StudentT("row"), [6], [0]),
    (Categorical(), [1, 5], [3, 2]),
    (Poisson(), [2], [0]),
]
WIDTHS = [
    {"loc": 2, "log_scale": 1},
    {"loc": 1, "log_scale": 1, "row_factor": 1, "log_df": 1},
    {"logits": 5},
    {"log_rate": 1},
]
OF_Z = [{"loc"}, {"loc", "row_factor"}, {"logits"}, {"log_rate"}]


@pytest.fixture
def build(joint_of):
    def build(linear=True):
        generator = torch.Generator().manual_seed(0)

        def trunk(n_in, n_out):
            return MLP(n_in, n_out, (8,), "silu", 0.0, generator)

        decoder = Decoder(joint_of(PARTS), K, trunk, linear=linear, generator=generator).double()
        for parameter in decoder.parameters():
            parameter.data.normal_(generator=generator)
        return decoder

    return build


def latent(n_rows=5, seed=1):
    return torch.randn(1, n_rows, K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("linear", [True, False])
def test_every_head_of_every_block_is_supplied(linear, build):
    heads = build(linear)(latent())
    assert [{name: value.shape[-1] for name, value in block.items()} for block in heads] == WIDTHS
    for block, names in zip(heads, OF_Z, strict=True):
        assert all(value.shape[:2] == (1, 5 if name in names else 1) for name, value in block.items())


@pytest.mark.parametrize("linear", [True, False])
def test_heads_of_cells_depend_on_z_and_the_others_do_not(linear, build):
    decoder = build(linear)
    one, other = decoder(latent(seed=1)), decoder(latent(seed=2))
    for b, names in enumerate(OF_Z):
        for name in one[b]:
            assert (one[b][name] != other[b][name]).all() == (name in names)


def test_with_a_silent_network_the_heads_are_affine_in_z(build):
    decoder, u, v = build(), latent(seed=1), latent(seed=2)
    decoder.network.silence()
    for b, names in enumerate(OF_Z):
        for name in names:
            f_u, f_v, f_0, f_uv = (decoder(z)[b][name] for z in (u, v, 0 * u, 2 * u - 3 * v))
            torch.testing.assert_close(f_uv - f_0, 2 * (f_u - f_0) - 3 * (f_v - f_0))
            assert not torch.allclose(f_u, f_0)


def test_without_a_linear_path_and_network_the_heads_are_constants(build):
    decoder = build(linear=False)
    decoder.network[-1].weight.data.zero_()
    for one, other in zip(decoder(latent(seed=1)), decoder(latent(seed=2)), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
