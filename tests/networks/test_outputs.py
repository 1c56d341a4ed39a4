"""The parameters of all cells side by side: each has one place, and the place knows whose it is."""

import pytest
import torch

from skvae.likelihoods import Categorical, Gaussian, Histogram, Ordinal, Poisson, StudentT
from skvae.networks import restack
from skvae.networks.levels import Smoothing
from skvae.networks.outputs import Outputs

PARTS = [
    (Gaussian("shared"), [0, 3], [0, 0]),
    (StudentT("row"), [6], [0]),
    (Categorical(), [1, 5], [3, 2]),
    (Poisson(), [2], [0]),
    (Ordinal(), [4], [5]),
    (Histogram(), [7], [6]),
]
CELL_HEADS = [(0, "loc", 2), (1, "loc", 1), (1, "row_factor", 1), (2, "logits", 5), (3, "log_rate", 1)]


@pytest.fixture
def outputs(joint_of):
    outputs = Outputs(joint_of(PARTS)).double()
    for parameter in outputs.parameters():
        parameter.data.normal_(generator=torch.Generator().manual_seed(0))
    return outputs.requires_grad_(False)


def some(outputs, n_rows=4, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, n_rows, outputs.n_outputs, generator=generator, dtype=torch.float64)


def test_a_cell_has_an_output_for_each_of_its_parameters(outputs):
    assert outputs.cell_heads[:5] == CELL_HEADS
    assert outputs.n_outputs == sum(width for _, _, width in outputs.cell_heads)
    assert (outputs.n_blocks, outputs.n_models) == (6, 1)


def test_every_output_is_in_one_head_and_every_head_in_its_block(outputs):
    values, covered = some(outputs), []
    parameters = outputs.assemble(values)
    for b, name, width in outputs.cell_heads:
        part = outputs.output_slice(b, name)
        covered += range(part.start, part.stop)
        assert part.stop - part.start == width
        torch.testing.assert_close(parameters[b][name], values[..., part])
    assert covered == list(range(outputs.n_outputs))
    assert [set(heads) for heads in parameters[:2]] == [
        {"loc", "log_scale"},
        {"loc", "log_scale", "row_factor", "log_df"},
    ]


def test_constants_are_added_for_all_rows(outputs):
    parameters = outputs.assemble(some(outputs))
    assert parameters[0]["log_scale"].shape == parameters[1]["log_df"].shape == (1, 1, 1)
    torch.testing.assert_close(parameters[0]["log_scale"], outputs.free.at(0, "log_scale"))


@pytest.mark.parametrize("block_and_name", [(0, "log_scale"), (3, "loc"), (9, "loc")])
def test_an_unknown_head_is_our_mistake(block_and_name, outputs):
    with pytest.raises(KeyError, match="no cell head"):
        outputs.output_slice(*block_and_name)


def test_constants_of_one_model_are_those_of_no_other(outputs):
    restack(outputs, [0, 0])
    before = {name: value.clone() for name, value in outputs.state_dict().items()}
    values = {"loc": torch.tensor([1.0, 2.0]), "log_scale": torch.tensor([3.0])}
    outputs.set_constants(1, 0, values)
    assert outputs.bias[1, 0, outputs.output_slice(0, "loc")].tolist() == [1.0, 2.0]
    assert outputs.free.at(0, "log_scale")[:, 0, 0].tolist()[1] == 3.0
    assert all(torch.equal(value[0], before[name][0]) for name, value in outputs.state_dict().items())
    others = torch.ones(outputs.n_outputs, dtype=torch.bool)
    others[outputs.output_slice(0, "loc")] = False
    assert torch.equal(outputs.bias[1, 0, others], before["bias"][1, 0, others])


def test_neighbouring_levels_of_an_ordered_column_share_strength(outputs):
    """Of the histogram's logits, and of nothing else: categories have no neighbours, and other heads no levels."""
    values = some(outputs)
    smoothed = outputs.smoothed(values)
    histogram = outputs.output_slice(5, "logits")
    expected = Smoothing([6], [True]).double()(values[..., histogram].mT).mT
    torch.testing.assert_close(smoothed[..., histogram], expected, rtol=1e-5, atol=1e-5)
    is_other = torch.ones(outputs.n_outputs, dtype=torch.bool)
    is_other[histogram] = False
    is_other[outputs.output_slice(*next((b, n) for b, n, _ in outputs.cell_heads if b == 4))] = False
    assert torch.equal(smoothed[..., is_other], values[..., is_other])


def test_without_ordered_levels_nothing_is_smoothed(joint_of):
    outputs = Outputs(joint_of([(Categorical(), [0], [9])]))
    values = torch.randn(1, 2, 9)
    assert outputs.smoothed(values) is values
