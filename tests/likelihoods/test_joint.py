import copy
import itertools
import pickle

import pytest
import torch

from skvae.likelihoods import (
    Bernoulli,
    Block,
    Categorical,
    Columns,
    DiscretizedLogistic,
    Gamma,
    Gaussian,
    Joint,
    Poisson,
    StudentT,
    columns_of,
)

# family, its columns in the row, and their numbers of levels
PARTS = [
    (Gaussian("column"), [1, 4], [0, 0]),
    (StudentT(), [0], [0]),
    (Categorical(), [2, 7], [3, 2]),
    (Poisson(), [3], [0]),
    (Bernoulli(), [5, 6], [0, 0]),
    (DiscretizedLogistic(), [8, 9], [0, 0]),
]
ORDERS = [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (2, 0, 5, 1, 4, 3)]
N_ROWS, N_MODELS = 6, 2


def block(part):
    family, index, n_levels = PARTS[part]
    n = len(index)
    facts = Columns(torch.ones(n), torch.tensor(n_levels), torch.full((n,), -3.0), torch.full((n,), 3.0))
    return Block(family, index, facts)


def heads(part):
    generator = torch.Generator().manual_seed(part)
    return {
        name: torch.randn(N_MODELS, N_ROWS if head.per == "cell" else 1, head.width, generator=generator)
        for name, head in block(part).heads.items()
    }


def rows():
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(N_MODELS, N_ROWS, 10, generator=generator)
    x[..., [2, 7]] = torch.randint(0, 2, (N_MODELS, N_ROWS, 2), generator=generator).float()
    x[..., 3] = torch.poisson(torch.full((N_MODELS, N_ROWS), 2.0), generator=generator)
    x[..., [5, 6]] = torch.randint(0, 2, (N_MODELS, N_ROWS, 2), generator=generator).float()
    x[..., [8, 9]] = x[..., [8, 9]].round()
    return x


def family_by_family(method, part, *args):
    return getattr(block(part).family, method)(*args, **block(part).with_constants(heads(part)))


@pytest.mark.parametrize("order", ORDERS)
def test_log_prob_is_the_sum_over_families_in_any_order(order):
    joint, x = Joint([block(part) for part in order]), rows()
    expected = sum(family_by_family("log_prob", part, x[..., PARTS[part][1]]).sum(dim=-1) for part in order)
    log_prob = joint.log_prob(x, [heads(part) for part in order])
    assert log_prob.shape == (N_MODELS, N_ROWS)
    torch.testing.assert_close(log_prob, expected)


@pytest.mark.parametrize("order", ORDERS)
def test_mean_and_draws_come_back_in_the_order_of_the_row(order):
    joint, parameters = Joint([block(part) for part in order]), [heads(part) for part in order]
    mean = joint.mean(parameters)
    draw = joint.sample(parameters, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    assert mean.shape == draw.shape == (N_MODELS, N_ROWS, 10)
    for part in order:
        torch.testing.assert_close(mean[..., PARTS[part][1]], family_by_family("mean", part))
        torch.testing.assert_close(draw[..., PARTS[part][1]], family_by_family("sample", part, generator))


def test_redraw_touches_the_grey_levels_only():
    x = rows()
    x[..., 5] = 0.5
    drawn = Joint([block(part) for part in range(6)]).redraw(x, torch.Generator().manual_seed(0))
    assert set(drawn[..., 5].unique().tolist()) <= {0.0, 1.0}
    others = [d for d in range(10) if d != 5]
    assert torch.equal(drawn[..., others], x[..., others])


@pytest.mark.parametrize("part", range(6))
def test_a_missing_cell_adds_nothing_and_gives_zero_gradients(part):
    index = PARTS[part][1]
    joint, x = Joint([block(part)]), rows()[..., index]
    joint.blocks[0].index = list(range(len(index)))
    x[:, 0] = torch.nan
    parameters = {name: value.clone().requires_grad_() for name, value in heads(part).items()}
    log_prob = joint.log_prob(x, [parameters])
    assert (log_prob[:, 0] == 0).all()
    assert (log_prob[:, 1:] < 0).all()
    log_prob[:, 0].sum().backward()
    assert all((value.grad == 0).all() for value in parameters.values())


def test_a_support_without_zero_learns_from_rows_with_gaps():
    facts = Columns(torch.ones(2), torch.zeros(2, dtype=torch.long), torch.ones(2), torch.ones(2))
    joint, x = Joint([Block(Gamma(), [0, 1], facts)]), torch.tensor([[[2.0, torch.nan], [torch.nan, 0.5]]])
    heads = {name: torch.zeros(1, size, 2, requires_grad=True) for name, size in (("log_mean", 2), ("log_shape", 1))}
    log_prob = joint.log_prob(x, [heads])
    torch.testing.assert_close(log_prob, torch.tensor([[-2.0, -0.5]]))  # exponential, of mean 1
    log_prob.sum().backward()
    expected = torch.tensor([[[1.0, 0.0], [0.0, -0.5]]])  # x / μ − 1 of the observed cells
    torch.testing.assert_close(heads["log_mean"].grad, expected)
    assert heads["log_shape"].grad.isfinite().all()


def test_blocks_by_what_their_cells_are():
    joint = Joint([block(part) for part in range(6)])
    assert columns_of(joint.coded()) == [2, 7]
    assert columns_of(joint.numbers()) == [1, 4, 0, 3, 5, 6, 8, 9]
    linear = joint.linear_blocks()
    assert [b for b, *_ in linear] == [0, 1, 5]
    assert all(joint.blocks[b] is one and one.family is family for b, one, family in linear)


def test_observed_cells_add_what_they_add_without_gaps():
    joint, x, parameters = Joint([block(p) for p in range(6)]), rows(), [heads(p) for p in range(6)]
    whole = joint.log_prob(x, parameters)
    without = []
    for hidden in ([0, 2, 5, 8], [1, 3, 4, 6, 7, 9]):
        shown = x.clone()
        shown[..., hidden] = torch.nan
        without.append(joint.log_prob(shown, parameters))
    torch.testing.assert_close(sum(without), whole)


@pytest.mark.parametrize("is_complete", [False, True])
def test_weights_are_of_cells_wherever_their_blocks_are(is_complete):
    joint, x, parameters = Joint([block(p) for p in range(6)]), rows(), [heads(p) for p in range(6)]
    joint.is_complete = is_complete
    by_column = [joint.log_prob(x, parameters, torch.eye(10)[j].expand(x.shape)) for j in range(10)]
    torch.testing.assert_close(sum(by_column), joint.log_prob(x, parameters))
    weights = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    expected = (torch.stack(by_column, dim=-1) * weights).sum(dim=-1)
    torch.testing.assert_close(joint.log_prob(x, parameters, weights), expected)
    joint.is_complete = False
    with_gap = x.clone()
    with_gap[..., 3] = torch.nan
    expected = expected - by_column[3] * weights[..., 3]
    torch.testing.assert_close(joint.log_prob(with_gap, parameters, weights), expected)


@pytest.mark.parametrize("index", list(itertools.permutations([2, 3, 4])))
def test_position_picks_the_columns_of_a_block(index):
    facts = Columns(torch.ones(3), torch.zeros(3, dtype=torch.long), torch.zeros(3), torch.ones(3))
    position = Block(Poisson(), list(index), facts).position
    assert torch.arange(10)[position].tolist() == list(index)


def test_whole_numbers_sum_to_one_also_when_the_module_changes_precision():
    # the smallest and the largest value keep the tails, though their bounds are rounded to float32 on the way
    values = torch.arange(-3, 8, dtype=torch.float64)
    unit = torch.tensor([3.7, -0.31, 0.77], dtype=torch.float64)
    x = (values[:, None] - 0.123) / unit
    facts = Columns(unit, torch.zeros(3, dtype=torch.long), x.amin(dim=0), x.amax(dim=0))
    joint = Joint([Block(DiscretizedLogistic("column"), [0, 1, 2], facts)]).float().double()
    zero = torch.zeros(1, 1, 3, dtype=torch.float64)
    for column in range(3):
        alone = torch.full_like(x, torch.nan)
        alone[:, column] = x[:, column]
        log_prob = joint.log_prob(alone[None], [{"loc": zero + 0.2, "log_scale": zero + 0.5}])
        assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-6)


def test_each_column_alone_is_its_part_of_its_block():
    joint = Joint([block(part) for part in range(len(PARTS))])
    parameters, x = [heads(part) for part in range(len(PARTS))], rows()
    total = torch.zeros(N_MODELS, N_ROWS)
    for each, known in zip(joint, parameters, strict=True):
        parts = {name: torch.split(known[name], each.shares(name), dim=-1) for name in known}
        for i, j in enumerate(each.index):
            alone = joint.alone(j, x)
            assert type(alone.family) is type(each.family)
            of_column = alone.with_constants({name: part[i] for name, part in parts.items()})
            total += alone.family.log_prob(x[..., j : j + 1], **of_column).squeeze(-1)
    torch.testing.assert_close(total, joint.log_prob(x, parameters))


def test_a_column_alone_is_made_once_and_no_part_of_a_copy():
    joint = Joint([block(part) for part in range(len(PARTS))])
    before = pickle.dumps(joint)
    first = joint.alone(8, torch.zeros(1))
    assert joint.alone(8, torch.ones(3)) is first
    wide = joint.alone(8, torch.zeros(1, dtype=torch.float64))
    assert {name: constant.dtype for name, constant in wide.constants().items()} == dict.fromkeys(
        first.constants(), torch.float64
    )
    assert first.constants()["lower"].dtype == torch.float32
    assert pickle.dumps(joint) == before
    assert copy.deepcopy(joint).alone(8, torch.zeros(1)) is not first
