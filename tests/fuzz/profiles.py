"""How many examples a run has: few, and the same in each run, or those of ``HYPOTHESIS_PROFILE=long``."""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings

IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def profile(variable: str, n_short: int, n_long: int) -> settings:
    """Settings of a test; the environment may say how many examples there are, to split a long run."""
    return settings(
        max_examples=int(os.environ.get(variable, n_long if IS_LONG else n_short)),
        derandomize=not IS_LONG,
        database=None,
        deadline=timedelta(seconds=30),
        suppress_health_check=list(HealthCheck),
    )


TABLES = profile("SKVAE_FUZZ_TABLES", 40, 10_000)
FILES = profile("SKVAE_FUZZ_FILES", 100, 2_000)
