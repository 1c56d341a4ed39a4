import os

import pytest

from skvae.files.atomic import write_whole


def test_what_was_there_is_replaced(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"before")
    write_whole(path, b"after")
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["model"]


def test_a_write_that_fails_leaves_what_was_there_and_no_part(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(b"before")

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"after")
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["model"]
