import os
import sys
from pathlib import Path

import pytest

from skvae.cli.outputs import check_apart, check_output


def test_outputs_are_checked(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="it is a folder"):
        check_output(str(tmp_path), is_table=False)
    with pytest.raises(ValueError, match=r"'rows.xlsx' does not\. Use a name that ends in \.csv"):
        check_output("rows.xlsx")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"file' is a file\. Name a folder"):
        check_output(str(tmp_path / "file" / "rows.csv"))
    with pytest.raises(ValueError, match=r"there is no folder '.*none'\. Make it"):
        check_output(str(tmp_path / "none" / "rows.csv"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pip install pyarrow"):
        check_output(str(tmp_path / "rows.parquet"))


@pytest.mark.parametrize("is_model", [True, False])
def test_what_the_system_refuses_is_refused(is_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = ["a" * 300]  # "/proc" refuses files even to those who may write everywhere
    places += [place for place in ("/proc/x", "/proc/self/x", "/proc/sys/kernel/ostype") if Path("/proc/self").exists()]
    for place in places:
        with pytest.raises(ValueError, match=r"cannot be written: the system refuses it \(\w.*\)\. Name another place"):
            check_output(place, is_table=False, is_model=is_model)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_modes_are_kept(tmp_path):
    (tmp_path / "new.csv").touch()
    (tmp_path / "new.csv").chmod(0o444)
    with pytest.raises(ValueError, match=r"refuses it \(Permission denied\)"):
        check_output(str(tmp_path / "new.csv"))
    (tmp_path / "new.csv").chmod(0o644)
    tmp_path.chmod(0o555)
    check_output(str(tmp_path / "new.csv"))
    with pytest.raises(ValueError, match=r"refuses it \(Permission denied\)"):  # a model is written beside it first
        check_output(str(tmp_path / "new.csv"), is_model=True, is_table=False)
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("is_model", [True, False])
def test_a_check_leaves_all_as_it_was(is_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("old.csv").write_text("a\n1\n")
    Path("link.csv").symlink_to("elsewhere.csv")
    before = Path("old.csv").stat()
    for name in ("old.csv", "new.csv", "link.csv", os.devnull):
        check_output(name, is_table=False, is_model=is_model)
    assert sorted(os.listdir()) == ["link.csv", "old.csv"]
    assert (Path("old.csv").read_text(), Path("old.csv").stat().st_mtime_ns) == ("a\n1\n", before.st_mtime_ns)


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
