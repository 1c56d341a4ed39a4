import json

import numpy as np
import pandas as pd
import pytest

from skvae.metrics import report
from skvae.metrics.document import document_of, not_asked


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    names = [f"secret{seed}x{i}" for i in range(n_rows)]
    return pd.DataFrame({"x": x, 7: np.rint(3 * x), "word": np.where(x > 0, "a", "b"), "name": names})


@pytest.fixture(scope="module")
def judged():
    return report(draw(200, 0), draw(150, 2), test=draw(100, 1), random_state=0)


def test_json_takes_it_and_finds_the_figures_of_the_report(judged):
    document = json.loads(json.dumps(judged.to_dict(), allow_nan=False))
    assert document == document_of(judged)
    assert document["score"] == judged.score
    assert {name: figure["value"] for name, figure in document["figures"].items()} == judged.table["value"].to_dict()
    assert [part["verdict"] for part in document["answers"]] == judged.verdicts["verdict"].tolist()
    assert document["columns"]["7"] == judged.shapes[7]
    assert document["rows"] == {"train": 200, "synthetic": 150, "test": 100}
    assert document["attacks"][0]["value"] == judged.table["value"]["Worst attack"]
    assert list(document["identifiers"]) == ["name"]
    assert len(document["pairs"]) == 3 and len(document["checks"]) == len(judged.checks)
    assert document["not_asked"] == not_asked(judged) == []
    assert "secret" not in json.dumps(document)


def test_what_is_unknown_is_none():
    document = report(draw(200, 0), draw(150, 2).astype({7: "Int64"}), random_state=0).to_dict()
    assert document["figures"]["Shape error"]["real"] is None and document["rows"]["test"] is None
    assert document["answers"][0]["real"] is None
    assert document["types"] == {"7": ["float64", "Int64"]}
    assert document["attacks"] == [] and "was not asked" in document["not_asked"][0]


def test_few_held_out_rows_allow_one_attack_and_that_is_said():
    judged = report(draw(100, 0), draw(100, 2), test=draw(39, 1), random_state=0)
    (sentence,) = judged.to_dict()["not_asked"]
    assert "one attack only" in sentence and "20 rows of each table, and 40 real ones" in sentence
    assert sentence in judged.to_html()


def test_held_out_rows_of_another_kind_are_told():
    test = draw(100, 1)
    judged = report(draw(200, 0), draw(150, 2), test=test.assign(x=test["x"] + 5), random_state=0)
    (sentence,) = judged.to_dict()["not_asked"]
    assert f"in {judged.table['real']['Two-sample AUC, test']:.1%} of cases" in sentence
    assert sentence in judged.to_html()
