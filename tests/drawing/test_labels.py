import pytest

from skvae.drawing.labels import percent, short


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
