import numpy as np

from skvae.tables.columns import GapColumn
from tests.tables.columns.values import series


def test_where_another_column_has_a_gap():
    column = GapColumn("a", np.dtype(bool))
    codes = column.encode(series([1.0, None, 2.0], "float64"))
    assert codes.tolist() == [0.0, 1.0, 0.0]
    assert column.decode(codes).tolist() == [False, True, False]
    assert column.decode(np.array([0.0, 0.999, 1.0, 1.999])).tolist() == [False, False, True, True]  # with positions
    assert len(column.edges) == 2
