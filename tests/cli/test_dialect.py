import gzip
import os
import zipfile

import pandas as pd
import pytest

from skvae.cli.dialect import find_encoding, find_newline, find_separator, has_hint, read_text, write_text


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a;b\n1,5;2\n", ";"),
        ("a,b\nx;y,2\n", ","),
        ("a\tb\n1,2\t3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a\n1\n", ","),
        ('"a;b",c\n1,2\n', ","),
        ('a;b\n"1\n;2";3\n', ";"),
        ("sep=|\na|b;c\n1|2;3\n", "|"),
        ("a;b\nx\x852,5;3\n", ";"),  # a sign at which str.splitlines cuts
        ("a;b\r1,5;2\r", ";"),
    ],
)
def test_the_separator_cuts_all_rows_alike(text, sign, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    assert find_separator(str(path), "utf-8") == sign


def test_packed_files_are_looked_into(tmp_path):
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("a;b\n1;2\n")
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as file:
        file.writestr("t.csv", "\ufeffa;b\n1;2\n")
    assert find_separator(str(tmp_path / "t.csv.gz"), "utf-8") == ";"
    assert find_encoding(str(tmp_path / "t.csv.zip")) == "utf-8-sig"


@pytest.mark.parametrize(
    ("text", "end"), [("a\r\nb\n", "\r\n"), ("a\rb\r", "\r"), ("a\nb\r\n", "\n"), ("a", os.linesep)]
)
def test_the_first_line_ends_as_all_do(text, end, tmp_path):
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert find_newline(str(tmp_path / "t.csv"), "utf-8") == end


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zip"])
def test_texts_come_back(name, tmp_path):
    write_text(text := "sep=;\r\nä;b\n\r", path := str(tmp_path / name), "utf-16")
    assert find_encoding(path) == "utf-16" and read_text(path, "utf-16") == text
    assert has_hint(path, "utf-16") and pd.read_csv(path, encoding="utf-16", sep=";", skiprows=1).columns[0] == "ä"
