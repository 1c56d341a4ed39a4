import numpy as np
import pytest

from skvae.files import container
from skvae.files.container import Container, digest

pytest.importorskip("safetensors")

NOTE = Container("skvae-note", 2, "note", "Write it again.")
ARRAYS = {"a": np.arange(3.0), "b": np.zeros((2, 0), dtype=np.int64)}


def test_document_and_arrays_come_back(tmp_path):
    NOTE.write(tmp_path / "note", "{}", ARRAYS)
    document, arrays = NOTE.read(tmp_path / "note")
    assert document == "{}"
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (NOTE._replace(name="skvae"), "holds no note of skvae. Pass another path"),
        (NOTE._replace(number=1), "format 2 by a newer release.*formats up to 1. Upgrade"),
    ],
)
def test_a_file_of_another_kind_is_refused(other, message, tmp_path):
    NOTE.write(tmp_path / "note", "{}", ARRAYS)
    with pytest.raises(ValueError, match=message):
        other.read(tmp_path / "note")


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "note"
    NOTE.write(path, "{}", ARRAYS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"is no note of skvae, or only a part of one .* Write it again\."):
        NOTE.read(path)
    path.write_bytes(whole[:-1] + b"\x01")
    with pytest.raises(ValueError, match=r"has changed since it was written: its checksum is another\. Write it again"):
        NOTE.read(path)


def test_what_is_no_file_or_may_not_be_read_is_told_apart(tmp_path, monkeypatch):
    with pytest.raises(IsADirectoryError, match=r"A note of skvae is a file, but .* is a folder\. Pass"):
        NOTE.read(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        NOTE.read(tmp_path / "note")
    NOTE.write(tmp_path / "note", "{}", ARRAYS)

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(container.Path, "open", refuse)
    with pytest.raises(PermissionError, match=r"may not be read \(Permission denied\)\. Change its permissions"):
        NOTE.read(tmp_path / "note")


def test_a_document_has_its_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "HEADER", 5)
    with pytest.raises(ValueError, match=r"up to 5 characters .* this note has 6"):
        NOTE.write(tmp_path / "note", "abcdef", {})


def test_a_digest_knows_names_dtypes_and_shapes():
    same = digest("{}", {"a": np.zeros(4)})
    others = [("{ }", "a", np.zeros(4)), ("{}", "b", np.zeros(4)), ("{}", "a", np.zeros((2, 2)))]
    others.append(("{}", "a", np.zeros(4, dtype=np.int64)))
    assert same == digest("{}", {"a": np.zeros(4)})
    assert same not in [digest(document, {name: array}) for document, name, array in others]
