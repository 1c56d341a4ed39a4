import pytest
import torch

from skvae.training import RowsInMemory, StreamedRows
from skvae.training import rows as module


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(n_rows, n_columns=2):
    """Rows that tell their position."""
    return torch.arange(n_rows, dtype=torch.float32)[:, None].expand(-1, n_columns).clone()


def stream(x, weights=None, n_blocks=7, read=None):
    """Blocks of x in random order."""
    parts = torch.split(x, -(-len(x) // n_blocks))
    starts = torch.tensor([0, *[len(part) for part in parts]]).cumsum(0).tolist()

    def blocks(generator):
        for b in torch.randperm(len(parts), generator=generator).tolist():
            yield starts[b], parts[b]

    return StreamedRows(read or blocks, len(x), True, torch.arange(0, len(x), 3), weights, torch.empty(0).long())


def positions(rows, batch_size=8, seed=0):
    batches = [batch[0, :, 0] for batch, _ in rows.epoch(batch_size, generator(seed))]
    assert all(len(batch) == batch_size for batch in batches)
    return torch.cat(batches).long()


@pytest.mark.parametrize("buffer", [20, 64, 10_000])
def test_an_epoch_of_a_stream_gives_each_row_once_in_random_order(monkeypatch, buffer):
    monkeypatch.setattr(module, "BUFFER", 2 * buffer)
    seen = positions(stream(numbered(100)))
    assert len(seen) == 96  # four rows do not fill a batch
    assert len(seen.unique()) == 96
    assert (seen.diff() != 1).float().mean() > 0.8
    assert not torch.equal(seen, positions(stream(numbered(100)), seed=1))
    assert torch.equal(seen, positions(stream(numbered(100))))


def test_rows_that_are_held_out_do_not_train():
    rows = stream(numbered(100)).without(torch.tensor([5, 0, 33]))  # of the sample 0, 3, 6, …
    assert rows.n_rows == 97
    assert not set(positions(rows, batch_size=1).tolist()) & {15, 0, 99}
    assert len(positions(rows, batch_size=1)) == 97


def test_weights_stay_with_their_rows(monkeypatch):
    monkeypatch.setattr(module, "BUFFER", 30)
    rows = stream(numbered(50), weights=10 * torch.arange(50.0)).without(torch.tensor([2]))
    for x, weights in rows.epoch(4, generator()):
        assert x.shape == (1, 4, 2)
        torch.testing.assert_close(weights, 10 * x[..., 0])


def test_a_stream_that_changes_gets_a_sentence():
    passes = iter([numbered(30)])
    rows = stream(numbered(30), read=lambda _: ((0, part) for part in passes))
    assert len(positions(rows, batch_size=5)) == 30
    with pytest.raises(ValueError, match=r"same rows each time, .* gave 30 training row\(s\) and a later one 0"):
        positions(rows)


def test_models_in_memory_have_their_own_rows_and_weights():
    x, train = numbered(20), [torch.arange(10), torch.arange(5, 20)]
    rows = RowsInMemory(x, torch.arange(20.0), train)
    seen = []
    for batch, weights in rows.epoch(3, generator()):
        assert batch.shape == (2, 3, 2)
        torch.testing.assert_close(weights, batch[..., 0])
        seen.append(batch[..., 0].long())
    first, second = torch.cat(seen, dim=1)
    assert len(first) == 9 and set(first.tolist()) < set(range(10)) and len(first.unique()) == 9
    assert set(second.tolist()) < set(range(5, 20)) and len(second.unique()) == 9


def test_a_stream_that_is_changed_on_the_way_has_the_same_rows_in_the_same_order():
    x = numbered(100)
    plain = [batch for batch, _ in stream(x).epoch(8, generator(1))]
    changed = [
        batch for batch, _ in stream(x).changed(lambda part: torch.cat([-part, part], dim=1)).epoch(8, generator(1))
    ]
    for one, other in zip(plain, changed, strict=True):
        torch.testing.assert_close(other, torch.cat([-one, one], dim=-1))
