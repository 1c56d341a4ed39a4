import math

import pytest
import torch

from skvae.objectives import normal_nodes

SIZES = [(8, 1), (8, 3), (8, 4), (2, 1), (64, 10), (64, 32), (10, 5)]
BEYOND_HALF = [(8, 5), (8, 9), (2, 3), (6, 7), (64, 33), (16, 64)]


@pytest.mark.parametrize(("n_nodes", "n_components"), SIZES + BEYOND_HALF)
def test_first_moments_are_exact(n_nodes, n_components):
    nodes = normal_nodes(n_nodes, n_components)
    assert nodes.shape == (n_nodes, n_components)
    assert nodes.dtype == torch.float64
    assert nodes.mean(dim=0).abs().max() < 1e-14


@pytest.mark.parametrize(("n_nodes", "n_components"), SIZES)
def test_all_second_moments_are_exact_up_to_half_as_many_components(n_nodes, n_components):
    nodes = normal_nodes(n_nodes, n_components)
    identity = torch.eye(n_components, dtype=torch.float64)
    torch.testing.assert_close(nodes.T @ nodes / n_nodes, identity, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n_nodes", "n_components"), BEYOND_HALF)
def test_beyond_half_variances_are_exact_and_groups_are_orthogonal(n_nodes, n_components):
    moments = normal_nodes(n_nodes, n_components).T @ normal_nodes(n_nodes, n_components) / n_nodes
    group = torch.arange(n_components) // (n_nodes // 2)
    same = group[:, None] == group[None, :]
    identity = torch.eye(n_components, dtype=torch.float64)
    torch.testing.assert_close(moments[same], identity[same], rtol=0, atol=1e-12)
    assert moments.abs().max() <= 1 + 1e-12


def test_expectation_of_any_quadratic_is_exact():
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    vector = torch.randn(4, generator=generator, dtype=torch.float64)
    nodes = normal_nodes(8, 4)
    values = torch.einsum("lj,jk,lk->l", nodes, matrix, nodes) + nodes @ vector + 3.0
    assert values.mean().item() == pytest.approx(matrix.trace().item() + 3.0, rel=1e-12)


def test_every_node_lies_on_the_sphere_of_the_mean_square():
    # rows of a rotation have unit length: no node is an outlier
    nodes = normal_nodes(16, 8)
    torch.testing.assert_close(nodes.square().sum(dim=1), torch.full((16,), 8.0, dtype=torch.float64))


def test_the_seed_rotates_the_nodes_and_nothing_else_does():
    before = torch.get_rng_state()
    assert torch.equal(normal_nodes(8, 3), normal_nodes(8, 3))
    assert not torch.allclose(normal_nodes(8, 3), normal_nodes(8, 3, seed=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_nodes_are_uniform_over_rotations():
    # each coordinate of a node of length √K is symmetric, with fourth moment 3 K / (K + 2)
    nodes = torch.stack([normal_nodes(8, 4, seed=seed) for seed in range(2000)])
    fourth = nodes.square().square().mean(dim=(0, 1))
    n_independent = 2000 * 4
    tolerance = 5 * nodes.square().square().std().item() / math.sqrt(n_independent)
    torch.testing.assert_close(fourth, torch.full_like(fourth, 3 * 4 / 6), rtol=0, atol=tolerance)
