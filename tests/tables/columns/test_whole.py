import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae import VAEOutlierDetector, VAETransformer
from skvae.likelihoods import DiscretizedLogistic, Histogram, StudentT
from skvae.tables import NumberColumn, Survey, Table, WholeColumn
from skvae.tables.columns.steps import Lattice
from skvae.tables.columns.whole import lattice_of

BASE = 2**60
CODES = [BASE, BASE + 3, BASE + 6, BASE + 9, BASE + 12]
DTYPES = ["int64", "uint64", "Int64", "UInt64", "int64[pyarrow]", "uint64[pyarrow]", "Sparse[int64]"]
QUICK = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 2, "random_state": 0}
DECODERS = ["factorized", "autoregressive"]


def column(values, dtype="int64", repeats=20):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    return pd.Series(list(values) * repeats, dtype=dtype)


def frame(values=CODES, dtype="int64"):
    codes = column(values, dtype)
    return pd.DataFrame({"code": codes, "size": np.random.default_rng(0).normal(size=len(codes))})


def codec_of(values, family="discretized_logistic", dtype="int64"):
    return Table.fit(pd.DataFrame({"code": column(values, dtype)}), family).data[0].codec


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_codes_are_drawn_and_given_exactly(dtype, decoder):
    X = frame(dtype=dtype)
    vae = VAETransformer(decoder=decoder, **QUICK).fit(X)
    drawn = vae.sample(100, random_state=0)
    assert drawn["code"].dtype == X["code"].dtype
    for rows in (drawn, vae.reconstruct(X), vae.inverse_transform(vae.transform(X))):
        assert set(rows["code"].tolist()) <= set(CODES)
    assert len(set(drawn["code"].tolist())) >= 3
    assert vae.sample(3, given={"code": CODES[1]})["code"].tolist() == [CODES[1]] * 3
    assert vae.sample(given=X[["code"]][:5])["code"].tolist() == CODES


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([-BASE, -BASE - 3, -BASE - 6], "int64"),
        ([2**64 - 1, 2**64 - 11], "uint64"),
        ([-(2**63), -(2**63) + 5], "Int64"),
        ([-(2**62), 0, 2**62], "int64"),
        ([0, 2**64 - 1], "UInt64"),
        ([2**53 + 1] * 2, "int64"),
    ],
)
def test_codes_of_every_sign_and_span_come_back(values, dtype, decoder):
    vae = VAETransformer(decoder=decoder, **QUICK).fit(frame(values, dtype))
    assert set(vae.sample(50, random_state=0)["code"].tolist()) <= set(values)
    assert vae.sample(2, given={"code": values[1]})["code"].tolist() == values[1:2] * 2


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]"])
def test_gaps_beside_large_codes_are_filled_with_codes(dtype, decoder):
    X = frame(dtype=dtype)
    X.loc[::4, "code"] = pd.NA
    vae = VAETransformer(decoder=decoder, add_indicator=True, **QUICK).fit(X)
    filled = vae.impute(X)["code"]
    is_known = X["code"].notna()
    assert filled[is_known].tolist() == X["code"][is_known].tolist()
    assert set(filled.tolist()) <= set(CODES)
    assert set(vae.sample(50, random_state=0)["code"].dropna().tolist()) <= set(CODES)


@pytest.mark.parametrize("family", ["gaussian", "student_t", "discretized_logistic", "histogram"])
def test_integer_arrays_are_exact(family):
    X = np.column_stack([np.array(CODES * 20), np.arange(100)])
    vae = VAETransformer(likelihood=family, **QUICK).fit(X)
    drawn = vae.sample(50, random_state=0)[:, 0]
    assert drawn.dtype == np.int64
    assert not ((drawn - BASE) % 3).any()
    assert vae.sample(2, given={0: CODES[1]})[:, 0].tolist() == [CODES[1]] * 2
    shifted = VAETransformer(likelihood=family, **QUICK).fit(X - np.array([BASE, 0]))
    assert (vae.transform(X) == shifted.transform(X - np.array([BASE, 0]))).all() or family == "discretized_logistic"


def test_a_density_of_large_codes_is_that_of_their_distances():
    X = frame()
    of_codes, of_distances = (
        VAETransformer(likelihood="student_t", **QUICK).fit(rows) for rows in (X, X.assign(code=X["code"] - BASE))
    )
    assert_allclose(of_codes.score(X), of_distances.score(X.assign(code=X["code"] - BASE)), rtol=1e-12)


def test_probabilities_are_those_of_steps():
    X = pd.DataFrame({"code": column(CODES)})
    steps = pd.DataFrame({"code": column(range(5))})
    tables = Table.fit(X, "discretized_logistic"), Table.fit(steps, "discretized_logistic")
    assert_array_equal(tables[0].encode(X), tables[1].encode(steps))
    assert_array_equal(tables[0].joint().blocks[0].half_width, tables[1].joint().blocks[0].half_width)


def test_small_numbers_stay_as_they_are():
    assert type(codec_of([2**53, -(2**53), 3])) is NumberColumn
    assert type(codec_of([2**53 + 1, 3])) is WholeColumn
    assert type(codec_of([2**60, 0], dtype="float64")) is NumberColumn


def test_a_model_of_large_codes_is_saved(tmp_path):
    pytest.importorskip("safetensors")
    X = frame([2**64 - 1, 2**64 - 3], "UInt64")
    vae = VAETransformer(**QUICK).fit(X)
    vae.save(tmp_path / "model")
    loaded = VAETransformer.load(tmp_path / "model")
    assert loaded.table_.data[0].codec.number == vae.table_.data[0].codec.number
    assert_array_equal(loaded.score_samples(X), vae.score_samples(X))


@pytest.mark.parametrize(("origin", "step", "unit"), [(-1, 1, 1), (2**64, 1, 1), (0, 0, 1), (0, 6, 3)])
def test_impossible_steps_get_a_sentence(origin, step, unit):
    with pytest.raises(ValueError, match=f"steps of {step} from {origin} in units of {unit} are none of uint64"):
        WholeColumn("a", np.dtype(np.uint64), origin, step, unit)


@pytest.mark.parametrize("family", [DiscretizedLogistic(), StudentT(), Histogram()])
@pytest.mark.parametrize(
    "chunks",
    [
        [CODES[2:], CODES[:1], CODES],
        [[7, 10], CODES],
        [CODES[1:2] * 2, [CODES[4] + 1], [-BASE]],
        [[1, 2], [2**53 + 1], [0]],
        [[None, None], [BASE + 6, None], CODES],
    ],
)
def test_chunks_are_learned_as_all_at_once(chunks, family):
    warnings.filterwarnings("ignore", "Floats tell 2.*53 steps apart")
    chunks = [pd.DataFrame({"code": pd.Series(chunk, dtype="Int64")}) for chunk in chunks]
    survey = Survey(chunks[0], family)
    for chunk in chunks:
        survey.add(chunk)
    streamed, at_once = survey.table(), Table.fit(pd.concat(chunks), family)
    assert repr(streamed.columns[0]) == repr(at_once.columns[0])
    assert_array_equal([streamed.lower, streamed.upper], [at_once.lower, at_once.upper])
    assert_allclose(streamed.loc, at_once.loc, rtol=1e-12, atol=1e-9)
    assert_allclose(streamed.scale, at_once.scale, rtol=1e-6)


@pytest.mark.parametrize("value", [BASE + 1, f"{BASE}.5", BASE + 15, -3, 2**64, 2**70, True])
def test_codes_without_a_probability_get_a_sentence(value):
    vae = VAETransformer(**QUICK).fit(frame())
    possible = f"Pass a value from {CODES[0]} to {CODES[-1]}, one of 5 values"
    with pytest.raises(ValueError, match=possible), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vae.sample(given={"code": value})


def test_a_code_between_steps_says_why():
    codec = codec_of(CODES)
    assert codec.reason(pd.Series([BASE + 1])) == f"which has whole numbers in steps of 3 from {BASE}"
    assert codec.is_possible(pd.Series([BASE + 1, BASE + 3, BASE + 30, None], dtype="Int64")).tolist() == [0, 1, 1, 0]
    atoms = codec_of(CODES, "histogram")
    assert atoms.is_possible(pd.Series([BASE + 1, BASE + 3])).tolist() == [False, True]
    assert "in steps of 3" in atoms.reason(pd.Series([BASE + 1]))


@pytest.mark.parametrize("value", [str(CODES[1]), np.uint64(CODES[1])])
def test_a_condition_may_be_text_or_of_another_width(value):
    vae = VAETransformer(**QUICK).fit(frame())
    assert vae.sample(given={"code": value})["code"].tolist() == [CODES[1]]


@pytest.mark.parametrize("dtype", ["object", "str", "uint64", "Int64"])
def test_new_rows_may_be_of_another_dtype(dtype):
    X = frame()
    table = Table.fit(X)
    assert_array_equal(table.encode(X.astype({"code": dtype})), table.encode(X))


def test_floats_that_stand_for_several_codes_are_said():
    X = frame()
    table = Table.fit(X)
    with pytest.warns(
        UserWarning, match="column 'code', which held int64 at fit, now has dtype float64 and holds 1.15"
    ):
        table.encode(X.astype({"code": "float64"}))
    with pytest.warns(UserWarning, match="A float beyond 2\\*\\*53"):
        table.encode_condition(pd.DataFrame({"code": [float(BASE)]}))


@pytest.mark.parametrize("family", ["gaussian", "histogram", "discretized_logistic"])
def test_codes_that_span_more_steps_than_floats_hold_are_said_once(family):
    X = frame([0, 1, 2**62 + 1])
    with pytest.warns(UserWarning, match=r"'code' has 4\.61e\+18 steps of 1 from 0, its smallest value") as said:
        vae = VAETransformer(likelihood={"code": family}, **QUICK).fit(X)
    assert len([one for one in said if "tell 2**53 steps apart" in str(one.message)]) == 1
    vae.transform(X)


def test_codes_far_apart_with_few_steps_are_not_said():
    X = pd.DataFrame({"code": column([0, 2**60, 2**62])})
    assert Table.fit(X, "gaussian").decode(Table.fit(X, "gaussian").encode(X))["code"].tolist() == X["code"].tolist()


def test_new_codes_out_of_range_are_scored():
    X = frame()
    vae = VAETransformer(**QUICK).fit(X)
    far = pd.DataFrame({"code": [BASE + 300, BASE - 300, BASE + 1], "size": 0.0})
    assert np.isfinite(vae.score_samples(far)).all()


def test_values_become_units_and_back_at_the_ends_of_the_dtype():
    codec = WholeColumn("a", np.dtype(np.int64), -(2**63) + 1, 3, 3)
    values = pd.Series([-(2**63) + 1, -(2**63) + 4, -(2**63) + 1 + 3 * 2**52])
    assert codec.encode(values).tolist() == [0, 1, 2**52]
    assert codec.decode(np.array([0.0, 1.0, 2.0**52])).tolist() == values.tolist()
    assert codec.decode(np.array([-1e30, 1e30])).tolist() == [-(2**63) + 1, 2**63 - 1 - (2**64 - 2) % 3]


def test_lattices_of_integers():
    for values in ([10, 16, 22], [13], [5, 5], [-(2**63), 2**63 - 1]):
        assert lattice_of(np.array(values)) == Lattice.of(values)


def test_the_outlier_detector_sees_codes_exactly():
    X = frame()
    detector = VAEOutlierDetector(estimator=VAETransformer(**QUICK), random_state=0).fit(X)
    between = X[:1].assign(code=BASE + 1)
    assert detector.score_samples(between) < detector.score_samples(X[:1]) - 3


def test_graphs_refuse_large_codes():
    assert not codec_of(CODES).holds_numbers
