"""How columns see one another: cells one by one are cells all at once, and outputs find their column."""

import numpy as np
import pytest
import torch

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Histogram, NormalScores, Ordinal, StudentT
from skvae.networks.columns import (
    RANK,
    Context,
    OutputsByColumn,
    fill_column,
    heads_by_column,
    multiples,
    outputs_among,
    sum_of_earlier,
)
from skvae.networks.outputs import Outputs

PARTS = [
    (Gaussian("shared"), [0, 5], [0, 0]),
    (Categorical(), [7, 1], [3, 5]),
    (StudentT("row"), [3], [0]),
    (Histogram(), [4], [6]),
    (Ordinal(), [6], [4]),
    (Bernoulli(), [2], [0]),
]
D = 8
N_LEVELS = {1: 5, 4: 6, 6: 4, 7: 3, 2: 2}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(n_rows=30, share_missing=0.2):
    x = torch.randn(1, n_rows, D, generator=generator(3), dtype=torch.float64)
    for column, n in N_LEVELS.items():
        x[..., column] = torch.randint(0, n, (1, n_rows), generator=generator(column)).double()
    x[torch.rand(x.shape, generator=generator(4)) < share_missing] = torch.nan
    return x


@pytest.fixture
def context(joint_of):
    context = Context(joint_of(PARTS), generator()).double()
    for parameter in context.parameters():
        parameter.data.normal_(generator=generator(1))
    return context.requires_grad_(False)


# -- which outputs are those of which column ------------------------------------------------------------------------


def test_every_output_is_that_of_one_column_and_its_own(joint_of):
    joint = joint_of(PARTS)
    outputs = Outputs(joint)
    heads = heads_by_column(outputs, joint)
    by_column = list(map(outputs_among, heads))
    assert sorted(t for positions in by_column for t in positions) == list(range(outputs.n_outputs))
    logits = outputs.output_slice(1, "logits").start  # of columns 7, of 3 levels, and 1, of 5
    assert by_column[7] == list(range(logits, logits + 3))
    assert by_column[1] == list(range(logits + 3, logits + 8))
    assert [(head.name, head.is_free) for head in heads[3]] == [
        (name, head.per != "cell") for name, head in list(joint)[2].heads.items()
    ]


def test_heads_of_a_block_are_those_of_all_its_columns(joint_of):
    joint = joint_of(PARTS)
    first, second = (heads_by_column(Outputs(joint), joint)[j] for j in (0, 5))
    shared = [next(head for head in heads if head.name == "log_scale") for heads in (first, second)]
    assert shared[0] == shared[1]
    assert (shared[0].is_free, shared[0].part) == (True, slice(None))


def test_each_column_has_the_sum_of_the_vectors_of_earlier_ones():
    cells = torch.randn(2, 3, 5, 4, generator=generator(), dtype=torch.float64, requires_grad=True)
    sums = sum_of_earlier(cells)
    for d in range(5):
        torch.testing.assert_close(sums[:, :, d], cells[:, :, :d].sum(dim=2))
    assert torch.autograd.gradcheck(sum_of_earlier, cells)


def test_sums_of_earlier_columns_are_rounded_as_a_running_sum_is():
    """A model is the same, bit for bit, as with the sum of torch, which takes longer."""
    cells, of_torch = (torch.randn(2, 30, 40, 8, generator=generator()).requires_grad_() for _ in range(2))
    weights = torch.randn(cells.shape, generator=generator(1))
    sums, expected = sum_of_earlier(cells), of_torch.cumsum(dim=2) - of_torch
    assert torch.equal(sums, expected)
    (sums * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.equal(cells.grad, of_torch.grad)


@pytest.mark.parametrize("sizes", [[1], [3, 1, 2], [1, 1, 1], [40, 1, 7, 8, 9, 1, 300], [2, 5, 4, 3]])
@pytest.mark.parametrize("n_models", [1, 3])
def test_outputs_by_column_are_a_loop(sizes, n_models):
    rng = np.random.default_rng(0)
    owner = rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).tolist()
    outputs_of = [[t for t, column in enumerate(owner) if column == j] for j in range(len(sizes))]
    hidden = torch.randn(n_models, 6, len(sizes), 5, generator=generator(), dtype=torch.float64)
    weights = torch.randn(n_models, len(owner), 5, generator=generator(1), dtype=torch.float64)
    expected = torch.stack(
        [(hidden[:, :, column] * weights[:, None, t]).sum(dim=-1) for t, column in enumerate(owner)], dim=-1
    )
    torch.testing.assert_close(OutputsByColumn(outputs_of)(hidden, weights), expected)


# -- the vectors of cells -------------------------------------------------------------------------------------------


def test_the_context_of_one_column_is_its_part_of_all(context, joint_of):
    x, table = rows(), context.table()
    joint = joint_of(PARTS)
    together = context(x)
    assert together.shape == (1, 30, D, 2 * RANK)
    for column in range(D):
        torch.testing.assert_close(context.cell(x, column, joint.alone(column, x), table), together[:, :, column])


def test_a_cell_adds_the_vector_of_its_level_or_gap_or_a_multiple_of_its_column(context):
    x = rows()
    together, n_gaps = context(x)[0], 0
    for n, column in enumerate(context.number_index):
        is_gap = x[0, :, column].isnan()
        torch.testing.assert_close(together[is_gap, column], context.gap_vectors[0, n].expand(int(is_gap.sum()), -1))
        n_gaps += int(is_gap.sum())
    gaussian = context.number_index.index(5)
    seen = ~x[0, :, 5].isnan()
    torch.testing.assert_close(
        together[seen, 5], Gaussian().features(x[0, seen, 5, None]) * context.slopes[0, gaussian]
    )
    for level in range(5):
        of_level = together[x[0, :, 1] == level, 1]
        assert (of_level == of_level[0]).all()
    assert n_gaps > 0


def test_gaps_say_nothing_before_training(joint_of):
    context = Context(joint_of(PARTS), generator())
    assert not context(torch.full((1, 2, D), torch.nan)).any()


def test_rows_of_numbers_alone_and_of_levels_alone(joint_of):
    numbers = Context(joint_of([(Gaussian(), [0, 1], [0, 0])]), generator())
    assert numbers.table() is None
    assert numbers(torch.zeros(1, 4, 2)).shape == (1, 4, 2, 2 * RANK)
    joint = joint_of([(Categorical(), [1, 0], [2, 3])])
    levels = Context(joint, generator())
    x = torch.tensor([[[2.0, 1.0], [0.0, 0.0]]])
    torch.testing.assert_close(levels(x)[:, :, 0], levels.cell(x, 0, joint.alone(0, x), levels.table()))


def test_the_score_of_a_number_is_that_of_its_own_levels(joint_of):
    joint = joint_of([(NormalScores(), [1, 0], [4, 6])])
    context = Context(joint, generator())
    x = torch.tensor([[[5.2, 1.7], [0.1, torch.nan]]])
    for column in range(2):
        torch.testing.assert_close(context.cell(x, column, joint.alone(column, x), None), context(x)[:, :, column])


def test_a_multiple_of_a_gap_is_the_vector_of_gaps():
    features = torch.tensor([[[2.0, torch.nan], [torch.nan, -1.0]]])
    slopes, gaps = torch.tensor([[[1.0, 10.0], [3.0, 4.0]]]), torch.tensor([[[5.0, 6.0], [7.0, 8.0]]])
    expected = [[[[2.0, 20.0], [7.0, 8.0]], [[5.0, 6.0], [-3.0, -4.0]]]]
    assert multiples(features, slopes, gaps).tolist() == expected


# -- cells one by one -----------------------------------------------------------------------------------------------


@pytest.fixture
def indicated(joint_of):
    """A number whose gaps the first column shows."""
    joint = joint_of([(Categorical(), [0], [2]), (Gaussian("column"), [1], [0])], {1: 0})
    x = torch.tensor([[[0.0, torch.nan], [1.0, torch.nan], [0.0, 4.0]]])
    heads = {"loc": torch.full((1, 3, 1), 7.0), "log_scale": torch.zeros(1, 1, 1)}
    return joint, joint.alone(1, x), x, heads


def test_gaps_are_filled_but_where_an_indicator_shows_them(indicated):
    joint, block, x, heads = indicated
    fill_column(joint, 1, block, x, heads, None)
    assert x[0, :, 1].nan_to_num(nan=-1.0).tolist() == [7.0, -1.0, 4.0]
    fill_column(joint, 1, block, x, heads, generator())
    assert x[0, :, 1].nan_to_num(nan=-1.0).tolist() == [7.0, -1.0, 4.0]  # nothing is left to draw


def test_cells_are_drawn_with_a_generator(indicated):
    joint, block, x, heads = indicated
    x = x[:, [0]].repeat(1, 4000, 1)
    heads["loc"] = torch.full((1, 4000, 1), 7.0)
    fill_column(joint, 1, block, x, heads, generator())
    assert float(x[..., 1].mean()) == pytest.approx(7, abs=0.1)
    assert float(x[..., 1].std()) == pytest.approx(1, abs=0.1)
