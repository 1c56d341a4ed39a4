import pytest

from skvae.cli.dialect import Dialect
from skvae.cli.files import read_table
from skvae.cli.uneven import uneven_rows
from tests.cli.written import written


def test_rows_of_other_lengths_are_found(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a;b\n1;2\n\n"x\n;";3\n4\n5;6;7\n')
    assert uneven_rows(str(path), Dialect(";")) == [(6, 1, 2), (7, 3, 2)]


@pytest.mark.parametrize(
    ("text", "said", "last"),
    [
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n9\n", "line 3 has 2 cell(s), and the names above are 3; 2 such row(s)", [3, 8]),
        ('a,b,c\n"x\ny",2,3\n4,5\n', "line 4 has 2 cell(s), and the names above are 3; 1 such row(s)", [3]),
        ("a,b,c\n1,2,3\n4,5,6\n7", "line 4 has 1 cell(s)", [3, 6]),
        ("sep=;\na;b;c\n1;2\n3;4;5\n", "line 3 has 2 cell(s)", [5]),
    ],
)
def test_a_row_that_ends_early_has_gaps_and_a_note(text, said, last, tmp_path, capsys):
    frame = read_table(written(tmp_path, text)).frame
    assert frame["c"].dropna().tolist() == last
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a,b\n1,\n\n2,3\n", "a,b\n1,\n  \n2,3\n", 'a,b\n1,""\n2,3\n', "a\n1\n\n2\n"])
def test_a_row_whose_last_cell_is_empty_gets_no_note(text, tmp_path, capsys):
    read_table(written(tmp_path, text))
    assert "lacks" not in capsys.readouterr().err


def test_a_row_that_is_too_long_gets_a_sentence(tmp_path):
    with pytest.raises(
        ValueError, match=r"separated by ',', but line 3 has 3 cell\(s\), and the names above are 2\. Correct the row"
    ):
        read_table(written(tmp_path, "a,b\n1,2\n1,2,3\n"))
