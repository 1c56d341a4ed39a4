import pytest

from skvae.cli.files import read_table
from tests.cli.written import written


@pytest.mark.parametrize(
    ("cell", "is_lost"),
    [
        ("1.000000000000000000001", True),
        ("0.333333333333333333333", True),
        ("1.000000000000000056e-01", False),  # 0.1 as numpy.savetxt writes it
        ("0.10000000000000001", False),
        ("0.100000000000000000000", False),
        ("12345678.5", False),
    ],
)
def test_digits_that_floats_lose_get_a_note(cell, is_lost, tmp_path, capsys):
    frame = read_table(written(tmp_path, f"a,b\n{cell},1\n2.5,2\n")).frame
    assert frame["a"].tolist() == [float(cell), 2.5]
    said = f"note: 'a' is read as numbers of 17 digits, but holds {cell!r}: digits beyond are lost"
    assert (said in capsys.readouterr().err) == is_lost


@pytest.mark.parametrize(
    ("cell", "is_said"), [("NA", True), ("1e400", True), ("-1e-400", True), ("00501", False), ("+49", False)]
)
def test_what_makes_text_of_numbers_gets_a_note_unless_it_is_a_code(cell, is_said, tmp_path, capsys):
    assert read_table(written(tmp_path, f"a\n1\n2\n{cell}\n")).frame["a"].tolist() == ["1", "2", cell]
    said = f"note: 'a' is read as text, for it holds {cell!r} among numbers"
    assert (said in capsys.readouterr().err) == is_said


@pytest.mark.parametrize("cell", ["1.234,5", "-12,345.60", "1 234 567", "1'234", "1\u00a0234"])
def test_thousands_get_a_note(cell, tmp_path, capsys):
    assert read_table(written(tmp_path, f"a;b\n{cell};+49\n100;+1\n")).frame["a"].tolist() == [cell, "100"]
    said = capsys.readouterr().err
    assert f"note: 'a' is read as text, for {cell!r} has signs between thousands" in said and "'b'" not in said


@pytest.mark.parametrize(
    ("cell", "what"),
    [("12 %", "more than a number"), ("$5.50", "more than a number"), (" 7", "blanks around the number")],
)
def test_units_and_blanks_beside_numbers_get_a_note(cell, what, tmp_path, capsys):
    assert read_table(written(tmp_path, f"a,b\n{cell},x7\n100,x1\n")).frame["a"].tolist() == [cell, "100"]
    said = capsys.readouterr().err
    assert f"note: 'a' is read as text, for {cell!r} has {what}; take that out" in said and "'b'" not in said


@pytest.mark.parametrize(
    ("cells", "is_said"),
    [
        (("2024-01-31", "2024-02-01"), True),
        (("31.1.2024 12:30", "1.2.2024 08:00"), True),
        (("05/01/2023", "11/12/2023"), True),
        (("1.2.3", "1.2.4"), False),
        (("10.0.0.1", "10.0.0.2"), False),
        (("2024-01-31", "unknown"), False),
    ],
)
def test_dates_that_are_text_get_a_note(cells, is_said, tmp_path, capsys):
    assert read_table(written(tmp_path, "day\n{}\n{}\n".format(*cells))).frame["day"].tolist() == list(cells)
    said = f"note: 'day' is read as text, but {cells[0]!r} is a date; --date day reads dates"
    assert (said in capsys.readouterr().err) == is_said
