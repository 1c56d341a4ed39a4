import numpy as np
import pandas as pd
import pytest

from skvae.metrics import (
    column_shapes,
    distance_to_closest_record,
    downstream_score,
    exact_copies,
    mean_trend,
    pair_trends,
    report,
    two_sample_auc,
    two_sample_score,
)
from skvae.metrics.leaks import attacks_on_membership
from skvae.metrics.validity import checks_of, is_invalid


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    return pd.DataFrame({"x": x, "<n>": np.rint(3 * x), "word": np.where(x + rng.normal(size=n_rows) > 0, "a", "b")})


TRAIN, TEST, SYNTHETIC = draw(200, 0), draw(100, 1), draw(150, 2)


@pytest.fixture(scope="module")
def judged():
    return report(TRAIN, SYNTHETIC, test=TEST, target="word", random_state=0)


def test_report_holds_every_figure(judged):
    expected = {
        "Shape error": column_shapes(TRAIN, SYNTHETIC).mean(),
        "Trend error": mean_trend(pair_trends(TRAIN, SYNTHETIC)),
        "Two-sample score, train": two_sample_score(TRAIN, SYNTHETIC, random_state=0),
        "Two-sample AUC, train": two_sample_auc(TRAIN, SYNTHETIC, random_state=0).mean(),
        "Two-sample score, test": two_sample_score(TEST, SYNTHETIC, random_state=0),
        "Two-sample AUC, test": two_sample_auc(TEST, SYNTHETIC, random_state=0).mean(),
        "Downstream ROC AUC": downstream_score(SYNTHETIC, TEST, "word", random_state=0),
        "Closer to train": distance_to_closest_record(TRAIN, TEST, SYNTHETIC, random_state=0),
        "Worst attack": attacks_on_membership(TRAIN, TEST, SYNTHETIC, 0)[0].value,
        "Exact copies": exact_copies(TRAIN, SYNTHETIC),
        "Invalid rows": is_invalid(checks_of(TRAIN, SYNTHETIC), len(SYNTHETIC)).mean(),
    }
    assert judged.table["value"].to_dict() == pytest.approx(expected)
    assert list(judged.table.columns) == ["value", "ideal", "real", "standard_error", "meaning"]
    pd.testing.assert_series_equal(judged.shapes, column_shapes(TRAIN, SYNTHETIC))
    pd.testing.assert_frame_equal(judged.trends, pair_trends(TRAIN, SYNTHETIC))


def test_tables_of_polars_are_judged_as_those_of_pandas(judged):
    pl = pytest.importorskip("polars")
    train, synthetic, test = map(pl.from_pandas, (TRAIN, SYNTHETIC, TEST))
    other = report(train, synthetic, test=test, target="word", random_state=0)
    assert other.table["value"].to_dict() == judged.table["value"].to_dict()
    assert other.score == judged.score


@pytest.mark.parametrize("tenant", [10**17, 1e300])
def test_a_constant_beyond_the_steps_of_floats_is_judged(tenant):
    train, synthetic, test = (table.assign(tenant=tenant) for table in (TRAIN, SYNTHETIC, TEST))
    found = report(train, synthetic, test=test, random_state=0)
    assert found.shapes["tenant"] == found.trends.loc["tenant", "x"] == 0
    pytest.importorskip("matplotlib")
    assert "tenant" in found.to_html()


def test_real_is_what_test_rows_reach(judged):
    as_synthetic = report(TRAIN, TEST, random_state=0).table["value"]
    assert judged.table["real"][as_synthetic.index].to_dict() == pytest.approx(as_synthetic.to_dict())
    assert judged.table["real"]["Downstream ROC AUC"] == downstream_score(TRAIN, TEST, "word", random_state=0)
    assert np.isnan(judged.table["real"]["Closer to train"])


def test_without_test_rows_only_what_train_can_tell():
    table = report(TRAIN, SYNTHETIC, random_state=0).table
    assert [name for name in table.index if "test" in name or "Downstream" in name or "Closer" in name] == []
    assert table["real"].isna().all()


def test_a_number_as_target_is_judged_by_its_error():
    table = report(TRAIN, SYNTHETIC, test=TEST[["word", "<n>", "x"]], target="x", random_state=0).table
    assert table["value"]["Downstream RMSE"] == downstream_score(SYNTHETIC, TEST, "x", random_state=0)
    with pytest.raises(ValueError, match=r"target='x' came without test. Pass test, or leave target out"):
        report(TRAIN, SYNTHETIC, target="x")


def test_report_reads_as_text_and_html(judged):
    text = str(judged)
    assert repr(judged) == text
    assert text.startswith("150 synthetic rows of 3 columns, from 200 rows")
    assert all(name in text for name in judged.table.index)
    assert max(map(len, text.splitlines())) <= 120
    html = judged._repr_html_()
    assert "&lt;n&gt;" in html and "<n>" not in html and "Shape error" in html


def test_verdicts_and_score_are_of_the_same_answers(judged):
    verdicts = judged.verdicts
    assert list(verdicts.columns) == ["verdict", "points", "leaks", "sentence"]
    assert set(verdicts.index) < set(judged.table.index)
    assert judged.score <= verdicts["points"].mean()
    assert judged.leaks == verdicts["sentence"][verdicts["leaks"]].tolist()
    assert f"Score: {judged.score} of 100" in str(judged)


def test_identifiers_are_judged_apart():
    tables = [
        table.assign(name=[f"{i} {n}" for n in range(len(table))]) for i, table in enumerate((TRAIN, TEST, SYNTHETIC))
    ]
    judged = report(tables[0], tables[2], test=tables[1], random_state=0)
    plain = report(TRAIN, SYNTHETIC, test=TEST, random_state=0)
    pd.testing.assert_frame_equal(judged.table, plain.table)
    pd.testing.assert_series_equal(judged.shapes, plain.shapes)
    assert list(judged.identifiers.index) == ["name"] and judged.identifiers.loc["name", "copied"] == 0
    assert "150 synthetic rows of 4 columns" in str(judged) and "Identifiers, judged apart: name" in str(judged)
    copied = report(tables[0], tables[2].assign(name=tables[0]["name"][:150]), test=tables[1], random_state=0)
    assert any("identifiers are copies of real values: “name” (100.0% of rows)" in leak for leak in copied.leaks)


def test_a_table_of_identifiers_alone_has_nothing_to_compare():
    names = pd.DataFrame({"name": [f"person {i}" for i in range(100)]})
    with pytest.raises(ValueError, match=r"each of \['name'\] only names them: all values differ. Pass a column"):
        report(names, names)


def test_a_target_is_no_identifier():
    tables = [table.assign(n=np.arange(len(table)) + 200 * i) for i, table in enumerate((TRAIN, TEST, SYNTHETIC))]
    assert len(report(tables[0], tables[2], test=tables[1], random_state=0).identifiers) == 1
    assert len(report(tables[0], tables[2], test=tables[1], target="n", random_state=0).identifiers) == 0


def test_sparse_categories_are_named():
    rng = np.random.default_rng(0)
    place = [pd.Series(rng.integers(60, size=len(table)).astype(str)) for table in (TRAIN, TEST, SYNTHETIC)]
    tables = [table.assign(place=places) for table, places in zip((TRAIN, TEST, SYNTHETIC), place, strict=True)]
    judged = report(tables[0], tables[2], test=tables[1], random_state=0)
    assert judged.sparse == ["place"] and "Too many values to be judged on these rows: place" in str(judged)
    assert judged.table["value"]["Shape error"] == pytest.approx(judged.shapes.drop("place").mean())


def test_figures_are_in_a_fixed_order(judged):
    assert list(judged.table.index[[0, -1]]) == ["Shape error", "Exact copies"]
    with pytest.raises(AttributeError):
        judged.table = None


@pytest.mark.parametrize("short", ["train", "synthetic", "test"])
def test_tables_of_two_rows_are_too_short(short):
    tables = {name: pd.DataFrame({"x": range(2 if name == short else 9)}) for name in ("train", "synthetic", "test")}
    with pytest.raises(ValueError, match=rf"needs 3 rows of each, but {short} has 2\. Pass more rows\."):
        report(tables.pop("train"), tables.pop("synthetic"), **tables)
