import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.likelihoods import Categorical, DiscretizedLogistic
from skvae.tables import EncodedColumn, GapColumn, NumberColumn

AGE = EncodedColumn(NumberColumn("age", np.dtype("int64")), DiscretizedLogistic(), 40.0, 9.0, 18.0, 89.0, has_gaps=True)


def test_the_indicator_of_a_column():
    assert AGE.indicator == EncodedColumn(GapColumn("age", np.dtype(bool)), Categorical(), 0.0, 1.0, 0.0, 1.0)
    assert AGE.name == AGE.indicator.name == "age"


def test_known_values_are_floats_before_the_scaling():
    assert_array_equal(AGE.encode_condition(pd.Series([18, None, "89"], dtype=object)), [18.0, np.nan, 89.0])


@pytest.mark.parametrize(("value", "reason"), [(17, "held nothing"), (90, "held nothing"), (30.5, "has whole numbers")])
def test_an_impossible_value_gets_a_sentence(value, reason):
    sentence = f"but {value} has none in column 'age', which {reason}.* Pass a whole number from 18 to 89"
    with pytest.raises(ValueError, match=sentence):
        AGE.encode_condition(pd.Series([20, value], dtype=object))
