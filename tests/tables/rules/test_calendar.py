import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.calendar import part_of, part_of_ticks


@pytest.mark.parametrize("part", ["year", "quarter", "month", "day", "weekday", "hour"])
def test_parts_are_those_of_pandas(part):
    name = "day_of_week" if part == "weekday" else part
    moments = pd.Series(pd.date_range("1950-01-01", "2050-01-01", freq="37h"))
    assert_array_equal(part_of(moments, part), getattr(moments.dt, name))
    local = moments.dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    assert_array_equal(part_of(local, part), getattr(local.dt, name))
    assert part_of_ticks(np.array([0]), part).shape == (1,)
