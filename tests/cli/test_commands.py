"""Each command on small files, as a function of its options."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skvae import VAETransformer
from skvae.cli import commands
from skvae.cli.arguments import make_parser
from skvae.cli.progress import notes
from tests.tables.rules.ruled import orders

pytestmark = pytest.mark.usefixtures("small_classifiers")

QUICK = ["--max-iter", "1", "--n-components", "2", "--set", "device=cpu", "--set", "hidden_layer_sizes=(4,)"]


def make_frame():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    frame = pd.DataFrame({"x": x, "n": rng.integers(9, size=40), "word": np.where(x > 0, "a", "b")})
    frame.loc[::7, "x"] = np.nan
    return frame


@pytest.fixture
def frame():
    return make_frame()


@pytest.fixture
def table(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame.to_csv("table.csv", index=False)
    return "table.csv"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A file of a model of the table, which every test has a copy of."""
    place = tmp_path_factory.mktemp("kept")
    make_frame().to_csv(place / "table.csv", index=False)
    run("fit", str(place / "table.csv"), "-o", str(place / "model"), *QUICK)
    return place / "model"


@pytest.fixture
def model(kept, table):
    shutil.copy(kept, "model")
    return "model"


def run(*arguments):
    """Run a command as main does, but let its errors pass."""
    options = make_parser().parse_args(arguments)
    options.arguments = list(arguments)
    with notes():
        options.run(options)


def test_fit_keeps_what_the_options_say(table):
    run("fit", table, "-o", "model", "--decoder", "autoregressive", "--seed", "3", "--set", "prior=mixture", *QUICK)
    vae = VAETransformer.load("model")
    assert (vae.n_components, vae.max_iter, vae.hidden_layer_sizes) == (2, 1, (4,))
    assert (vae.decoder, vae.prior, vae.random_state) == ("autoregressive", "mixture", 3)
    assert list(vae.feature_names_in_) == ["x", "n", "word"]


def test_sample_draws_what_the_model_draws(model, capsys):
    run("sample", "--model", model, "-n", "5", "--seed", "7", "-o", "rows.csv")
    expected = VAETransformer.load(model).sample(5, random_state=7)
    written = pd.read_csv("rows.csv", dtype_backend="numpy_nullable")
    pd.testing.assert_frame_equal(written, expected.reset_index(drop=True), check_dtype=False)
    said = capsys.readouterr().err
    assert "wrote rows.csv: 5 rows" in said
    assert "note: " not in said


def test_a_model_of_independent_columns_is_said_to_draw_worse_rows(table, capsys):
    run("fit", table, "-o", "model", "--decoder", "factorized", *QUICK)
    run("sample", "--model", "model", "-n", "5", "-o", "rows.csv")
    said = capsys.readouterr().err
    assert "note: rows are closer to the data from a model that was fitted without --decoder factorized" in said


@pytest.mark.parametrize("command", ["transform", "score"])
def test_what_is_said_of_z_needs_no_model_beside_the_vae(command, table, monkeypatch):
    monkeypatch.setattr("skvae.models.whole.train_beside", None)
    run(command, table, "-o", "out.csv", *QUICK)
    assert len(pd.read_csv("out.csv")) == 40


def test_sample_learns_a_table_with_its_gaps(table, capsys):
    run("sample", table, "-n", "6", "--given", "word=b", *QUICK)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "x,n,word" and len(lines) == 7
    assert all(line.endswith(",b") for line in lines[1:])
    assert "table.csv: 40 rows, 3 columns, 6 gaps" in captured.err


def test_an_empty_condition_is_a_gap(table, capsys):
    run("sample", table, "-n", "6", "--given", "x=", *QUICK)
    assert all(line.startswith(",") for line in capsys.readouterr().out.splitlines()[1:])


def test_a_condition_on_no_column_is_refused_before_the_fit(table, monkeypatch):
    monkeypatch.setattr(commands, "_fitted", None)
    for given, sentence in [("word_=b", "names the column 'word_', but the columns are x, n"), ("n=b", "'b' is no")]:
        with pytest.raises(ValueError, match=sentence):
            run("sample", table, "--given", given, *QUICK)


def test_whole_numbers_as_pandas_writes_them_beside_gaps_are_read_by_the_model(model, frame):
    frame.assign(n=frame["n"].where(frame["x"] < 1)).to_csv("gaps.csv", index=False)  # 7 is 7.0 here
    run("impute", "gaps.csv", "--model", model, "-o", "full.csv")
    before, after = (pd.read_csv(path, dtype="str")["n"] for path in ("gaps.csv", "full.csv"))
    assert before.isna().any() and (after[before.notna()] == before.dropna()).all()
    assert after.str.fullmatch(r"[0-8]\.0").all()
    run("score", "gaps.csv", "--model", model)


def test_sample_needs_a_table_or_a_model():
    with pytest.raises(ValueError, match=r"Name a table to learn from, or a model from fit with --model\."):
        run("sample")


def test_transform_writes_a_column_for_each_component(model, table):
    run("transform", table, "--model", model, "-o", "z.csv")
    Z = pd.read_csv("z.csv")
    assert list(Z.columns) == ["z1", "z2"]
    rows = pd.read_csv(table, dtype_backend="numpy_nullable")
    np.testing.assert_allclose(Z, VAETransformer.load(model).transform(rows), rtol=1e-5, atol=1e-6)


def test_impute_changes_gaps_only(table, frame):
    run("impute", table, "-o", "full.csv", *QUICK)
    full = pd.read_csv("full.csv")
    seen = frame["x"].notna()
    assert full.notna().all(axis=None)
    np.testing.assert_allclose(full.loc[seen, "x"], frame.loc[seen, "x"])
    assert full[["n", "word"]].equals(frame[["n", "word"]])


def test_score_prints_the_mean_and_writes_each(model, table, capsys):
    run("score", table, "--model", model, "-o", "scores.csv")
    captured = capsys.readouterr()
    rows = pd.read_csv(table, dtype_backend="numpy_nullable")
    scores = VAETransformer.load(model).score_samples(rows)
    assert captured.out == f"{scores.mean():.4f} nats per row\n"
    np.testing.assert_allclose(pd.read_csv("scores.csv")["score"], scores, rtol=1e-6)
    assert "honest" not in captured.err
    run("score", table, *QUICK)
    assert "note: these are the rows that the model was fitted to; for an honest score" in capsys.readouterr().err


def test_report_writes_a_page_and_the_rows(table, capsys):
    pytest.importorskip("matplotlib")
    run("report", table, "--rows", "rows.csv", "--test-size", "0.25", *QUICK)
    page = Path("report.html").read_text(encoding="utf-8")
    assert "30 synthetic rows of 3 columns" in page and "25% were held out" in page
    assert "Made with python -m skvae report table.csv --rows rows.csv" in page
    assert len(pd.read_csv("rows.csv")) == 30
    assert capsys.readouterr().out.startswith("30 synthetic rows of 3 columns, from 30 rows")


@pytest.fixture
def judged_files(tmp_path, monkeypatch):
    """Real rows, rows of some generator, and real rows that it has not seen."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("real", "other", "unseen")):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=80)
        days = pd.Timestamp(2024, 1, 1) + pd.to_timedelta(rng.integers(300, size=80), unit="D")
        frame = pd.DataFrame({"x": x.round(3), "n": rng.integers(9, size=80), "word": np.where(x > 0, "a", "b")})
        frame.assign(day=days.strftime("%d.%m.%Y"), zip=[f"0{i:04}" for i in rng.integers(9, size=80)]).to_csv(
            f"{name}.csv", index=False
        )
    return pd.read_csv("real.csv", dtype={"zip": str}), pd.read_csv("other.csv", dtype={"zip": str})


def test_report_of_rows_of_any_generator(judged_files, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(commands, "_fitted", None)  # no model is trained
    run("report", "real.csv", "--synthetic", "other.csv", "--json", "out.json", "--drop", "zip", "--date", "day")
    said = capsys.readouterr()
    document, page = json.loads(Path("out.json").read_text()), Path("report.html").read_text(encoding="utf-8")
    assert document["rows"] == {"train": 80, "synthetic": 80, "test": None}
    assert list(document["columns"]) == ["x", "n", "word", "day"]
    assert "rows are those of other.csv" in page and "could not be asked, and none were split off" in page
    assert "Whether rows leak was not asked" in page and document["not_asked"]
    assert "note: no rows are held out, so whether the synthetic rows give real ones away cannot be told" in said.err
    assert said.out.startswith("80 synthetic rows of 4 columns, from 80 rows")


def test_report_of_rows_of_any_generator_with_rows_that_it_has_not_seen(judged_files, capsys):
    pytest.importorskip("matplotlib")
    files = ["report", "real.csv", "--synthetic", "other.csv", "--holdout", "unseen.csv"]
    run(*files, "--target", "word", "--json", "out.json")
    document = json.loads(Path("out.json").read_text())
    assert document["rows"]["test"] == 80 and document["not_asked"] == []
    assert {"Worst attack", "Downstream ROC AUC"} < set(document["figures"])
    page = Path("report.html").read_text(encoding="utf-8")
    assert "Rows of unseen.csv are taken for held out" in page and "“word”" in page
    assert "note: no rows" not in capsys.readouterr().err


def test_report_judges_fractions_of_whole_numbers_and_refuses_words(judged_files):
    pytest.importorskip("matplotlib")
    _, other = judged_files
    other.assign(n=other["n"] + 0.5).to_csv("half.csv", index=False)
    run("report", "real.csv", "--synthetic", "half.csv", "--json", "out.json")
    document = json.loads(Path("out.json").read_text())
    broken = {(check["column"], check["rule"]): check["broken"] for check in document["checks"]}
    assert broken["n", "whole numbers"] == 1 and document["types"]["n"] == ["Int64", "Float64"]
    other.assign(n="many").to_csv("words.csv", index=False)
    with pytest.raises(ValueError, match=r"Column 'n' held numbers in real.csv, but now holds 'many'.*with --drop"):
        run("report", "real.csv", "--synthetic", "words.csv")
    other.drop(columns="n").to_csv("less.csv", index=False)
    with pytest.raises(ValueError, match=r"less.csv has no column 'n', which was there in real.csv"):
        run("report", "real.csv", "--synthetic", "less.csv")


def test_report_of_our_own_rows_with_a_file_of_held_out_ones(judged_files):
    pytest.importorskip("matplotlib")
    run("report", "real.csv", "--holdout", "unseen.csv", "--json", "out.json", *QUICK)
    assert json.loads(Path("out.json").read_text())["rows"] == {"train": 80, "synthetic": 80, "test": 80}
    assert "rows of unseen.csv were held out" in Path("report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["--synthetic", "s.csv", "--max-iter", "3"], "no model is fitted, but --max-iter was given, too"),
        (["--synthetic", "s.csv", "--set", "beta=2"], "no model is fitted, but --set was given, too"),
        (["--synthetic", "s.csv", "--rows", "r.csv"], "no model is fitted, but --rows was given, too"),
        (["--synthetic", "s.csv", "--test-size", "0.3"], "no model is fitted, but --test-size was given, too"),
        (["--synthetic", "s.csv", "--target", "x"], "--target needs real rows that the generator has not seen"),
        (["--holdout", "h.csv", "--test-size", "0.3"], "--holdout names the rows that are held out, but --test-size"),
        (["--json", "no/folder/out.json"], "there is no folder"),
    ],
)
def test_report_refuses_options_without_effect_before_it_reads(typed, sentence):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=sentence):
        run("report", "missing.csv", *typed)


def test_report_needs_rows_to_hold_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"x": range(19)}).to_csv("short.csv", index=False)
    with pytest.raises(ValueError, match=r"A report needs 20 rows or more, to hold some out, but short\.csv has 19"):
        run("report", "short.csv")


def test_report_checks_its_target_before_it_fits(frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame.assign(word=["b", *"a" * 39]).to_csv("rare.csv", index=False)
    with pytest.raises(ValueError, match="two values or more among the rows that are held out, but 'word' has 1 there"):
        run("report", "rare.csv", "--target", "word", "--set", "n_components=none")


def test_rules_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    orders(200).to_csv("orders.csv", index=False)
    rules = ["--constraint", "total = net + tax", "--constraint", "quantity >= 1"]
    run("fit", "orders.csv", "-o", "model", *QUICK, *rules)
    assert VAETransformer.load("model").constraints_ == ["total = net + tax", "quantity >= 1"]
    run("sample", "-m", "model", "-n", "50", "-o", "new.csv")
    rows = pd.read_csv("new.csv")
    assert ((rows["total"] - rows["net"] - rows["tax"]).abs() < 0.005).all()
    with pytest.raises(ValueError, match="of them break 'total = net'"):
        run("fit", "orders.csv", "-o", "model", *QUICK, "--constraint", "total = net")


def test_report_lists_rules(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    orders(300).to_csv("orders.csv", index=False)
    run("report", "orders.csv", *QUICK)
    assert re.search(r"total = net \+ tax +100% +100%", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        (["--n-components", "3"], "n-components"),
        (["--constraint", "a = b"], "constraint"),
        (["--set", "beta=2"], "set"),
    ],
)
def test_a_fitted_model_keeps_its_settings(model, table, typed, option):
    with pytest.raises(ValueError, match=f"A fitted model keeps its settings, but --{option} was given beside"):
        run("transform", table, "--model", model, *typed)


def test_settings_are_literals_or_words():
    pairs = ["beta=0.5", "prior=mixture", "hidden_layer_sizes=(8, 4)", "early_stopping=False", "device="]
    assert commands.read_settings(pairs, VAETransformer()) == {
        "beta": 0.5,
        "prior": "mixture",
        "hidden_layer_sizes": (8, 4),
        "early_stopping": False,
        "device": "",
    }
    with pytest.raises(ValueError, match="--set needs NAME=VALUE with a parameter of VAETransformer, got 'betta=1'"):
        commands.read_settings(["betta=1"], VAETransformer())
    with pytest.raises(ValueError, match="got 'beta'"):
        commands.read_settings(["beta"], VAETransformer())


def test_what_is_said_goes_to_standard_error(model, table, capsys):
    run("transform", table, "--model", model)
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "z1,z2" and len(captured.out.splitlines()) == 41
    assert "transform 40 rows" in captured.err


@pytest.fixture
def customers(tmp_path, monkeypatch):
    """A file of a spreadsheet in German, with dates, zips and gaps."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        day = f"{rng.integers(1, 29):02}.{rng.integers(1, 13):02}.2023" if i % 9 else ""
        zip_ = ("00501", "10001", "")[i % 3]
        price = f"{rng.integers(100) / 10:.2f}".replace(".", ",") if i % 7 else ""
        rows.append(f"{zip_};{day};{price};{('NA', 'DE')[i % 2]};")
    Path("customers.csv").write_text("\n".join(["zip;day;price;land;empty", *rows, ""]), encoding="latin-1")
    return "customers.csv"


def cells_of(path):
    return [line.split(";") for line in Path(path).read_text().splitlines()]


def test_impute_leaves_observed_cells_character_by_character(customers):
    run("impute", customers, "--date", "day", "-o", "full.csv", *QUICK)
    before, full = cells_of(customers), cells_of("full.csv")
    assert len(before) == len(full)
    for row, filled in zip(before, full, strict=True):
        assert [new for old, new in zip(row, filled, strict=True) if old] == [old for old in row if old]
        assert all(filled[:4])
        if filled != full[0]:
            assert filled[0] in ("00501", "10001")
            assert re.fullmatch(r"\d\d\.\d\d\.2023", filled[1])
            assert re.fullmatch(r"-?\d+,\d+", filled[2])


def test_impute_leaves_other_columns_and_quotes_alone(customers, capsys):
    text = Path(customers).read_text()
    text = text.replace(";DE;", ';"DE";').replace("10001;", '"10001";').replace("\n", "\r\n") + "\r\n"
    Path("quoted.csv").write_bytes(text.encode())
    run("impute", "quoted.csv", "--drop", "day", "--drop", "price", "-o", "full.csv", *QUICK)
    zip_or_gap = re.compile("(?m)^(00501|10001|);")
    full = Path("full.csv").read_bytes().decode()
    assert zip_or_gap.sub("GAP;", full) == zip_or_gap.sub("GAP;", text) and not re.search("(?m)^;", full)
    run("impute", "quoted.csv", "--drop", "day", "--drop", "price", *QUICK)
    assert capsys.readouterr().out == full
    run("fit", "quoted.csv", "--drop", "day", "--drop", "price", "-o", "model", *QUICK)
    run("impute", "quoted.csv", "--model", "model", "-o", "full.csv")
    full = Path("full.csv").read_bytes().decode()
    assert zip_or_gap.sub("GAP;", full) == zip_or_gap.sub("GAP;", text) and not re.search("(?m)^;", full)


def test_drawn_rows_are_written_as_the_file_is(customers):
    run("sample", customers, "--date", "day", "-n", "20", "-o", "rows.csv", "--given", "day=05.02.2023", *QUICK)
    rows = cells_of("rows.csv")
    assert rows[0] == ["zip", "day", "price", "land"] and len(rows) == 21
    assert {row[1] for row in rows[1:]} == {"05.02.2023"} and {row[3] for row in rows[1:]} <= {"NA", "DE"}


def test_a_model_knows_the_types_of_its_columns(customers):
    run("fit", customers, "--date", "day", "-o", "model", *QUICK)
    run("transform", customers, "--model", "model", "--decimal", ",", "-o", "z.csv")
    assert len(cells_of("z.csv")) == 41
    text = Path(customers).read_text()
    Path("other.csv").write_text(text.replace(";NA;", ";7;").replace("00501", "501").replace("10001", "601"))
    run("transform", "other.csv", "--model", "model", "-o", "z.csv")  # whole numbers where there was text are text
    lines = text.splitlines()
    Path("wrong.csv").write_text("\n".join([*lines, "00501;soon;1,00;NA;"]))
    with pytest.raises(ValueError, match="The dates of a column have one format, but none that is known reads all"):
        run("transform", "wrong.csv", "--model", "model")
    Path("wrong.csv").write_text("\n".join([*lines, "00501;13.01.2023;cheap;NA;"]))
    with pytest.raises(ValueError, match="Column 'price' held numbers when the model was fitted, but now holds"):
        run("transform", "wrong.csv", "--model", "model")
    run("sample", "--model", "model", "-n", "3", "--date", "day=%d/%m/%y", "-o", "rows.csv")
    days = pd.read_csv("rows.csv")["day"].dropna()
    assert days.str.fullmatch(r"\d\d/\d\d/23").all()


def test_a_model_keeps_the_formats_of_dates(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    days = pd.Series(pd.date_range("2023-01-01", periods=60)).sample(frac=1, random_state=0)
    pd.DataFrame({"day": days.dt.strftime("%d.%m.%Y"), "x": range(60)}).to_csv("all.csv", index=False)
    run("fit", "all.csv", "--date", "day", "-o", "model", "--decoder", "autoregressive", *QUICK)
    run("sample", "--model", "model", "-n", "30", "--given", "day=05.01.2023", "-o", "rows.csv")
    assert set(pd.read_csv("rows.csv")["day"]) == {"05.01.2023"}
    run("sample", "--model", "model", "-n", "30", "-o", "rows.csv", "--date", "day=%-d/%-m/%Y")
    assert pd.read_csv("rows.csv")["day"].str.fullmatch("[1-9][0-9]?/[1-9]/2023").all()

    doubtful = pd.DataFrame({"day": ["05.01.2023", "06.02.2023", None], "x": [1, 2, 3]})
    doubtful.to_csv("doubtful.csv", index=False)
    run("transform", "doubtful.csv", "--model", "model", "-o", "z.csv")
    rows = doubtful.assign(day=pd.to_datetime(doubtful["day"], format="%d.%m.%Y"))
    expected = VAETransformer.load("model").transform(rows)
    np.testing.assert_allclose(pd.read_csv("z.csv"), expected, rtol=1e-5, atol=1e-6)
    run("impute", "doubtful.csv", "--model", "model", "-o", "full.csv")
    full = pd.read_csv("full.csv")["day"]
    assert full.str.fullmatch(r"\d\d\.\d\d\.2023").all()

    doubtful.assign(day=["2023-02-13", "2023-02-12", None]).to_csv("iso.csv", index=False)
    capsys.readouterr()
    run("transform", "iso.csv", "--model", "model", "-o", "z.csv")
    said = capsys.readouterr().err
    assert "note: the dates of 'day' are read as %Y-%m-%d; when the model was fitted, they were %d.%m.%Y" in said
    doubtful.assign(day=["05/01/2023", "06/02/2023", None]).to_csv("other.csv", index=False)
    with pytest.raises(ValueError, match=r"'day' can be read as .* Say which: --date day=%d/%m/%Y"):
        run("transform", "other.csv", "--model", "model")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sample", "table.csv", "--model", "model"], "table.csv was given beside --model"),
        (["sample", "--model", "model", "--drop", "x"], "--drop x was given beside --model"),
        (["sample", "--model", "model", "--date", "day"], "'day' held nothing that the model knows when"),
        (["transform", "table.csv", "--model", "model", "--date", "word"], "'word' held text when the model was"),
        (["transform", "table.csv", "--model", "model", "--drop", "n"], "--drop names 'n', which is one"),
    ],
)
def test_what_a_model_cannot_follow_is_refused(arguments, sentence, model):
    with pytest.raises(ValueError, match=sentence):
        run(*arguments)


def test_moments_of_several_offsets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [f"2023-0{1 + i % 9}-05T10:00:0{i % 7}+0{1 + (i % 9 > 2)}:00" for i in range(40)]
    pd.DataFrame({"t": [*cells[:39], None], "x": range(40)}).to_csv("t.csv", index=False)
    run("fit", "t.csv", "--date", "t", "-o", "model", "--decoder", "autoregressive", *QUICK)
    assert str(VAETransformer.load("model").sample(3)["t"].dtype.tz) == "UTC"
    run("impute", "t.csv", "--model", "model", "-o", "full.csv")
    full = pd.read_csv("full.csv")["t"]
    assert full.tolist()[:39] == cells[:39] and re.fullmatch(r"2023-[-\dT:]{14}\+00:00", full[39])
    for gap in ("2023-01-05T10:00:00+05:00", ""):  # one offset, and none
        Path("one.csv").write_text(f"t,x\n{gap},1\n{gap},2\n")
        run("impute", "one.csv", "--model", "model", "-o", "full.csv")
    assert pd.read_csv("full.csv")["t"].str.endswith("+00:00").all()
    Path("one.csv").write_text("t,x\n2023-01-05T10:00:00,1\n")
    with pytest.raises(ValueError, match=r"column 't' held datetime64.* at fit, and now has dtype datetime64"):
        run("transform", "one.csv", "--model", "model")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("fit t.csv -o t.csv", "DATA"),
        ("sample t.csv -o t.csv", "DATA"),
        ("sample --model m.csv -o m.csv", "--model"),
        ("transform t.csv --model m.csv -o t.csv", "DATA"),
        ("transform t.csv --model m.csv -o m.csv", "--model"),
        ("impute t.csv -o t.csv", "DATA"),
        ("score t.csv -o t.csv", "DATA"),
        ("report t.csv -o t.csv", "DATA"),
        ("report t.csv --rows t.csv", "DATA"),
        ("report t.csv --json report.html", "-o"),
        ("report t.csv --synthetic s.csv -o s.csv", "--synthetic"),
        ("report t.csv --holdout h.csv --json h.csv", "--holdout"),
    ],
)
def test_no_command_writes_over_what_it_reads(typed, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in tmp_path / "t.csv", tmp_path / "m.csv", tmp_path / "s.csv", tmp_path / "h.csv":
        path.write_text("a\n1\n")
    with pytest.raises(ValueError, match=f"which is that of {name}"):
        run(*typed.split())
    assert all(path.read_text() == "a\n1\n" for path in tmp_path.iterdir())


def test_report_checks_its_outputs_before_it_reads(monkeypatch):
    with pytest.raises(ValueError, match=r"'rows\.xlsx' does not"):
        run("report", "missing.csv", "--rows", "rows.xlsx")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="needs matplotlib, which is not installed"):
        run("report", "missing.csv")


def test_fit_checks_what_writes_its_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match="needs safetensors, which is not installed"):
        run("fit", "missing.csv", "-o", "model")


def test_identifiers_of_a_file_are_drawn_anew(named_rows, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    named_rows.to_csv("customers.csv", index=False)
    run("fit", "customers.csv", "-o", "model", *QUICK)
    assert "note: Values of identifiers (nearly) never recur, as in column(s) 'id', 'email'" in capsys.readouterr().err
    run("sample", "--model", "model", "-n", "300", "-o", "rows.csv")
    run("impute", "customers.csv", "--model", "model", "-o", "full.csv")
    rows, full = pd.read_csv("rows.csv"), pd.read_csv("full.csv")
    for name in ("id", "email", "phone"):
        assert not rows[name].dropna().isin(named_rows[name]).any() and rows[name].dropna().is_unique
    assert full["phone"].notna().all() and full["phone"].is_unique
    assert full.drop(columns="phone").equals(named_rows.drop(columns="phone"))
    with pytest.raises(ValueError, match="column 'email' is an identifier"):
        run("sample", "--model", "model", "--given", "email=bob")
