import os
import sys

import pytest

from skvae.cli.outputs import check_apart, check_output


def test_outputs_are_checked(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="it is a folder"):
        check_output(str(tmp_path), is_table=False)
    with pytest.raises(ValueError, match=r"'rows.xlsx' does not\. Use a name that ends in \.csv"):
        check_output("rows.xlsx")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        check_output(str(tmp_path / "rows.parquet"))


@pytest.mark.parametrize("name", ["t.csv", "./t.csv", "folder/../t.csv", "symbolic.csv", "hard.csv"])
def test_what_is_read_is_not_written_over(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "symbolic.csv").symlink_to("t.csv")
    (tmp_path / "hard.csv").hardlink_to("t.csv")
    with pytest.raises(ValueError, match=r"read stays as it is, but -o names '.*csv', which is that of DATA\. Name"):
        check_apart({"DATA": "t.csv", "--model": None}, {"-o": name})
    check_apart({"DATA": "t.csv"}, {"-o": "u.csv", "--json": None})


def test_every_output_has_a_file_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"written once, but --json names '\./new', which is that of -o"):
        check_apart({"DATA": "t.csv"}, {"-o": "new", "--json": "./new"})
    check_apart({"DATA": None}, {"-o": os.devnull, "--json": os.devnull})
