import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from skvae import VAETransformer
from skvae.likelihoods import Gaussian, Histogram
from skvae.tables import NumberColumn, Survey, Table
from skvae.tables.columns.decimals import DecimalColumn, fit_floats

pa = pytest.importorskip("pyarrow")

BASE = 10**30
CODES = [Decimal(BASE + k) for k in (0, 3, 6, 9, 12)]
FINE = [Decimal(f"{k}.000000000000000000001") for k in range(5)]
WHOLE = pa.decimal128(38, 0)
QUICK = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}


def column(values, dtype=WHOLE, repeats=20):
    return pd.Series(list(values) * repeats, dtype=pd.ArrowDtype(dtype))


def frame(values=CODES, dtype=WHOLE):
    codes = column(values, dtype)
    return pd.DataFrame({"code": codes, "size": np.random.default_rng(0).normal(size=len(codes))})


def codec_of(values, family="gaussian", dtype=WHOLE):
    return Table.fit(pd.DataFrame({"code": column(values, dtype)}), family).data[0].codec


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.mark.parametrize("decoder", ["factorized", "autoregressive"])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (CODES, WHOLE),
        (CODES, pa.decimal256(60, 0)),
        (CODES, pa.decimal128(38, 4)),
        ([value.copy_negate() for value in CODES], WHOLE),
        (FINE, pa.decimal128(38, 21)),
        ([Decimal(2**53 + 1), Decimal(2**53 + 2)], WHOLE),
        ([Decimal("0.1"), Decimal("0.25"), Decimal("1.07")], pa.decimal128(38, 21)),
        ([Decimal(BASE + 1)] * 2, WHOLE),
    ],
)
def test_values_are_drawn_and_given_exactly(values, dtype, decoder):
    X = frame(values, dtype)
    vae = VAETransformer(decoder=decoder, **QUICK).fit(X)
    drawn = vae.sample(100, random_state=0)
    assert drawn["code"].dtype == X["code"].dtype
    for rows in (drawn, vae.reconstruct(X), vae.inverse_transform(vae.transform(X))):
        assert set(rows["code"].tolist()) <= set(values)
    assert vae.sample(3, given={"code": values[1]})["code"].tolist() == values[1:2] * 3
    assert vae.sample(given=X[["code"]][: len(values)])["code"].tolist() == values


def test_gaps_are_filled_with_values_that_were_there():
    X = frame()
    X.loc[::4, "code"] = pd.NA
    vae = VAETransformer(add_indicator=True, **QUICK).fit(X)
    filled = vae.impute(X)["code"]
    is_known = X["code"].notna()
    assert filled[is_known].tolist() == X["code"][is_known].tolist()
    assert set(filled.tolist()) <= set(CODES)


@pytest.mark.parametrize("family", ["gaussian", "student_t", "histogram"])
def test_a_density_is_that_of_distances_from_the_smallest(family):
    X, near = frame(), frame([value - BASE for value in CODES])
    far, close = (VAETransformer(likelihood={"code": family}, **QUICK).fit(rows) for rows in (X, near))
    assert_allclose(far.score(X), close.score(near), rtol=1e-12)


def test_decimals_that_floats_tell_apart_stay_as_they_are():
    assert type(codec_of([Decimal(10**15 - 1)])) is NumberColumn
    assert type(codec_of([Decimal(7 * 10**30)])) is NumberColumn
    assert type(codec_of(CODES)) is DecimalColumn
    assert fit_floats(column([Decimal("0.1"), None, Decimal("99.25")], pa.decimal128(38, 20)))
    assert not fit_floats(column(FINE, pa.decimal128(38, 21)))


@pytest.mark.parametrize("family", [Gaussian(), Histogram()])
@pytest.mark.parametrize(
    "chunks", [[CODES[2:], CODES[:1], CODES], [[None, None], CODES], [CODES[1:2] * 2, [Decimal(BASE + 1)]]]
)
def test_chunks_are_learned_as_all_at_once(chunks, family):
    chunks = [pd.DataFrame({"code": column(chunk, repeats=1)}) for chunk in chunks]
    survey = Survey(chunks[0], family)
    for chunk in chunks:
        survey.add(chunk)
    table, whole = survey.table(), Table.fit(pd.concat(chunks, ignore_index=True), family)
    assert_allclose(table.encode(chunks[-1]), whole.encode(chunks[-1]), rtol=1e-12)
    assert table.decode(table.encode(chunks[-1]))["code"].tolist() == chunks[-1]["code"].tolist()


@pytest.mark.parametrize("name", ["decimal32", "decimal64"])
def test_narrow_decimals_are_numbers(name):
    if not hasattr(pa, name):
        pytest.skip("of later releases of pyarrow")
    X = frame([Decimal("0.10"), Decimal("1.07")], getattr(pa, name)(5, 2))
    drawn = VAETransformer(**QUICK).fit(X).sample(20, random_state=0)
    assert drawn["code"].dtype == X["code"].dtype
    assert set(drawn["code"].tolist()) <= set(X["code"].tolist())


def test_floats_in_place_of_decimals_get_a_warning():
    vae = VAETransformer(**QUICK).fit(frame())
    with pytest.warns(UserWarning, match=r"several decimals, but column 'code', which .* Pass decimals of Arrow"):
        vae.transform(frame().astype({"code": float}))
    same = vae.transform(frame())
    for dtype in (object, str):
        assert_array_equal(vae.transform(frame().astype({"code": dtype})), same)


def test_draws_stay_in_the_dtype():
    codec = codec_of(CODES)
    ends = codec.decode(np.array([-np.inf, -1e300, 1e300, np.inf])).tolist()
    assert ends == [Decimal(-(10**38) + 1)] * 2 + [Decimal(10**38 - 1)] * 2


@pytest.mark.parametrize("family", ["gaussian", "histogram"])
def test_a_column_of_too_many_steps_is_said_once(family):
    X = frame([Decimal(1), Decimal(BASE + 1), Decimal(2 * BASE + 3)])
    with pytest.warns(UserWarning, match="'code' has 1e.30 steps of 2 from 1, its smallest value") as said:
        vae = VAETransformer(likelihood={"code": family}, **QUICK).fit(X)
    assert len([one for one in said if "tell 2**53 steps apart" in str(one.message)]) == 1
    vae.transform(X)


def test_what_floats_merge_is_said():
    with pytest.warns(UserWarning, match=r"Decimals of more than 15 digits are read as floats.*'code' holds 1\.00000"):
        Table.fit(pd.DataFrame({"code": column(FINE[1:], pa.decimal128(38, 21))}), "gamma")


@pytest.mark.parametrize(
    ("value", "reason"),
    [(Decimal(BASE + 1), "steps of 3 from 1000"), (5, "steps of 3 from"), (Decimal("0.5"), "steps of 3 from")],
)
@pytest.mark.parametrize("family", ["histogram", "gaussian"])
def test_a_condition_between_two_steps_gets_a_sentence(value, reason, family):
    vae = VAETransformer(likelihood={"code": family}, **QUICK).fit(frame())
    with pytest.raises(ValueError, match=f"'code'.*{reason}"):
        vae.sample(2, given={"code": value})


def test_a_condition_may_be_an_int_or_text():
    vae = VAETransformer(**QUICK).fit(frame())
    assert vae.sample(2, given={"code": BASE + 3})["code"].tolist() == [CODES[1]] * 2


def test_a_model_is_saved(tmp_path):
    pytest.importorskip("safetensors")
    X = frame(dtype=pa.decimal256(60, 0))
    vae = VAETransformer(**QUICK).fit(X)
    vae.save(tmp_path / "model")
    loaded = VAETransformer.load(tmp_path / "model")
    assert loaded.table_.data[0].codec.number == vae.table_.data[0].codec.number
    assert_array_equal(loaded.score_samples(X), vae.score_samples(X))
    assert loaded.sample(5, random_state=0)["code"].tolist() == vae.sample(5, random_state=0)["code"].tolist()


@pytest.mark.parametrize(("origin", "step"), [("NaN", "1"), ("0", "0"), ("1", "-1")])
def test_impossible_steps_get_a_sentence(origin, step):
    with pytest.raises(ValueError, match=f"steps of {step} from {origin} are none of decimal128"):
        DecimalColumn("a", pd.ArrowDtype(WHOLE), Decimal(origin), Decimal(step))


def test_decimals_of_polars_come_back_exactly():
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"code": CODES * 20, "size": np.arange(100.0)}, schema_overrides={"code": pl.Decimal(38, 0)})
    drawn = VAETransformer(**QUICK).fit(X).sample(20, random_state=0)
    assert drawn.schema == X.schema
    assert set(drawn["code"].to_list()) <= set(CODES)
