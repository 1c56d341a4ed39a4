import math

import pandas as pd
import pytest

from skvae import VAETransformer
from skvae.likelihoods import Bernoulli, Gaussian
from skvae.models.auto import (
    MAX_COLUMNS,
    ChainRules,
    Facts,
    ReaderRules,
    Rules,
    SynthesisRules,
    has_models_beside,
)
from skvae.models.pace import MIDDLE, PACES, SMALL, STEPS_OF_A_ROW, TINY
from skvae.tables import Table

FEW, MANY = SMALL - 1, SMALL
ROWS = [2, 30, 150, 400, FEW, MANY, 5000, 20_000, 1_000_000]
PACED = [TINY - 1, FEW, MIDDLE - 1, MIDDLE]  # one of each pace


def facts(n_rows, n_columns=10, n_components=2, **more):
    return Facts(n_rows, n_columns, n_components, n_columns, **more)


def rules(*size, **more):
    return Rules(facts(*size, **more))


@pytest.mark.parametrize("n_rows", ROWS)
@pytest.mark.parametrize("n_columns", [10, 600])
def test_batches_are_powers_of_two_near_a_share_of_the_rows(n_rows, n_columns):
    of_table = rules(n_rows, n_columns)
    size, (share, least) = of_table.batch_size(), (16, 32)
    if TINY <= n_rows < SMALL and n_columns == 10:
        share, least = 4, 128
    assert least <= size <= 512
    assert math.log2(size).is_integer()
    assert size in (least, 512) or 2**-0.5 <= size / (n_rows / share) <= 2**0.5


@pytest.mark.parametrize(("n_rows", "size"), [(2, 32), (FEW, 64), (MANY, 64), (5000, 256), (20_000, 256)])
def test_columns_that_see_one_another_keep_their_batches(n_rows, size):
    assert SynthesisRules(facts(n_rows)).batch_size() == size


@pytest.mark.parametrize("n_rows", ROWS)
def test_the_budget_is_a_hundred_passes_within_bounds_of_steps(n_rows):
    of_table = rules(n_rows)
    batch_size = min(of_table.batch_size(), n_rows)
    max_iter, steps_a_pass = of_table.max_iter(batch_size), n_rows // batch_size
    least = min(of_table.pace().min_steps, STEPS_OF_A_ROW * n_rows)
    wanted = min(max(100 * n_rows / batch_size, least), 20_000)
    assert abs(max_iter * steps_a_pass - wanted) <= steps_a_pass / 2 + 1e-9
    assert max_iter >= 1


def test_steps_grow_with_the_rows_until_there_are_enough():
    n_steps = [rules(n).max_iter(32) * max(1, n // 32) for n in (2, 5, 20, 50, 100)]
    assert n_steps == [14, 35, 140, 350, 699]


@pytest.mark.parametrize(
    ("n_rows", "n_folds"), [(2, 5), (TINY - 1, 5), (TINY, 4), (400, 3), (500, 2), (FEW, 2), (MANY, 2), (1999, 2)]
)
def test_folds_are_as_many_as_hold_two_hundred_rows_and_two_at_least(n_rows, n_folds):
    assert rules(n_rows).n_folds() == n_folds


@pytest.mark.parametrize(("n_rows", "passes"), [(10_000, 14), (30_000, 14), (120_000, 7)])
def test_columns_that_see_one_another_need_few_passes(n_rows, passes):
    assert SynthesisRules(facts(n_rows)).max_iter(256) == passes
    assert SynthesisRules(facts(320)).max_iter(32) == 40  # 400 steps at least


@pytest.mark.parametrize(
    ("n_rows", "n_folds"), [(2, 500), (199, 6), (200, 5), (500, 2), (FEW, 2), (MANY, 1), (1999, 1)]
)
def test_folds_beside_are_as_many_as_hold_two_hundred_rows(n_rows, n_folds):
    assert ChainRules(facts(n_rows)).n_folds() == ReaderRules(facts(n_rows)).n_folds() == n_folds


@pytest.mark.parametrize(("n_rows", "batch_size", "passes"), [(160, 32, 30), (1920, 128, 12), (30_000, 256, 14)])
def test_the_chain_needs_few_passes_where_folds_are_trained(n_rows, batch_size, passes):
    assert ChainRules(facts(n_rows)).max_iter(batch_size) == passes


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "passes"), [(160, 32, 100), (1024, 128, 100), (5120, 512, 200), (51_200, 512, 29)]
)
def test_the_reader_sees_so_many_rows(n_rows, batch_size, passes):
    of_reader = ReaderRules(facts(n_rows))
    assert (of_reader.batch_size(), of_reader.max_iter(batch_size)) == (batch_size, passes)
    assert of_reader.learning_rate() == (3e-3 if batch_size > 32 else 1.5e-3)
    assert of_reader.n_threads((256, 256)) == 1


def test_width_grows_with_the_table():
    assert rules(FEW).width() < rules(MANY).width() < rules(20_000, 200).width()
    assert rules(20_000, 199).width() == rules(19_999, 200).width() == rules(MANY).width()
    assert [SynthesisRules(facts(n)).width() for n in (FEW, MANY, 5 * MANY)] == [64, 128, 256]


@pytest.mark.parametrize(("of", "of_many"), [(SynthesisRules, 8e-3), (ChainRules, 4e-3)])
def test_many_rows_that_see_one_another_learn_fast_but_for_the_chain_of_many_columns(of, of_many):
    rates = [[of(facts(n, n_columns)).learning_rate() for n in (11_999, 12_000)] for n_columns in (19, 20)]
    assert rates == [[4e-3, 8e-3], [4e-3, of_many]]


def test_few_rows_learn_fast_where_columns_are_no_more_than_the_layers_are_wide():
    wide, narrow = [[rules(n, n_columns).learning_rate() for n in PACED] for n_columns in (129, 64)]
    assert wide == [1e-3, 1e-3, 2e-3, 2e-3]
    assert narrow == [pace.learning_rate for _, pace in PACES] + [2e-3]
    assert all(fast > slow for fast, slow in zip(narrow[:3], wide, strict=False))
    assert [rules(n).weight_decay() for n in PACED] == [1.0, 0.5, 1e-2, 1e-2]
    assert rules(FEW, 64).pace() != rules(FEW, 65).pace() == rules(150, 65).pace()
    assert rules(MANY, 128).pace() != rules(MANY, 129).pace()


def test_columns_of_levels_keep_their_pace_from_a_thousand_rows_on():
    assert rules(MANY, n_coded=1).pace() == rules(MIDDLE).pace() != rules(MANY).pace()
    assert rules(FEW, n_coded=1).pace() == rules(FEW).pace()


def test_many_components_keep_their_pace_from_a_thousand_rows_on():
    assert rules(MANY, 61, 16).pace() == rules(MIDDLE).pace() != rules(MANY, 64, 16).pace()
    assert rules(FEW, 10, 9).pace() == rules(FEW).pace()


def test_binary_rows_have_a_pace_of_their_own():
    for n_rows in PACED:
        of_bits = rules(n_rows, is_binary=True)
        assert (of_bits.learning_rate(), of_bits.weight_decay()) == (5e-3, 0.0)
        assert of_bits.batch_size() == rules(n_rows, 600).batch_size()


def test_columns_that_see_one_another_keep_their_decay():
    assert [SynthesisRules(facts(n)).weight_decay() for n in PACED] == [1.0, 1.0, 1e-2, 1e-2]
    assert SynthesisRules(facts(FEW, is_binary=True)).weight_decay() == 0.0


def test_cells_are_hidden_where_gaussian_rows_are_wide_and_redundant():
    assert rules(MANY, 50, 12, is_gaussian=True).input_dropout() == 0.2
    for other in ((FEW, 50, 12), (MANY, 49, 12), (MANY, 50, 13)):
        assert rules(*other, is_gaussian=True).input_dropout() == 0.0
    assert rules(MANY, 50, 12).input_dropout() == 0.0


def test_half_of_the_columns_decide_where_training_starts():
    assert rules(100, 4, n_coded=1, n_begun=1).init() == "numbers"
    assert rules(100, 4, n_coded=2, n_begun=2).init() == "random"


def test_categories_of_many_rows_start_too_where_there_is_little_else():
    assert rules(1999, 4, n_coded=4, n_begun=4).init() == "random"
    assert rules(2000, 4, n_coded=4, n_begun=4).init() == "linear"
    assert rules(2000, 4, n_coded=3, n_begun=3).init() == "linear"
    assert rules(2000, 4, n_coded=4, n_begun=2).init() == "random"
    assert rules(2000, 4, n_coded=2, n_begun=2).init() == "random"
    assert rules(2000, 4, n_coded=1, n_begun=1).init() == rules(2000, 4).init() == "numbers"


def test_z_is_kept_in_use_where_it_has_no_linear_start_or_no_need():
    assert [rules(100, n_coded=n).kl_warmup("numbers") for n in (0, 1)] == [0.0, 0.1]
    assert [rules(100, n_coded=2, n_begun=n).kl_warmup("linear") for n in (1, 2)] == [0.1, 0.0]
    assert rules(100, n_coded=2, n_begun=2).kl_warmup("random") == 0.1
    assert rules(100, is_binary=True).kl_warmup("random") == 0.25
    assert rules(100).free_bits() == 0.0 < SynthesisRules(facts(100)).free_bits()


def test_facts_are_those_of_the_columns_of_the_data():
    frame = pd.DataFrame({"a": [1.0, None, 2.0], "kind": ["x", "y", "x"], "flag": [True, False, True]})
    found = Facts.of(Table.fit(frame, add_indicator=True), 3, 7)
    assert found == Facts(n_rows=3, n_columns=3, n_components=7, n_encoded=4, n_coded=2)
    begun = Facts.of(Table.fit(frame), 3, 7, starts_levels=True)
    assert (begun.n_coded, begun.n_begun) == (2, 2)
    of_array = Table.fit(frame[["a"]].to_numpy())
    assert Facts.of(of_array, 3, 7).is_gaussian
    assert not Facts.of(Table.fit(frame[["a"]].to_numpy(), Gaussian("column")), 3, 7).is_gaussian
    assert Facts.of(Table.fit(frame[["flag"]].to_numpy(), Bernoulli()), 3, 7).is_binary


@pytest.mark.parametrize(
    ("decoder", "of_frame", "of_wide", "of_array"),
    [
        ("auto", True, False, False),
        ("conditional", True, True, True),
        ("factorized", False, False, False),
        ("autoregressive", False, False, False),
    ],
)
def test_columns_of_a_frame_see_one_another_unless_it_is_very_wide(decoder, of_frame, of_wide, of_array, iris):
    vae = VAETransformer(decoder=decoder)
    wide = pd.DataFrame({f"x{j}": [False, True] for j in range(MAX_COLUMNS + 1)})  # numbers are searched for copies
    narrow = wide.iloc[:, :MAX_COLUMNS]
    tables = [Table.fit(X) for X in (narrow, wide, iris)]
    assert [has_models_beside(vae, table) for table in tables] == [of_frame, of_wide, of_array]
