"""What is drawn, filled and inferred, of rows with identifiers and with values that few hold."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from skvae import VAETransformer

# -- identifiers -----------------------------------------------------------------------------------------------------

IDENTIFIERS = ["id", "email", "phone"]


@pytest.fixture(scope="module", params=["auto", "factorized"])
def named(request, named_rows):
    settings = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "device": "cpu", "random_state": 0}
    with pytest.warns(UserWarning, match=r"never recur, as in column\(s\) 'id', 'email', 'phone'"):
        return VAETransformer(**settings, decoder=request.param).fit(named_rows)


def has_new_identifiers(rows, X):
    known = [rows[name].dropna() for name in IDENTIFIERS]
    return all(values.is_unique and not values.isin(X[values.name]).any() for values in known)


def test_identifiers_are_drawn_anew(named, named_rows):
    rows = named.sample(10 * len(named_rows))
    assert has_new_identifiers(rows, named_rows)
    assert list(rows.dtypes) == list(named_rows.dtypes) and list(rows.columns) == list(named_rows.columns)
    assert rows["phone"].isna().mean() == pytest.approx(0.2, abs=0.05)
    assert_frame_equal(rows, named.sample(10 * len(named_rows)))
    assert not rows["email"].equals(named.sample(10 * len(named_rows), random_state=1)["email"])
    assert named.sample(50, gaps=False)["phone"].notna().all()


def test_identifiers_say_nothing(named, named_rows):
    others = named_rows.assign(id=7, email="anna@mail.org", phone=None)
    assert_array_equal(named.transform(others), named.transform(named_rows))
    assert_array_equal(named.score_samples(others), named.score_samples(named_rows))
    assert_array_equal(named.log_likelihood(others), named.log_likelihood(named_rows))
    without = VAETransformer(**named.get_params()).fit(named_rows.drop(columns=IDENTIFIERS))
    assert_array_equal(named.transform(named_rows), without.transform(named_rows.drop(columns=IDENTIFIERS)))
    assert_frame_equal(named.sample(9).drop(columns=IDENTIFIERS), without.sample(9))
    assert named.n_features_in_ == 5 and list(named.feature_names_in_) == list(named_rows.columns)


def test_rows_that_come_back_have_new_identifiers(named, named_rows):
    for rows in (
        named.reconstruct(named_rows),
        named.reconstruct(named_rows, stochastic=True),
        named.inverse_transform(named.transform(named_rows)),
        named.sample(given=named_rows[["plan"]]),
        named.sample(30, given={"age": int(named_rows["age"][3])}),
    ):
        assert has_new_identifiers(rows, named_rows) and rows["phone"].isna().mean() < 0.5
    assert named.reconstruct(named_rows).index.equals(named_rows.index)


@pytest.mark.parametrize("n_draws", [None, 2])
def test_gaps_in_identifiers_are_filled_with_new_ones(named, named_rows, n_draws):
    X = named_rows.astype({"id": "Int64"})
    X.loc[3:6, ["id", "plan"]] = None
    filled = named.impute(X, n_draws=n_draws)
    for rows in filled if n_draws else [filled]:
        assert rows.notna().all(axis=None) and all(rows[name].is_unique for name in IDENTIFIERS)
        assert_frame_equal(rows.where(X.notna()), X.where(X.notna()))


def test_questions_about_an_identifier_get_a_sentence(named, named_rows):
    with pytest.raises(ValueError, match=r"column 'email' is an identifier.*likelihood=\{'email': …\}"):
        named.sample(3, given={"email": "anna@mail.org"})
    with pytest.raises(ValueError, match="column 'id' is an identifier"):
        named.infer(named_rows, "id")
    with pytest.raises(ValueError, match="column 'phone' is an identifier"):
        named.infer_proba(named_rows, "phone")
    assert named.infer(named_rows, "plan").isin(["large", "small"]).all()


# -- rare values -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    n = 400
    people = pd.DataFrame({"age": rng.integers(20, 60, n), "wage": rng.lognormal(10, 1, n).round(2), "children": 0})
    people["born"] = pd.Timestamp("2000-01-01") - pd.to_timedelta(people["age"] * 365 + rng.integers(365, size=n), "D")
    people["job"] = rng.choice(["cook", "nurse", "smith"], n)
    people.loc[rng.permutation(n)[:100], "children"] = rng.integers(1, 4, 100)
    people.loc[7, ["age", "job", "children"]] = 97, "astronaut", 11
    return people


SETTINGS = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "device": "cpu", "random_state": 0}


def own_values(people):
    """Of each column its ends and categories that a single row holds."""
    for name, values in people.items():
        counts = values.value_counts()
        ends = [values.min(), values.max()] if values.dtype.kind in "ifM" else counts.index
        yield name, [value for value in ends if counts[value] == 1]


@pytest.mark.parametrize("decoder", ["auto", "factorized", "autoregressive"])
def test_values_of_one_row_are_not_drawn(people, decoder):
    vae = VAETransformer(**SETTINGS, decoder=decoder).fit(people)
    back = vae.inverse_transform(vae.transform(people))
    rows = pd.concat([vae.sample(10 * len(people)), vae.reconstruct(people), back])
    own = dict(own_values(people))
    assert own["job"] == ["astronaut"] and sum(map(len, own.values())) >= 6
    for name, values in own.items():
        assert not rows[name].isin(values).any()
        if people[name].dtype.kind in "ifM":
            assert (people[name] <= rows[name].min()).sum() >= 3 <= (people[name] >= rows[name].max()).sum()
    assert np.isfinite(vae.score_samples(people)).all()


def test_without_protection_they_are(people):
    vae = VAETransformer(**SETTINGS, protect=None).fit(people)
    rows = vae.sample(10 * len(people))
    assert (rows["job"] == "astronaut").any() and rows["age"].max() == 97
    pairs = VAETransformer(**SETTINGS, protect=2, decoder="factorized").fit(people)
    assert pairs.sample(10 * len(people))["age"].max() < 97


def test_rare_values_as_conditions(people):
    vae = VAETransformer(**SETTINGS).fit(people)
    assert (vae.sample(9, given={"job": "astronaut"})["job"] == "astronaut").all()  # it is whose rows are asked for
    assert (vae.sample(9, given={"age": 97})["age"] == 97).all()  # which counts as the end, 59
    with pytest.raises(ValueError, match=r"99 has none in column 'age'.*Pass a value from 20 to 59"):
        vae.sample(9, given={"age": 99})  # the ends are 39 years apart
    completed = vae.impute(people.assign(wage=people["wage"].where(people.index != 7)))
    assert completed.loc[7, "job"] == "astronaut" and completed["wage"].notna().all()
    assert list(vae.infer_proba(people, "job").columns) == ["cook", "nurse", "smith", "(rare)"]


def test_arrays_and_small_tables_are_learned_as_they_are(people, iris):
    small = people[:90]
    one, other = (VAETransformer(**SETTINGS, protect=protect).fit(small) for protect in ("auto", None))
    assert_frame_equal(one.sample(50), other.sample(50))
    one, other = (VAETransformer(**SETTINGS, protect=protect).fit(iris) for protect in ("auto", None))
    assert_array_equal(one.sample(50), other.sample(50))


def test_a_warm_start_keeps_the_protection(people):
    vae = VAETransformer(**SETTINGS, warm_start=True).fit(people)
    with pytest.raises(ValueError, match="protect was 'auto', but it is None now"):
        vae.set_params(protect=None).fit(people)
