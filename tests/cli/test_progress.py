import io
import sys
import warnings

from skvae.cli.progress import LatestLine, notes, stage


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_the_latest_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    with stage("fit"):
        print("epoch 1")
        print("epoch 2")
    lines = shown.getvalue().split("\r\x1b[K")
    assert lines[1:4] == ["  fit …", "  epoch 1", "  epoch 2"]
    assert lines[4].startswith("fit: ") and lines[4].endswith(" s\n")


def test_a_file_gets_stages_only(monkeypatch):
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    with stage("fit"):
        print("epoch 1")
    assert shown.getvalue().startswith("fit: ") and len(shown.getvalue().splitlines()) == 1
    assert not LatestLine(shown).is_terminal


def test_warnings_are_notes(monkeypatch):
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    with notes():
        warnings.warn("Mind the gap.", UserWarning, stacklevel=1)
    assert shown.getvalue() == "note: Mind the gap.\n"
