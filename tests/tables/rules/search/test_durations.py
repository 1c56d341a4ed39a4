import pytest

from skvae.tables.rules.search.durations import find_durations
from skvae.tables.rules.search.evidence import Evidence
from tests.tables.rules.ruled import stays


@pytest.mark.parametrize(("unit", "size"), [("days", 86_400), ("hours", 3600), ("minutes", 60), ("seconds", 1)])
def test_durations_are_counted_in_some_unit(unit, size):
    X = stays(300).drop(columns="length of stay")
    X["n"] = (X["paid"] - X["start"]).dt.total_seconds() / size
    assert list(map(str, find_durations(Evidence(X)))) == [f"n = {unit}(paid - start)"]
