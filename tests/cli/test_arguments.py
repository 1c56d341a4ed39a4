"""Commands as they are typed."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import skvae
from skvae.cli import main

pytestmark = pytest.mark.usefixtures("small_classifiers")

QUICK = ["--max-iter", "1", "--n-components", "2", "--set", "device=cpu"]


@pytest.fixture
def table(tmp_path, mixed):
    frame = mixed[["size", "age", "kind", "color", "visits"]].reset_index(drop=True)
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return str(path)


def test_sample_keeps_types_and_conditions(table, tmp_path, capsys):
    out = tmp_path / "new.parquet"
    status = main(["sample", table, "-n", "30", "--given", "kind=large", "--given", "age=44", "-o", str(out), *QUICK])
    rows = pd.read_parquet(out)
    assert status == 0
    assert (rows["kind"] == "large").all() and (rows["age"] == 44).all() and len(rows) == 30
    assert rows["visits"].dtype == "Int64"
    assert main(["sample", table, "-n", "3", *QUICK]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "size,age,kind,color,visits"


def test_impute_fills_gaps_only(table, tmp_path):
    out = str(tmp_path / "full.csv")
    assert main(["impute", table, "-o", out, *QUICK]) == 0
    before, full = (pd.read_csv(path, dtype_backend="numpy_nullable") for path in (table, out))
    assert full.notna().all(axis=None)
    assert (before == full).where(before.notna(), True).all(axis=None)


def test_a_model_is_kept(table, tmp_path, capsys):
    model, out = str(tmp_path / "model"), str(tmp_path / "z.csv")
    assert main(["fit", table, "-o", model, *QUICK]) == 0
    assert main(["transform", table, "--model", model, "-o", out]) == 0
    assert pd.read_csv(out).shape == (60, 2)
    assert main(["score", table, "--model", model, "-o", out]) == 0
    printed = float(capsys.readouterr().out.split()[0])
    assert printed == pytest.approx(pd.read_csv(out)["score"].mean(), abs=1e-4)
    assert main(["sample", "--model", model, "-n", "2"]) == 0
    assert "note" not in capsys.readouterr().err
    assert main(["score", table, "--model", model, "--max-iter", "3"]) == 2
    assert "A fitted model keeps its settings, but --max-iter" in capsys.readouterr().err


def test_report_is_one_page(table, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    page, rows = tmp_path / "report.html", tmp_path / "rows.csv"
    assert main(["report", table, "-o", str(page), "--rows", str(rows), "--target", "kind", *QUICK]) == 0
    text = page.read_text(encoding="utf-8")
    assert "<h1>table.csv</h1>" in text and "“kind”" in text and "20% were held out" in text
    assert len(pd.read_csv(rows)) == 48
    assert "Shape error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["score", "missing.csv"], "There is no file 'missing.csv'"),
        (["sample"], "Name a table to learn from, or a model from fit with --model."),
        (["sample", "TABLE", "-o", "rows.xlsx"], "The name of a table tells its format, but 'rows.xlsx' does not."),
        (["sample", "TABLE", "-o", "no/folder/rows.csv"], "there is no folder"),
        (["sample", "TABLE", "--drop", "sizes"], "has no column 'sizes'. Its columns are size, age"),
        (["sample", "TABLE", "--set", "betta=1"], "--set needs NAME=VALUE with a parameter of VAETransformer"),
        (["sample", "TABLE", "--set", "beta=-1"], "The 'beta' parameter of VAETransformer must be"),
        (["sample", "TABLE", "--given", "age=old", *QUICK], "--given age=old: 'old' is no value of 'age'"),
        (["sample", "TABLE", "--given", "job=old", *QUICK], "names the column 'job', but the columns are"),
        (["sample", "TABLE", "--given", "kind=huge", *QUICK], "huge"),
        (["report", "TABLE", "--target", "income"], "--target names 'income', but the columns are size"),
        (["transform", "TABLE", "--model", "nothing"], "nothing"),
    ],
)
def test_mistakes_get_a_sentence(arguments, sentence, table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([table if argument == "TABLE" else argument for argument in arguments]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and sentence in last


@pytest.mark.parametrize("content", ["", "a,b\n", "a,b\n1\n1,2,3\n", "a\n1\n"])
def test_bad_files_get_a_sentence(content, tmp_path, capsys):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert main(["score", str(path), *QUICK]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    helped = capsys.readouterr().out
    assert stopped.value.code == 0
    assert all(name in helped for name in ("fit", "sample", "transform", "impute", "score", "report"))


TWICE = """
import runpy, sys
typed = sys.argv
at = typed.index("then")
for sys.argv in ["skvae", *typed[1:at]], ["skvae", *typed[at + 1 :]]:
    try:
        runpy.run_module("skvae", run_name="__main__")  # as python -m skvae, of which each start takes seconds
    except SystemExit as end:
        print("ended", end.code, file=sys.stderr)
"""


def test_letters_survive_an_ascii_locale(tmp_path):
    pd.DataFrame({"größe": range(40), "w": ["ä", "€"] * 20}).to_csv(tmp_path / "p.csv", index=False, encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    typed = ["sample", "p.csv", "-n", "50", *QUICK, "then", "sample", "p.csv", "--given", "größe=x", *QUICK]
    done = subprocess.run([sys.executable, "-c", TWICE, *typed], cwd=tmp_path, env=environment, capture_output=True)
    header, *rows = done.stdout.decode("utf-8").splitlines()
    assert header == "größe,w" and len(rows) == 50
    assert {row[-1] for row in rows} == {"ä", "€"}
    *_, ended, about, error, refused = done.stderr.splitlines()  # no traceback
    assert (ended, error[:6], refused) == (b"ended 0", b"error:", b"ended 2")
    assert about.startswith(b"p.csv: ")


def test_seeds_repeat(table, tmp_path):
    outputs = []
    for seed in ("0", "0", "1"):
        out = tmp_path / "rows.csv"
        assert main(["sample", table, "-n", "20", "--seed", seed, "-o", str(out), *QUICK]) == 0
        outputs.append(out.read_text())
    assert outputs[0] == outputs[1] != outputs[2]
    assert np.isfinite(pd.read_csv(out)["size"]).all()


def test_no_command_is_a_question_for_help(capsys):
    assert main([]) == 0
    assert "commands:" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"skvae {skvae.__version__}\n"


def test_help_imports_nothing_that_takes_seconds():
    program = (
        "import sys; from skvae.cli import main; main([]); print({'torch', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_names_of_the_package_come_when_they_are_used():
    program = """
import pickle, skvae, sys
assert "torch" not in sys.modules and {"VAETransformer", "__version__"} <= set(dir(skvae))
assert skvae.tables.Table.__name__ == "Table" and not hasattr(skvae, "nonsense")
from skvae import *
assert pickle.loads(pickle.dumps(VAETransformer(3))).n_components == 3
"""
    subprocess.run([sys.executable, "-c", program], check=True)
