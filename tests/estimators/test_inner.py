"""The estimator inside another one: a copy, with a seed of its own."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae import VAEOutlierDetector, VAETransformer
from skvae.estimators.inner import column_scales, inner_estimator, read_first, take_names


def test_the_estimator_is_copied_and_defaults_are_for_none():
    own = VAETransformer(3, random_state=5)
    inner = inner_estimator(own, None, likelihood="student_t")
    assert inner is not own
    assert inner.get_params() == own.get_params()
    assert inner_estimator(None, 0, likelihood="student_t").likelihood == "student_t"


@pytest.mark.parametrize("state", [None, np.random.RandomState(0)])
def test_the_seed_is_a_number_whatever_was_given(state):
    assert isinstance(inner_estimator(None, state).random_state, int)
    assert inner_estimator(VAETransformer(random_state=state), None).random_state is not state
    assert inner_estimator(VAETransformer(random_state=state), 7).random_state == 7


def test_booleans_have_no_scale():
    assert column_scales(np.ones((2, 2))) == "student_t"
    assert column_scales(np.ones((2, 2), dtype=bool)) == "auto"
    assert column_scales(pd.DataFrame({"a": [True]})) == "student_t"


def test_reading_teaches_nothing_and_names_are_taken_and_forgotten(iris):
    outer, frame = VAEOutlierDetector(), pd.DataFrame(iris, columns=list("abcd"))
    pd.testing.assert_frame_equal(read_first(outer, frame), frame)
    assert not hasattr(outer, "n_features_in_")
    inner = VAETransformer(1, max_iter=1, early_stopping=False, device="cpu")
    take_names(outer, inner.fit(frame))
    assert_array_equal(outer.feature_names_in_, list("abcd"))
    take_names(outer, inner.fit(iris[:, :3]))
    assert outer.n_features_in_ == 3
    assert not hasattr(outer, "feature_names_in_")
