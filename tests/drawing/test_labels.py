import pytest

from skvae.drawing.labels import percent, short, short_all


def test_labels_are_cut_and_not_read_as_mathematics():
    assert short("a" * 30, 16) == "a" * 15 + "…"
    assert short("$x$", 16) == r"\$x\$"


@pytest.mark.parametrize(("label", "text"), [(3, "3"), (("a", 1), "('a', 1)"), ("abc", "abc"), ("abcd", "ab…")])
def test_labels_of_any_type(label, text):
    assert short(label, 8 if isinstance(label, tuple) else 3) == text


def test_shares_are_percents():
    assert [percent(share) for share in (0, 0.12345, 1)] == ["0.00 %", "12.35 %", "100.00 %"]


def test_line_breaks_and_control_signs_are_blanks():
    assert short("a\r\nb\x00c", 20) == "a  b c"


def test_labels_that_begin_alike_are_cut_where_they_differ():
    names = [f"measurement_of_the_turnover_in_region_{i}_before_taxes" for i in (3, 39, 17)]
    texts = short_all([*names, "other", 7], 16)
    assert texts == ["measu…3_before_…", "measu…39_before…", "measu…17_before…", "other", "7"]
    assert all(len(text) <= 16 for text in texts)
    assert short_all(["a" * 30], 16) == [short("a" * 30, 16)]
    assert short_all(["abcdefghij", "abcxyz1234"], 9) == ["abcdefgh…", "abcxyz12…"]  # they differ as they are
