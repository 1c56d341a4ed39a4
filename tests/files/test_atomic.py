import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skvae.files import atomic
from skvae.files.atomic import path_of, write_whole

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and devices of POSIX")

OTHER = f"""
import os, runpy, signal, sys
from pathlib import Path

path = Path(sys.argv[1])
write_whole = runpy.run_path({atomic.__file__!r})["write_whole"]  # without torch it starts at once
"""
KILLED = """
os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)
write_whole(path, b"half")
"""
OFTEN = """
for _ in range(200):
    write_whole(path, sys.argv[2].encode() * 300_000)
"""


def other_process(code, *arguments, **options):
    return subprocess.Popen([sys.executable, "-c", OTHER + code, *map(str, arguments)], **options)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def write_often(path, letter, times):
    for _ in range(times):
        write_whole(path, letter * 300_000)


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


# -- several writers ---------------------------------------------------------------------------------------------


def test_of_eight_threads_one_wins_whole(tmp_path):
    path = tmp_path / "model"
    letters = [bytes([letter]) for letter in b"abcdefgh"]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write_often, path, letter, 20) for letter in letters]:
            done.result()
    assert path.read_bytes() in [letter * 300_000 for letter in letters]
    assert os.listdir(tmp_path) == ["model"]


def test_whoever_reads_beside_two_writing_processes_reads_a_whole_file(tmp_path):
    path = tmp_path / "model"
    write_whole(path, b"a" * 300_000)
    writers = [other_process(OFTEN, path, letter) for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        content = path.read_bytes()
        assert len(content) == 300_000
        assert len(set(content)) == 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert os.listdir(tmp_path) == ["model"]


@posix
def test_the_part_of_a_killed_writer_goes_with_the_next_write(tmp_path):
    path = tmp_path / "model[1]*"
    path.write_bytes(b"before")
    assert other_process(KILLED, path).wait() == -9
    assert len(os.listdir(tmp_path)) == 2
    assert path.read_bytes() == b"before"
    write_whole(tmp_path / "other", b"")
    assert len(os.listdir(tmp_path)) == 3  # it may belong to a writer of that path only
    write_whole(path, b"after")
    assert sorted(os.listdir(tmp_path)) == ["model[1]*", "other"]
    assert path.read_bytes() == b"after"


@posix
def test_the_part_of_a_writer_that_lives_stays(tmp_path, monkeypatch):
    path = tmp_path / "model"
    replace = Path.replace

    def after_another(part, target):
        monkeypatch.setattr("pathlib.Path.replace", replace)
        write_whole(path, b"first")
        return replace(part, target)

    monkeypatch.setattr("pathlib.Path.replace", after_another)
    write_whole(path, b"last")
    assert path.read_bytes() == b"last"
    assert os.listdir(tmp_path) == ["model"]


# -- what is at the path -----------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_that_open_gives_it(mask, tmp_path):
    before = os.umask(mask)
    try:
        (tmp_path / "plain").write_bytes(b"")
        write_whole(tmp_path / "model", b"")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "model") == mode_of(tmp_path / "plain") == 0o666 & ~mask


@posix
@pytest.mark.parametrize("mode", [0o600, 0o666, 0o640, 0o755])
def test_a_file_keeps_its_mode(mode, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"before")
    path.chmod(mode)
    write_whole(path, b"after")
    assert mode_of(path) == mode
    assert path.read_bytes() == b"after"


@posix
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_its_target_is_replaced(is_there, tmp_path):
    (tmp_path / "far").mkdir()
    target, link, outer = tmp_path / "far" / "model", tmp_path / "link", tmp_path / "outer"
    if is_there:
        target.write_bytes(b"before")
        target.chmod(0o640)
    link.symlink_to("far/model")
    outer.symlink_to(link)
    write_whole(outer, b"after")
    assert link.is_symlink()
    assert outer.is_symlink()
    assert not target.is_symlink()
    assert target.read_bytes() == b"after"
    assert not is_there or mode_of(target) == 0o640
    assert os.listdir(tmp_path / "far") == ["model"]


@posix
def test_links_in_a_circle_are_refused_and_stay(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(one, b"after")
    assert one.is_symlink()
    assert other.is_symlink()


@posix
def test_what_the_system_refuses_gets_a_sentence(tmp_path):
    for place in [tmp_path / ("a" * 300), *map(Path, ["/proc/x", "/sys/x"] if Path("/proc/self").exists() else [])]:
        with pytest.raises(OSError, match=r"cannot be written: the system refuses it \(\w.*\)\. Pass another path"):
            write_whole(place, b"")


def test_a_device_is_written_to_and_stays():
    before = os.stat("/dev/null")
    write_whole(Path("/dev/null"), b"x" * 10)
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@posix
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_standard_output_is_written_to(to, tmp_path):
    with (tmp_path / "out").open("wb+") as file:
        done = other_process(
            "write_whole(path, b'whole')", "/dev/stdout", stdout=subprocess.PIPE if to == "pipe" else file
        )
        written, _ = done.communicate()
        assert done.returncode == 0
        assert (written if to == "pipe" else file.read()) == b"whole"
    assert os.listdir(tmp_path) == ["out"]


@posix
def test_a_pipe_with_a_name_is_written_to_and_stays(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(path.read_bytes)
        write_whole(path, b"whole")
        assert read.result() == b"whole"
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_directory_is_not_replaced(tmp_path):
    with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path)) + r" is a directory\. Pass"):
        write_whole(tmp_path, b"after")
    assert tmp_path.is_dir()
    with pytest.raises(FileNotFoundError, match=r"no directory .*missing to write model in\. Make it"):
        write_whole(tmp_path / "missing" / "model", b"after")
    assert os.listdir(tmp_path) == []


def test_the_longest_name_that_the_system_takes_will_do(tmp_path):
    path = tmp_path / ("m" * 255)
    write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("path", [None, 1.5, b"model", ["model"]])
def test_what_is_no_path_gets_a_sentence(path):
    with pytest.raises(TypeError, match=r"path is a .*Pass text or a pathlib.Path"):
        path_of(path)
