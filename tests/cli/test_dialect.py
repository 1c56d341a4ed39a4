import gzip
import zipfile

import pytest

from skvae.cli.dialect import find_encoding, find_separator


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
    ],
)
def test_the_separator_cuts_all_rows_alike(text, sign, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert find_separator(str(path), "utf-8") == sign


def test_packed_files_are_looked_into(tmp_path):
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("a;b\n1;2\n")
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as file:
        file.writestr("t.csv", "\ufeffa;b\n1;2\n")
    assert find_separator(str(tmp_path / "t.csv.gz"), "utf-8") == ";"
    assert find_encoding(str(tmp_path / "t.csv.zip")) == "utf-8-sig"
