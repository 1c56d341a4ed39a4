"""The table of kinds; and what a new kind takes: one class and one row."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import trapezoid

from skvae import VAETransformer
from skvae.likelihoods import FAMILIES, Gaussian, Histogram
from skvae.tables import Survey, Table
from skvae.tables.columns import (
    KINDS,
    CategoryColumn,
    Column,
    GapColumn,
    HistogramColumn,
    NumberColumn,
    TimeColumn,
    owner_of,
    reader_of,
)
from skvae.tables.columns.dtypes import cast


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("float32", NumberColumn),
        ("Int8", NumberColumn),
        ("bool", CategoryColumn),
        ("string", CategoryColumn),
        ("category", CategoryColumn),
        ("datetime64[ns]", TimeColumn),
        ("period[D]", TimeColumn),
        ("complex64", None),
        ("interval[int64]", None),
    ],
)
def test_every_dtype_has_one_owner_or_none(dtype, kind):
    dtype = pd.api.types.pandas_dtype(dtype)
    assert owner_of(dtype) is kind
    assert [other for other in KINDS if other.owns(dtype)] == ([] if kind is None else [kind])


@pytest.mark.parametrize("family", FAMILIES.values())
@pytest.mark.parametrize("dtype", ["float64", "int8", "bool", "object", "datetime64[s]"])
def test_every_column_of_every_family_has_a_reader(dtype, family):
    dtype, family = np.dtype(dtype), family()
    kind = {"categories": CategoryColumn, "bins": HistogramColumn}.get(family.cells)
    assert reader_of(dtype, family) is (kind or (TimeColumn if dtype.kind == "M" else NumberColumn))


def test_only_indicators_are_none_of_the_data():
    assert [kind for kind in KINDS if kind.is_indicator] == [GapColumn]


# -- a kind of one's own ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PercentColumn(Column):
    """Percentages of half precision, as logits."""

    has_density: ClassVar[bool] = True

    @classmethod
    def owns(cls, dtype):
        return dtype == np.float16

    @classmethod
    def auto_family(cls, dtype, *, histograms):
        return Gaussian("column")

    @classmethod
    def reads(cls, dtype, family):
        return dtype == np.float16 and family.cells == "numbers"

    def encode(self, values):
        share = values.to_numpy(dtype=float) / 100
        return np.log(share) - np.log1p(-share)

    def decode(self, cells):
        return cast(100 / (1 + np.exp(-cells)), self.dtype)

    def log_density(self, cells):
        share = 1 / (1 + np.exp(-np.nan_to_num(cells)))
        return np.where(np.isnan(cells), 0.0, -np.log(100 * share * (1 - share)))

    def is_possible(self, values):
        return ((values > 0) & (values < 100)).to_numpy(dtype=bool)

    def possible_values(self, support):
        return "a percentage between 0 and 100"

    @property
    def holds_numbers(self):
        return True

    def encode_tensor(self, values):
        return torch.logit(values / 100)

    def decode_tensor(self, cells):
        return 100 * torch.sigmoid(cells)


@pytest.fixture
def registered():
    KINDS.insert(0, PercentColumn)
    yield
    KINDS.remove(PercentColumn)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    z = rng.normal(size=90)
    frame = pd.DataFrame(
        {
            "size": z + 0.1 * rng.normal(size=90),
            "share": (100 / (1 + np.exp(2 - z))).astype(np.float16),
            "kind": np.where(z > 0, "a", "b"),
        }
    )
    frame.loc[::7, "share"] = np.nan
    return frame


@pytest.mark.usefixtures("registered")
def test_a_table_with_a_kind_of_ones_own(rows):
    table = Table.fit(rows, {"size": "student_t"}, add_indicator=True)
    assert [type(column) for column in table.columns] == [GapColumn, NumberColumn, PercentColumn, CategoryColumn]
    assert table.data_families[1] == Gaussian("column")
    x = table.encode(rows)
    logits = np.log(rows["share"].astype(float) / (100 - rows["share"].astype(float)))
    assert_allclose(x[:, 2], (logits - logits.mean()) / logits.std(ddof=0))
    pd.testing.assert_frame_equal(table.decode(x), rows, rtol=1e-3)
    survey = Survey(rows[:40], {"size": "student_t"}, add_indicator=True)
    for chunk in (rows[:40], rows[40:]):
        survey.add(chunk)
    assert_allclose(survey.table().loc, table.loc, rtol=1e-12)
    # a density of the percentages themselves (and of the sizes, but for their unit): it integrates to one over them
    grid = pd.DataFrame({"size": 0.0, "share": np.linspace(1, 99, 981).astype(np.float16), "kind": "a"})
    at = table.encode(grid)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(at[:, 2]) + np.log(abs(table.scale[1]))
    density = np.exp((normal + table.log_jacobian(at)).numpy())
    assert trapezoid(density, grid["share"].astype(float)) == pytest.approx(1.0, abs=0.02)


@pytest.mark.usefixtures("registered")
def test_a_condition_on_a_kind_of_ones_own(rows):
    table = Table.fit(rows)
    x = table.encode_condition(pd.DataFrame({"share": [25.0, None]}))
    assert_allclose(x[0, 1] * table.scale[1] + table.loc[1], np.log(1 / 3))
    assert x[1].isnan().all() and x[0, [0, 2]].isnan().all()
    with pytest.raises(ValueError, match=r"100.0 has none in column 'share'.* Pass a percentage between 0 and 100"):
        table.encode_condition(pd.DataFrame({"share": [100.0]}))
    assert_array_equal(table.n_impossible(rows.assign(share=np.float16(100))), np.ones(len(rows)))


@pytest.mark.usefixtures("registered")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [150, -2, 0, 100, np.inf])
def test_what_a_kind_of_ones_own_cannot_hold_is_no_gap(rows, value):
    table, survey = Table.fit(rows), Survey(rows)
    rows.loc[5, "share"] = np.float16(value)
    for read in (Table.fit, table.encode, survey.add):
        with pytest.raises(
            ValueError, match=f"column 'share' holds {float(value)} in row 5, .* this column of float16"
        ):
            read(rows)


@pytest.mark.usefixtures("registered")
def test_what_a_kind_of_ones_own_loses_without_saying_so_is_no_gap(rows, monkeypatch):
    monkeypatch.setattr(PercentColumn, "is_possible", Column.is_possible)
    rows.loc[3, "share"] = np.float16(150)
    with pytest.raises(ValueError, match=r"column 'share' holds 150\.0 in row 3"), np.errstate(invalid="ignore"):
        Table.fit(rows)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_estimator_with_a_kind_of_ones_own(registered, rows, tiny, tmp_path):
    pytest.importorskip("safetensors")
    vae = VAETransformer(**tiny | {"early_stopping": False}).fit(rows)
    drawn = vae.sample(50, given={"share": 25.0}, random_state=0)
    assert (drawn["share"] == 25).all() and drawn["share"].dtype == np.float16
    assert vae.impute(rows, random_state=0)["share"].between(0, 100).all()
    vae.save(tmp_path / "model")
    again = VAETransformer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.sample(9, random_state=1), vae.sample(9, random_state=1))
    KINDS.remove(PercentColumn)
    with pytest.raises(ValueError, match="It holds a 'PercentColumn', which no file of this version"):
        VAETransformer.load(tmp_path / "model")
    KINDS.insert(0, PercentColumn)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("registered")
def test_a_graph_with_a_kind_of_ones_own(rows, tiny, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    X = rows[["size", "share"]]
    vae = VAETransformer(**tiny | {"early_stopping": False}).fit(X)
    vae.to_onnx(tmp_path / "encoder.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx", providers=["CPUExecutionProvider"])
    (Z,) = session.run(None, {"X": X.to_numpy(dtype=np.float32)})
    assert_allclose(Z, vae.transform(X), rtol=1e-4, atol=1e-4)


@dataclass(frozen=True)
class Even(Gaussian):
    """A family of one's own, of percentages above a half."""

    scale: str = "column"
    support: ClassVar[str] = "percentages above 50"

    def is_valid(self, x):
        return x > 0


@pytest.mark.usefixtures("registered")
def test_a_family_of_ones_own_names_the_value_and_not_its_code(rows):
    with pytest.raises(ValueError, match=r"needs percentages above 50, but row 1 holds 25\. Use"):
        Table.fit(rows[:2].assign(share=np.array([75, 25], np.float16)), {"share": Even()})


def test_the_kind_is_gone():
    assert PercentColumn not in KINDS
    assert isinstance(Table.fit(pd.DataFrame({"a": np.arange(9, dtype=np.float16)})).columns[0], HistogramColumn)
    assert Histogram().cells == "bins"
