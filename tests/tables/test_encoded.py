from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae.likelihoods import Categorical, DiscretizedLogistic, Histogram, Poisson
from skvae.tables import Bins, EncodedColumn, GapColumn, HistogramColumn, NumberColumn
from skvae.tables.encoded import REACH, facts_of

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_cell_without_a_scale_may_lie_as_far_out_as_there_are_numbers(dtype):
    assert AGE.reach(dtype) == REACH[dtype]
    assert replace(AGE, family=Poisson()).reach(dtype) == torch.finfo(dtype).max


def test_a_cell_that_is_far_out_is_named_in_its_own_units():
    with pytest.raises(ValueError, match=r"float32, but column 'age' holds 1\.8e\+13 in row 7, farther than 9e\+12"):
        AGE.refuse_far(2e12, 7, torch.float32)


def test_facts_are_in_encoded_units_whatever_the_sign():
    down = replace(AGE, loc=-20.0, scale=-10.0, lower=-90.0, upper=10.0)
    facts = facts_of([AGE, down])
    assert facts.scale.tolist() == [9.0, -10.0]
    assert facts.lower.tolist() == [(18.0 - 40.0) / 9.0, -3.0]
    assert facts.upper.tolist() == [(89.0 - 40.0) / 9.0, 7.0]
    assert facts.n_levels.tolist() == [0, 0]


def test_levels_are_in_units_of_their_range():
    bins = Bins.fit(np.repeat([10.0, 20.0, 50.0], 20))
    column = EncodedColumn(HistogramColumn("a", np.dtype(float), NumberColumn("a", np.dtype(float)), bins), Histogram())
    assert column.unit_levels.tolist() == [[0.0] * 3, [0.25] * 3, [1.0] * 3]
    facts = facts_of([column, AGE])
    assert facts.n_levels.tolist() == [3, 0]
    assert facts.centers.tolist() == [0.0, 0.25, 1.0]
    assert facts.shares.sum().item() == pytest.approx(1.0)
