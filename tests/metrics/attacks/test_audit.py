import json

import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from skvae.metrics import Audit, Guesses, Membership, audit
from tests.metrics.attacks.people import people

TRAIN, HOLDOUT, REFERENCE, MORE = (people(160, seed) for seed in range(4))


def numbers(seed):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(120, 3)), columns=list("abc"))


def test_copies_leak_by_every_kind_of_attack():
    found = audit(TRAIN, TRAIN, HOLDOUT, reference=REFERENCE, random_state=0)
    assert found.leaks
    assert found.sentence() == found.worst.sentence()
    table = found.table
    assert (table["lower"] > table["chance"]).all()
    assert list(table.index) == [
        "the density of synthetic rows",
        "a classifier of synthetic rows",
        "distances over all columns",
        "distances over random subsets of columns",
        "distances over correlated subsets of columns",
        "singling out by one column",
        "singling out by 3 columns",
        "linking two halves of a row",
        *(f"inference of {column}" for column in TRAIN),
    ]


def test_fresh_rows_do_not_leak():
    found = audit(TRAIN, MORE, HOLDOUT, reference=REFERENCE, random_state=0)
    assert not found.leaks
    assert found.sentence().startswith("None of 13 attacks is beyond chance; that is no proof")


def test_the_worst_is_that_of_which_most_is_proved():
    many, few = Guesses("many", "rows", 400, 1000, 300, 1000), Guesses("few", "rows", 5, 10, 3, 10)
    found = Audit((few, many, Membership("model", "model", 0.7, 0.01, 0.1, 0.2, 99, 99)))
    assert found.worst.attack == found.worst_of("model").attack == "model"
    assert found.worst_of("rows").attack == "many"
    with pytest.raises(ValueError, match=r"No attack here needs model. Pass model= to audit"):
        Audit((few,)).worst_of("model")


def test_many_attacks_must_find_more_to_be_beyond_chance():
    outcome = Membership("one", "rows", 0.5 + 2.2 * 0.01, 0.01, 0.0, 0.0, 99, 99)
    assert Audit((outcome,)).leaks
    assert not Audit((outcome,) * 10).leaks


def test_a_model_is_attacked_raw_and_beside_a_clone_that_learned_from_the_reference():
    train, holdout, reference = (numbers(seed) for seed in range(3))
    model = KernelDensity(bandwidth=0.1).fit(train)
    found = audit(train, numbers(3), holdout, reference=reference, model=model, random_state=0)
    of_model = found.table.query("needs == 'model'")
    assert list(of_model.index) == ["likelihood (score_samples)", "relative likelihood (score_samples)"]
    assert (of_model["value"] > 0.8).all()
    assert found.worst.needs == "model"
    given = audit(
        train,
        numbers(3),
        holdout,
        reference=reference,
        model=model,
        reference_model=KernelDensity(bandwidth=0.1).fit(reference),
        random_state=0,
    )
    assert given.to_dict() == found.to_dict()
    raw = audit(train, numbers(3), holdout, reference=reference, model=model, reference_model=None, random_state=0)
    assert len(raw.outcomes) == len(found.outcomes) - 1


def test_a_model_that_is_no_estimator_has_no_clone():
    class Constant:
        def log_likelihood(self, rows):
            return np.zeros(len(rows))

    tables = [numbers(seed) for seed in range(3)]
    found = audit(*tables, model=Constant(), random_state=0)
    assert found.worst_of("model").attack == "likelihood (log_likelihood)"


def test_columns_that_do_not_take_part_change_nothing_but_the_model():
    names = pd.Series([f"name {i}" for i in range(900)])
    with_names = [
        table.assign(name=names[160 * i : 160 * (i + 1)].to_numpy()) for i, table in enumerate((TRAIN, MORE, HOLDOUT))
    ]
    columns = list(TRAIN)
    assert (
        audit(*with_names, columns=columns, random_state=0).to_dict()
        == audit(TRAIN, MORE, HOLDOUT, random_state=0).to_dict()
    )
    train, fresh, holdout = (numbers(seed).assign(d=0.0) for seed in range(3))
    found = audit(train, fresh, holdout, columns=["a", "b"], model=GaussianMixture(random_state=0).fit(train))
    assert "likelihood (score_samples)" in found.table.index
    assert "inference of c" not in found.table.index


def test_sensitive_columns_are_inferred_alone():
    table = audit(TRAIN, MORE, HOLDOUT, sensitive=["pay"], random_state=0).table
    assert [name for name in table.index if name.startswith("inference")] == ["inference of pay"]


def test_a_single_column_is_attacked_by_what_one_column_allows():
    table = audit(TRAIN, TRAIN, HOLDOUT, columns=["pay"], random_state=0).table
    assert len(table) == 4


def test_rows_are_sampled_by_seed():
    first, second = (audit(TRAIN, MORE, HOLDOUT, max_rows=80, random_state=1) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.outcomes[0].n_members == first.outcomes[0].n_others == 40


def test_figures_are_json_and_text():
    found = audit(TRAIN, MORE, HOLDOUT, random_state=0)
    figures = json.loads(json.dumps(found.to_dict()))
    assert len(figures["attacks"]) == len(found.outcomes)
    assert figures["worst"] == found.worst.attack
    assert str(found).startswith(found.sentence())
    assert "nan" not in str(found)
    assert found.sentence() in found._repr_html_()


@pytest.mark.parametrize(
    ("tables", "parameters", "message"),
    [
        ((TRAIN[:19], MORE, HOLDOUT), {}, r"at least 20 rows of each table, but train has 19"),
        ((TRAIN, MORE, HOLDOUT[:39]), {}, r"but reference has 19; without reference, half of holdout is taken"),
        ((TRAIN, MORE, HOLDOUT), {"max_rows": 39}, r"max_rows must be at least 40, but is 39. Pass 2000"),
        ((TRAIN, MORE, HOLDOUT), {"columns": ["wage"]}, r"but \['wage'\] has \['wage'\], which do not. Name some"),
        ((TRAIN, MORE, HOLDOUT), {"columns": []}, r"columns must name columns that take part, but \[\] has \[\]"),
        ((TRAIN, MORE.drop(columns="age"), HOLDOUT), {}, r"train and synthetic must have the same columns"),
        (
            (TRAIN, MORE, HOLDOUT),
            {"sensitive": ["wage"]},
            r"sensitive must name columns that take part, but \['wage'\]",
        ),
    ],
)
def test_bad_input_gets_a_sentence(tables, parameters, message):
    with pytest.raises(ValueError, match=message):
        audit(*tables, random_state=0, **parameters)
