import dataclasses

import pandas as pd
import pytest
import torch
from torch import nn

from skvae import VAETransformer
from skvae.models import decide
from skvae.models.auto import Facts, Rules, has_models_beside
from skvae.tables import Table
from skvae.training import CyclicalBeta, LinearBeta

CPU = torch.device("cpu")


@pytest.fixture
def table(iris):
    return Table.fit(iris)


def test_a_number_wins_over_every_rule(table):
    said = {"learning_rate": 0.5, "weight_decay": 0.25, "batch_size": 3, "max_iter": 9, "hidden_layer_sizes": [4]}
    of_objective = {"free_bits": 0.5, "input_dropout": 0.3, "input_noise": 0.2}
    plan = decide(VAETransformer(**said, **of_objective, init="random"), table, 150, CPU)
    recipe = plan.recipe
    assert (recipe.learning_rate, recipe.weight_decay, recipe.batch_size, recipe.max_iter) == (0.5, 0.25, 3, 9)
    assert plan.architecture.hidden_layer_sizes == (4,)
    assert {name: getattr(plan.objective, name) for name in of_objective} == of_objective
    assert plan.init == "random"


def test_auto_is_what_the_rules_say(table):
    of_rules = Rules(Facts.of(table, 150, 10))
    plan = decide(VAETransformer(), table, 150, CPU)
    assert plan.architecture.hidden_layer_sizes == (of_rules.width(),) * 2
    assert plan.recipe.max_iter == of_rules.max_iter(plan.recipe.batch_size)
    assert (plan.early_stopping, plan.init, plan.n_threads) == ("auto", "numbers", 1)


def test_a_model_that_is_continued_has_z_in_use_and_may_have_seen_every_row(table):
    plan = decide(VAETransformer(beta=2.0, likelihood="bernoulli"), table, 150, CPU, is_continued=True)
    assert plan.objective.beta == LinearBeta(2.0, end=0.0)
    assert plan.early_stopping is False
    asked = VAETransformer(beta=CyclicalBeta(), early_stopping=True)
    plan = decide(asked, table, 150, CPU, is_continued=True)
    assert (plan.objective.beta, plan.early_stopping) == (CyclicalBeta(), True)


def test_threads_are_for_wide_products(table):
    wide = VAETransformer(hidden_layer_sizes=(16_384,))
    assert decide(wide, table, 150, CPU).n_threads is None


def test_plans_are_values(table):
    plan = decide(VAETransformer(), table, 150, CPU)
    assert plan == decide(VAETransformer(), table, 150, CPU)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.init = "random"


@pytest.mark.parametrize(
    ("columns", "likelihood", "options", "named"),
    [
        ("a", "bernoulli", {}, "'bernoulli'"),
        ("a", "gamma", {}, "'gamma'"),
        ("ab", {"a": "poisson"}, {"decoder": "autoregressive"}, "'categorical' or 'poisson'"),
        ("b", "auto", {"encoder": nn.Linear}, "'categorical'"),
        ("b", "auto", {"decoder": nn.Linear}, "'categorical'"),
        ("c", "auto", {}, "'ordinal'"),
    ],
)
def test_a_linear_start_of_columns_that_have_none_is_refused(columns, likelihood, options, named):
    frame = pd.DataFrame({"a": [0.25, 0.5, 1.0, 1.0], "b": list("xyxy")})
    if "poisson" in named:
        frame["a"] = [1, 2, 3, 4]
    frame["c"] = frame["b"].astype(pd.CategoricalDtype(list("xy"), ordered=True))
    table = Table.fit(frame[list(columns)], likelihood)
    with pytest.raises(ValueError, match=rf"init='linear' .* has a location.* but all columns here are {named}"):
        decide(VAETransformer(init="linear", **options), table, 4, CPU)
    decide(VAETransformer(**options), table, 4, CPU)


def test_numbers_and_categories_may_start_at_a_linear_model():
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": list("xyxy")})
    for columns, options, init in (
        ("b", {}, "linear"),
        ("ab", {"encoder": nn.Linear}, "numbers"),
        ("ab", {"decoder": "autoregressive"}, "numbers"),
        ("ab", {}, "linear"),
        ("a", {}, "numbers"),
    ):
        table = Table.fit(frame[list(columns)])
        assert decide(VAETransformer(init="linear", **options), table, 4, CPU).init == init


def test_too_many_levels_are_not_begun_and_networks_of_the_user_carry_none():
    few = pd.DataFrame({"a": [f"{i % 7}" for i in range(1400)], "b": list("xy") * 700})
    many = pd.DataFrame({name: [f"{i % 700}" for i in range(1400)] for name in "ab"})
    for frame, options, start in ((few, {}, "linear"), (many, {}, "random"), (few, {"encoder": nn.Linear}, "random")):
        plan = decide(VAETransformer(**options), Table.fit(frame), 2000, CPU)
        assert plan.init == start
        assert not plan.may_begin


def test_categories_that_start_at_random_may_begin_at_a_linear_model():
    table = Table.fit(pd.DataFrame({"a": [1, 2, 3, 4], "b": list("xyxy")}))
    for options, may_begin in (({}, True), ({"init": "random"}, True), ({"init": "linear"}, False)):
        assert decide(VAETransformer(**options), table, 4, CPU).may_begin == may_begin
    assert not decide(VAETransformer(decoder="autoregressive"), table, 4, CPU).may_begin


@pytest.mark.parametrize(("most", "init"), [(6, "linear"), (5, "numbers")])
def test_a_linear_start_that_is_asked_for_has_so_many_levels_at_most(most, init, monkeypatch):
    monkeypatch.setattr("skvae.models.auto.MAX_LEVELS", most)
    monkeypatch.setattr("skvae.models.choices.MAX_LEVELS", most)
    frame = pd.DataFrame({"a": [0.5, 1.0, 1.5, 2.5], "b": list("pqrs"), "c": list("xyxy")})
    asked = VAETransformer(init="linear")
    assert decide(asked, Table.fit(frame), 4, CPU).init == init
    if init == "numbers":
        with pytest.raises(ValueError, match=r"of categories with up to 5 levels in all, but .* are 'categorical'"):
            decide(asked, Table.fit(frame[["b", "c"]]), 4, CPU)


@pytest.mark.parametrize("sizes", [(0,), (8, -1), (8.5,)])
def test_layers_have_positive_whole_sizes(sizes, table):
    with pytest.raises(ValueError, match="hidden_layer_sizes must hold positive integers"):
        decide(VAETransformer(hidden_layer_sizes=sizes), table, 150, CPU)


@pytest.mark.parametrize("decoder", ["auto", "conditional", "factorized", "autoregressive"])
def test_models_beside_are_those_that_the_rules_say(decoder, iris):
    vae = VAETransformer(decoder=decoder)
    for table in (Table.fit(iris), Table.fit(pd.DataFrame(iris))):
        beside = ["chain", "reader"] if has_models_beside(vae, table) else []
        assert list(decide(vae, table, 150, CPU).beside) == beside


def test_models_beside_are_trained_as_the_user_says(iris):
    said = {"learning_rate": 0.5, "batch_size": 3, "max_iter": 9, "hidden_layer_sizes": [4], "weight_decay": 0.25}
    plan = decide(VAETransformer(**said, decoder="conditional"), Table.fit(pd.DataFrame(iris)), 150, CPU)
    assert plan.architecture.sizes_beside == (4,)
    for stage in plan.beside.values():
        recipe = stage.recipe
        assert (recipe.learning_rate, recipe.weight_decay, recipe.batch_size, recipe.max_iter) == (0.5, 0.25, 3, 9)
