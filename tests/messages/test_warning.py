"""A warning points at the line of the user, whatever lies between."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAEImputer, VAESearchCV, VAETransformer
from skvae.messages import each_once, warn_user

NOISE = np.random.default_rng(0).normal(size=(200, 3))
SETTINGS = {"n_components": 2, "beta": 50.0, "init": "random", "max_iter": 60, "device": "cpu", "random_state": 0}

TINY = {"max_iter": 1, "device": "cpu", "random_state": 0}


def switched_off():
    """An estimator whose fit warns that all components are switched off."""
    return VAETransformer(early_stopping=False, **SETTINGS)


CALLS = {
    "fit": lambda: switched_off().fit(NOISE),
    "fit_transform": lambda: switched_off().fit_transform(NOISE),
    "fit_chunks": lambda: switched_off().fit_chunks([NOISE[:90], NOISE[90:]]),
    "partial_fit": lambda: [vae := switched_off(), *[vae.partial_fit(NOISE) for _ in range(60)]],
    "pipeline": lambda: make_pipeline(StandardScaler(), switched_off()).fit(NOISE),
    "imputer": lambda: VAEImputer(switched_off()).fit(NOISE),
    "search": lambda: VAESearchCV(switched_off(), {"n_components": [2]}, cv=2).fit(NOISE),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_warning_of_fit_points_at_the_users_line(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = [warning for warning in caught if issubclass(warning.category, ConvergenceWarning)]
    assert found
    assert {warning.filename for warning in found} == {__file__}


def test_a_warning_of_the_table_points_at_the_users_line(tiny, mixed):
    vae = VAETransformer(**tiny).fit(mixed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vae.transform(mixed.assign(kind="unheard"))
    assert [warning.filename for warning in caught] == [__file__]


def test_a_warning_object_keeps_its_class():
    with pytest.warns(FutureWarning, match="soon") as caught:
        warn_user(FutureWarning("soon"))
    assert caught[0].filename == __file__


def test_where_nobody_else_is_there_the_outermost_line_counts():
    namespace = {"__name__": "skvae.somewhere", "warn_user": warn_user}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec("def f():\n    warn_user('x')\nf()", namespace)
    assert caught[0].filename == __file__


def test_a_search_says_once_what_holds_for_all_its_fits():
    people = pd.DataFrame({"id": np.arange(200), "x": NOISE[:, 0], "kind": list("ab") * 100})
    search = VAESearchCV(VAETransformer(decoder="factorized", **TINY), {"n_components": [1, 2]}, cv=2)
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search.fit(people)
        assert sum("in column(s) 'id'" in str(one.message) for one in caught) == 1


def test_what_is_an_error_is_one_each_time():
    with each_once(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(UserWarning, match="constant"):
                warn_user("The column is constant.")
