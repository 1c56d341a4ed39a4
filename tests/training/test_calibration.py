import numpy as np
import pandas as pd
import pytest
import torch

from skvae import VAETransformer
from skvae.metrics import column_shapes
from skvae.training import calibration, match_marginals
from skvae.training.calibration import proportional_fit, shifts_of_met, stratified
from tests.tables.bills import bills


@pytest.fixture(scope="module", params=["autoregressive", "conditional"])
def fitted(request):
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], p=[0.7, 0.2, 0.1], size=3000)
    X = pd.DataFrame(
        {"kind": kind, "size": rng.gamma(2, size=3000) + (kind == "a"), "count": rng.poisson(3, size=3000)}
    )
    X.loc[rng.random(3000) < 0.3, "size"] = np.nan
    settings = {"hidden_layer_sizes": (16,), "max_iter": 2, "random_state": 0}
    return VAETransformer(2, decoder=request.param, add_indicator=True, **settings).fit(X), X


def drawn_from(vae):
    """What columns are drawn from one after another, and the outputs that say how."""
    if vae.vae_.chain is None:
        return vae.vae_, vae.vae_.decoder
    return vae.vae_.chain, vae.vae_.chain


def test_marginals_of_samples_are_those_of_the_training_rows(fitted):
    vae, X = fitted
    assert column_shapes(X, vae.sample(40_000, random_state=0)).max() < 0.015


def test_biases_that_were_disturbed_are_found_again(fitted):
    vae, X = fitted
    x, (model, outputs) = vae.table_.encode(X).float(), drawn_from(vae)
    outputs.bias += torch.randn(outputs.bias.shape, generator=torch.Generator().manual_seed(0))
    assert column_shapes(X, vae.sample(5000, random_state=0)).max() > 0.1
    match_marginals(model, x, torch.Generator().manual_seed(0))
    assert column_shapes(X, vae.sample(40_000, random_state=0)).max() < 0.015


def test_cells_lie_as_often_in_the_level_of_what_they_copy():
    X = bills(3000)
    vae = VAETransformer(1, max_iter=2, random_state=0).fit(X)
    chain, x = vae.vae_.chain, vae.table_.encode(X).float()
    (copied,) = vae.table_.copied
    assert copied == (2, 1)

    def share(rows):
        met = chain.relative.ranges_met(2, rows)[1]
        return (rows[..., 2].long() == met)[met >= 0].double().mean()

    def drawn():
        return chain.sample(40_000, x, torch.Generator().manual_seed(1), gaps=True)

    seen = share(x.unsqueeze(0))
    torch.testing.assert_close(share(drawn()), seen, rtol=0.05, atol=0)
    chain.relative.shift_met(2, 1, torch.full((chain.widths[2],), 1.5))
    assert share(drawn()) > 1.3 * seen
    match_marginals(chain, x, torch.Generator().manual_seed(0))
    assert share(drawn()) > 1.3 * seen
    match_marginals(chain, x, torch.Generator().manual_seed(0), copies=[copied])
    torch.testing.assert_close(share(drawn()), seen, rtol=0.05, atol=0)
    assert column_shapes(X, vae.sample(40_000, random_state=0)).max() < 0.02


def test_each_level_is_met_as_often_as_in_training():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(6000, 4, generator=random, dtype=torch.float64)
    drawn = torch.randint(-1, 3, (6000,), generator=random)  # the last level is never met
    seen = torch.randint(-1, 3, (3000,), generator=random)
    wanted = torch.tensor([0.9, 0.1, 0.5], dtype=torch.float64)
    is_same = torch.rand(3000, generator=random) < wanted[seen.clamp(min=0)]
    x = torch.where(is_same, seen, 3).double()
    x[:50] = torch.nan  # gaps say nothing
    shifts = shifts_of_met(logits, drawn, x, seen)
    assert shifts.isfinite().all()
    for level in range(3):
        rows = drawn == level
        moved = logits[rows] + shifts * (torch.arange(4) == level)
        frequency = (x[50:] == seen[50:])[seen[50:] == level].double().mean()
        share = torch.softmax(moved, dim=-1)[:, level].mean()
        assert abs(share - frequency) < 0.006  # ten rows beside seven hundred are as drawn


def test_a_column_whose_gaps_nothing_explains_is_left_alone():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.choice(["x", "y"], size=500).astype(object), "b": rng.choice(["u", "v"], size=500)})
    X.loc[:100, "a"] = None
    vae = VAETransformer(1, decoder="autoregressive", hidden_layer_sizes=(4,), max_iter=1, random_state=0).fit(X)
    before = vae.vae_.decoder.bias.clone()
    before[..., 2:] += 3.0
    vae.vae_.decoder.bias.copy_(before)
    match_marginals(vae.vae_, vae.table_.encode(X).float(), torch.Generator().manual_seed(0))
    moved = (vae.vae_.decoder.bias != before).flatten().tolist()
    assert moved[:2] == [False, False]
    frequencies = vae.sample(20_000, random_state=0)["b"].value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(frequencies, X["b"].value_counts(normalize=True).sort_index(), atol=0.015)


@pytest.mark.parametrize(
    "scale", [0.5, 5.0, 500.0]
)  # of logits: at the last, most probabilities are 0 in any precision
def test_the_shift_makes_probabilities_average_to_frequencies(scale):
    random = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(2000, 4, generator=random, dtype=torch.float64)
    frequencies = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    shift = proportional_fit(logits, frequencies)
    assert shift.isfinite().all()
    shares = torch.softmax(logits + shift, dim=-1).mean(dim=0)
    torch.testing.assert_close(shares, frequencies, atol={0.5: 1e-4, 5.0: 0.02, 500.0: 0.3}[scale], rtol=0)


def test_a_level_that_no_row_draws_does_not_break_the_shift():
    logits = torch.zeros(50, 3, dtype=torch.float64)
    logits[:, 2] = -2000.0  # a probability of 0
    frequencies = torch.tensor([0.5, 0.49, 0.01], dtype=torch.float64)
    shift = proportional_fit(logits, frequencies)
    assert shift.isfinite().all()
    shares = torch.softmax(logits + shift, dim=-1).mean(dim=0)
    torch.testing.assert_close(shares[0] / shares[1], frequencies[0] / frequencies[1])


def test_parts_of_the_rows_say_what_all_of_them_do(monkeypatch):
    logits = 3 * torch.randn(1001, 4, generator=torch.Generator().manual_seed(0))
    frequencies = torch.tensor([0.1, 0.2, 0.3, 0.4])
    whole = proportional_fit(logits, frequencies), stratified(logits, torch.Generator().manual_seed(1))
    monkeypatch.setattr(calibration, "PART", 400)
    parts = proportional_fit(logits, frequencies), stratified(logits, torch.Generator().manual_seed(1))
    torch.testing.assert_close(parts[0], whole[0])
    assert torch.equal(parts[1], whole[1])


def test_fewer_rows_are_drawn_of_wide_columns(fitted, monkeypatch):
    vae, X = fitted
    x, (model, outputs) = vae.table_.encode(X).float(), drawn_from(vae)
    n_rows, one_by_one = set(), calibration.stratified
    monkeypatch.setattr(calibration, "LOGITS", 70_000)
    monkeypatch.setattr(
        calibration, "stratified", lambda logits, generator: n_rows.add(len(logits)) or one_by_one(logits, generator)
    )
    match_marginals(model, x, torch.Generator().manual_seed(0))
    together = sum(outputs.widths) if model is not outputs else max(outputs.widths)
    assert n_rows == {70_000 // together}
    assert column_shapes(X, vae.sample(40_000, random_state=0)).max() < 0.05
