import pytest
import torch
from numpy.testing import assert_allclose

from skvae.models import Data
from skvae.tables import Table
from skvae.training import StreamedRows


@pytest.fixture
def data(iris):
    table = Table.fit(3 * iris + 1)
    return Data(table, table.encode(3 * iris + 1), torch.arange(150.0))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_the_offset_is_the_mean_jacobian(data):
    assert_allclose(data.offset, -4 * torch.tensor(data.table.scale[0]).abs().log(), rtol=1e-12)


def test_rows_that_judge_come_after_the_others(data, generator):
    judges = data.x[:7] + 1
    together, split = Data(data.table, data.x, data.weights, judges).split("auto", 0.1, generator)
    (train,), (held_out,) = split
    assert train.tolist() == list(range(150))
    assert torch.equal(together.x[held_out], judges)
    assert together.weights[held_out].tolist() == [1.0] * 7
    assert together.x_val is None


def test_few_rows_have_folds_and_a_part_is_held_out_where_asked(data, generator):
    same, split = data.split("auto", 0.1, generator)
    assert same is data
    assert len(split.train) == 6
    _, split = data.split(True, 0.2, generator)
    assert [len(rows) for rows in (*split.train, *split.held_out)] == [120, 30]


def test_held_out_rows_leave_the_stream(data, generator):
    sample = torch.arange(150) * 10
    stream = StreamedRows(None, 1500, True, sample, None, torch.empty(0, dtype=torch.long))
    streamed = Data(data.table, data.x, stream=stream)
    assert streamed.n_rows == 1500
    left, split = streamed.split("auto", 0.1, generator)
    assert left.n_rows == 1485
    assert left.stream.held_out.tolist() == sorted(sample[split.held_out[0]].tolist())


def test_some_rows_with_their_weights(data):
    some = data.take(torch.tensor([3, 1]))
    assert torch.equal(some.x, data.x[[3, 1]])
    assert some.weights.tolist() == [3.0, 1.0]
    assert some.float().x.dtype == some.float().weights.dtype == torch.float32


def test_rows_for_models_whose_columns_see_one_another_show_their_gaps(mixed):
    table = Table.fit(mixed)
    x = table.encode(mixed)
    parts = [(0, x[:40]), (40, x[40:])]
    stream = StreamedRows(lambda generator: iter(parts), 60, False, torch.arange(60), None, torch.empty(0).long())
    data = Data(table, x, torch.arange(60.0), x[:5], stream).of_columns
    n_gaps = int(mixed.isna().any().sum())
    assert data.table is table.of_columns
    assert data.x.shape[1] == data.x_val.shape[1] == x.shape[1] + n_gaps
    assert torch.equal(data.weights, torch.arange(60.0))
    read = [part for _, part in data.stream.read(torch.Generator())]
    torch.testing.assert_close(torch.cat(read), data.x, equal_nan=True)
    assert_allclose(data.offset, Data(table, x).offset)
