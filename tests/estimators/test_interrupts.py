"""Ctrl-C at random moments: what is fitted is whole or as it was, and the process goes on working."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("interrupted.py")
SEEDS, N = (range(10), 20) if os.environ.get("HYPOTHESIS_PROFILE") == "long" else (range(1), 6)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_half_built_is_left(seed):
    done = subprocess.run([sys.executable, PROGRAM, str(seed), str(N)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sum(map(int, done.stdout.split())) == N
