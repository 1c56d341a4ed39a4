import numpy as np
import pandas as pd

from skvae.metrics import report
from skvae.metrics.sections import (
    FEWEST,
    attacks_section,
    checks_section,
    first_rows,
    identifiers_section,
    sparse_sentence,
)


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    names = [f"{seed} {i}" for i in range(n_rows)]
    return pd.DataFrame({"x": rng.normal(size=n_rows), "word": rng.choice(["a", "b"], n_rows), "<name>": names})


TRAIN, TEST, ROWS = draw(100, 0), draw(80, 1), draw(90, 2)


def test_attacks_are_listed_with_their_intervals():
    judged = report(TRAIN, TRAIN, test=TEST, random_state=0)
    listed = attacks_section(judged)
    assert len(judged.attacks) == listed.count("<tr>") - 1 == 4
    for attack in judged.attacks:
        figures = "</td><td>".join(f"{figure:.1%}" for figure in (attack.value, *attack.interval))
        assert f"<tr><td>{attack.attack}</td><td>{figures}</td></tr>" in listed
    assert attacks_section(report(TRAIN, ROWS, random_state=0)) == ""


def test_identifiers_are_named_and_their_copies():
    fresh = identifiers_section(report(TRAIN, ROWS, test=TEST, random_state=0))
    assert "&lt;name&gt;" in fresh and "None of them gives real values out" in fresh and "of held-out rows" in fresh
    copies = identifiers_section(report(TRAIN, TRAIN, random_state=0))
    assert "Real values come back in “&lt;name&gt;”" in copies and "of held-out rows" not in copies
    plain = [table.drop(columns="<name>") for table in (TRAIN, ROWS)]
    assert identifiers_section(report(*plain, random_state=0)) == ""


def test_broken_rules_are_listed_and_types_that_differ():
    assert "rules hold in all rows that the model learned from; 0 of them" in checks_section(report(TRAIN, TRAIN))
    broken = checks_section(report(TRAIN, ROWS.assign(word="c").astype({"x": "float32"}), test=TEST, random_state=0))
    assert "<td>known values</td><td>100.00%</td><td>0.00%</td>" in broken
    assert "Types differ: x is float32 instead of float64." in broken


def test_sparse_columns_are_named():
    judged = report(TRAIN, ROWS, test=TEST, random_state=0)
    assert sparse_sentence(judged) == ""
    many = [table.assign(word=np.arange(len(table)) % 40).astype({"word": str}) for table in (TRAIN, ROWS)]
    assert "“word”" in sparse_sentence(report(*many, random_state=0))


def test_names_and_rare_values_are_hidden_in_rows():
    train = TRAIN.assign(word=["rare"] * (FEWEST - 1) + ["a"] * FEWEST + ["b"] * (101 - 2 * FEWEST))
    rows = ROWS.assign(word=["rare", "a", "b", None, "new"] * 18)
    shown = first_rows(report(train, ROWS.assign(word=rows["word"]), random_state=0))
    assert shown["word"].tolist()[:3] == ["(rare value)", "a", "b"] and shown["word"].tolist()[4] == "new"
    assert set(shown["<name>"]) == {"(identifier)"}
    assert shown["x"].equals(ROWS["x"].head())
