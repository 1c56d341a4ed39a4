"""What is saved is what is loaded; what is damaged or hostile gives a sentence and runs nothing."""

import copy
import enum
import json
import pickle
import re
import struct
import sys
import tracemalloc
import uuid
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError

from skvae import VAETransformer
from skvae.files import container
from skvae.files.container import digest
from skvae.likelihoods import FAMILIES, Gaussian
from skvae.priors import Mixture, fit_prior
from skvae.training import LinearBeta
from tests.tables.bills import bills

safetensors = pytest.importorskip("safetensors")
FIXTURES = Path(__file__).parents[1] / "fixtures"
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def few_particles(monkeypatch):
    """Models that are the same say the same of few as of many."""
    monkeypatch.setattr("skvae.models.gaps.POOL", 600)
    monkeypatch.setattr("skvae.models.completing.N_PARTICLES", 50)


def assert_same(one, other, X):
    """All that can be asked of two models has the same answer, to the last bit."""
    assert_array_equal(one.transform(X), other.transform(X))
    assert_array_equal(one.score_samples(X), other.score_samples(X))
    assert_array_equal(one.log_likelihood(X, n_draws=2), other.log_likelihood(X, n_draws=2))
    if one.vae_.chain is not None:
        assert_array_equal(one.log_likelihood(X), other.log_likelihood(X))
        name = X.columns[-1]
        pd.testing.assert_frame_equal(one.infer_proba(X, name), other.infer_proba(X, name), check_exact=True)
        assert repr(one.history_beside_) == repr(other.history_beside_)
    Z = one.transform(X)[:9]
    for ask in (
        lambda model: model.inverse_transform(Z),
        lambda model: model.sample(9, random_state=1),
        lambda model: model.impute(X[:9], random_state=2),
    ):
        pd.testing.assert_frame_equal(pd.DataFrame(ask(one)), pd.DataFrame(ask(other)), check_exact=True)
    assert vars(one).keys() == vars(other).keys()
    assert repr(one.get_params()) == repr(other.get_params())
    one_history, other_history = ({**model.history_, "seconds": None} for model in (one, other))
    assert repr(one_history) == repr(other_history)
    for name in ("n_iter_", "best_iter_", "n_features_in_", "_fitted_with", "noise_variance_"):
        assert repr(getattr(one, name, None)) == repr(getattr(other, name, None))
    for name in ("kl_per_component_", "active_components_", "feature_names_in_"):
        assert_array_equal(getattr(one, name, []), getattr(other, name, []), strict=True)
    assert [(c.name, c.dtype) for c in one.table_.columns] == [(c.name, c.dtype) for c in other.table_.columns]


def saved(model, tmp_path, **own):
    model.save(tmp_path / "model")
    return type(model).load(tmp_path / "model", **own)


# -- there and back ----------------------------------------------------------------------------------------------


def whole(n_rows=40):
    return np.random.default_rng(0).poisson(3, size=(n_rows, 3))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_an_array(family, tiny, tmp_path):
    X = {"bernoulli": whole() > 2, "gamma": whole() + 0.5}.get(family, whole())
    vae = VAETransformer(likelihood=family, **tiny | {"early_stopping": False}).fit(X)
    assert_same(vae, saved(vae, tmp_path), X)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"decoder": "autoregressive", "prior": "vamp"},
        {"prior": Mixture(n_modes=3), "hidden_layer_sizes": (4, 6), "dropout": 0.1},
        {"prior": "laplace", "likelihood": {"age": "gamma"}},
        {"prior": "flow", "hidden_layer_sizes": [], "beta": LinearBeta(0.5)},
        {"add_indicator": True, "decoder": "autoregressive", "activation": "gelu"},
        {"add_indicator": True, "likelihood": {"size": Gaussian("column"), "age": "histogram"}, "init": "random"},
    ],
    ids=str,
)
def test_mixed_frames_under_every_prior_and_decoder(settings, tiny, mixed, tmp_path, monkeypatch):
    monkeypatch.setattr("skvae.models.outcome.fit_prior", partial(fit_prior, n_steps=2))
    vae = VAETransformer(**tiny | {"early_stopping": False} | settings).fit(mixed)
    assert_same(vae, saved(vae, tmp_path), mixed)


def test_identifiers(tiny, named_rows, tmp_path):
    keys = [uuid.UUID(int=i**9) for i in range(len(named_rows))]
    named_rows = named_rows.assign(key=keys)[["id", "age", "email", "phone", "key", "plan"]]
    vae = VAETransformer(**tiny, likelihood={"id": "normal_scores"}).fit(named_rows)
    loaded = saved(vae, tmp_path)
    assert_same(vae, loaded, named_rows.assign(phone=None))
    assert list(loaded.table_.identifiers) == [2, 3, 4]
    content = (tmp_path / "model").read_bytes()
    assert not [email for email in named_rows["email"] if email.encode() in content]


def test_copies(tiny, tmp_path):
    model = VAETransformer(**tiny | {"max_iter": 1}).fit(bills(800))
    again = saved(model, tmp_path)
    assert_array_equal(again.table_.copies[0].shares, model.table_.copies[0].shares)
    pd.testing.assert_frame_equal(again.sample(300, random_state=0), model.sample(300, random_state=0))
    assert_array_equal(again.log_likelihood(bills(50)), model.log_likelihood(bills(50)))


def test_a_wide_table_whose_columns_see_one_another(tiny, tmp_path):
    X = load_wine(as_frame=True).data
    vae = VAETransformer(3, decoder="autoregressive", max_iter=1, random_state=0).fit(X)
    assert_array_equal(saved(vae, tmp_path).transform(X), vae.transform(X))


def test_folds_and_the_linear_start(tiny, iris, tmp_path):
    vae = VAETransformer(**tiny | {"max_iter": 5, "hidden_layer_sizes": "auto"}).fit(iris)
    again = saved(vae, tmp_path)
    assert_same(vae, again, iris)
    assert repr(again.history_) == repr(vae.history_)


def test_times_zones_periods_and_categories_of_objects(tiny, tmp_path):
    n = 30
    start = pd.Timestamp("2020-01-01")
    X = pd.DataFrame(
        {
            "day": pd.date_range(start, periods=n, unit="s"),
            "moment": pd.date_range(start, periods=n, tz="Europe/Oslo", freq="h"),
            "month": pd.period_range("2020-01", periods=n, freq="M"),
            "took": pd.to_timedelta(np.arange(n), unit="s"),
            "any": pd.Series(["a", 1, 2.5, True, None, start] * 5, dtype=object),
            "cut": pd.cut(np.arange(n), 3),
            "arrow": pd.array(["x", "y", None] * 10, dtype="string[pyarrow]"),
            "stamp": pd.array(pd.date_range(start, periods=n), dtype="timestamp[us][pyarrow]"),
            "ordered": pd.Categorical(["u", "v", "w"] * 10, ["w", "v", "u"], ordered=True),
        }
    )
    settings = {"early_stopping": False, "decoder": "autoregressive", "constraints": None}  # rows so regular keep many
    vae = VAETransformer(**tiny | settings).fit(X)
    again = saved(vae, tmp_path)
    assert_same(vae, again, X)


@pytest.mark.parametrize("labels", [[7, 8], pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")], names=["x", None])])
def test_labels_that_are_no_strings(labels, tiny, tmp_path):
    X = pd.DataFrame(np.arange(40.0).reshape(20, 2) % 7, columns=labels)
    vae = VAETransformer(**tiny).fit(X)
    again = saved(vae, tmp_path)
    assert_same(vae, again, X)
    pd.testing.assert_index_equal(again.sample(2).columns, X.columns)


def test_polars(tiny, tmp_path):
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"a": [1, 2, 3, None] * 5, "b": ["x", "y", "x", "z"] * 5, "c": [0.5, 1.5, 2.5, None] * 5})
    X = X.with_columns(pl.col("b").cast(pl.Enum(["z", "y", "x"])), d=pl.datetime(2020, 1, pl.col("a")))
    X = X.with_columns(e=pl.col("c").cast(pl.Decimal(20, 2)))
    vae = VAETransformer(**tiny | {"early_stopping": False}).fit(X)
    again = saved(vae, tmp_path)
    assert again.sample(5, random_state=0).equals(vae.sample(5, random_state=0))
    assert again.sample(5).schema == X.schema


def test_parameters_and_settings_around_them(tiny, iris, tmp_path):
    state = np.random.RandomState(5)
    settings = {"random_state": state, "n_components": np.int64(2), "device": torch.device("cpu"), "tol": np.float64(0)}
    vae = VAETransformer(**tiny | settings).fit(iris).set_output(transform="pandas")
    again = saved(vae, tmp_path)
    assert type(again.n_components) is np.int64
    pd.testing.assert_frame_equal(again.transform(iris), vae.transform(iris), check_exact=True)
    assert_array_equal(again.sample(3), vae.sample(3))
    assert again.set_params(n_draws=3).n_draws == 3  # an estimator like any other


def test_a_saved_model_goes_on_training_as_it_would_have(tiny, iris, tmp_path):
    first = VAETransformer(**tiny | {"warm_start": True}).fit(iris)
    again = saved(first, tmp_path)
    assert_same(first.fit(iris), again.fit(iris), iris)
    rash = {"warm_start": True, "max_iter": 1, "learning_rate": 10.0, "early_stopping": False}
    fell = VAETransformer(**tiny | rash).fit(iris)
    again = saved(fell, tmp_path)
    assert again._online.left is not None
    assert_same(fell.fit(iris), again.fit(iris), iris)
    online = VAETransformer(**tiny).partial_fit(iris)
    again = saved(online, tmp_path)
    assert_same(online.partial_fit(iris[:50]), again.partial_fit(iris[:50]), iris)


def test_eight_threads_save_to_one_path(tiny, iris, tmp_path):
    path, vae = tmp_path / "model", VAETransformer(**tiny).fit(iris)
    with ThreadPoolExecutor(8) as pool:
        for saving in [pool.submit(vae.save, path) for _ in range(40)]:
            saving.result()
    assert_same(vae, VAETransformer.load(path), iris)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_loading_moves_nothing_global(tiny, iris, tmp_path):
    VAETransformer(**tiny).fit(iris).save(tmp_path / "model")
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    VAETransformer.load(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e150])
def test_numbers_of_any_size_are_kept(size, tiny, iris, tmp_path):
    vae = VAETransformer(**tiny).fit(iris * size)
    assert_same(vae, saved(vae, tmp_path), iris * size)


# -- what is a user's own ----------------------------------------------------------------------------------------


class Tied(torch.nn.Module):
    """Two layers that share their weights, and a buffer of whole numbers."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.first = torch.nn.Linear(n_in, n_in)
        self.second = torch.nn.Linear(n_in, n_in)
        self.second.weight = self.first.weight
        self.norm = torch.nn.BatchNorm1d(n_in)
        self.last = torch.nn.Linear(n_in, n_out)

    def forward(self, x):
        return self.last(self.norm(self.second(torch.tanh(self.first(x)))))


def test_a_users_networks_are_passed_in(tiny, iris, tmp_path):
    vae = VAETransformer(encoder=Tied, decoder=Tied, **tiny | {"warm_start": True}).fit(iris)
    again = saved(vae, tmp_path, encoder=Tied, decoder=Tied)
    for other in (again, pickle.loads(pickle.dumps(vae))):
        assert_same(vae, other, iris)
        network = other.vae_.encoder.network.replicas[0]
        assert network.first.weight is network.second.weight
        before = vae.vae_.encoder.network.replicas[0].norm
        assert_array_equal(network.norm.running_mean, before.running_mean)
        assert_array_equal(network.norm.num_batches_tracked, before.num_batches_tracked)
    assert_same(vae.fit(iris), again.fit(iris), iris)
    with pytest.raises(ValueError, match=r"encoder of this model is '.*test_saving.Tied'.*load\(path, encoder=…\)"):
        VAETransformer.load(tmp_path / "model")
    with pytest.raises(ValueError, match=r"cannot be loaded.*(weights|is torch)"):
        VAETransformer.load(tmp_path / "model", encoder=torch.nn.Linear, decoder=Tied)
    VAETransformer(**tiny).fit(iris).save(tmp_path / "plain")
    with pytest.raises(ValueError, match="Leave encoder out"):
        VAETransformer.load(tmp_path / "plain", encoder=Tied)


@dataclass(frozen=True)
class Wide(Gaussian):
    """A user's own family."""

    width: float = 2.0


def test_a_users_family_is_passed_in(tiny, iris, tmp_path):
    vae = VAETransformer(likelihood=Wide("column", width=3.0), **tiny).fit(iris)
    assert_same(vae, saved(vae, tmp_path, classes=[Wide]), iris)
    assert_same(vae, pickle.loads(pickle.dumps(vae)), iris)
    with pytest.raises(ValueError, match=r"test_saving.Wide', which no file of this version.*classes="):
        VAETransformer.load(tmp_path / "model")


class Colour(enum.Enum):
    """A category of a type that no file knows."""

    RED = 1
    BLUE = 2


UNWRITTEN = {
    r"a .*Colour": [Colour.RED, Colour.BLUE] * 10,
    "a builtins.frozenset": [frozenset("a"), frozenset("b")] * 10,
    "a fractions.Fraction": [Fraction(1, 3), Fraction(1, 7)] * 10,
}
if np.dtype(np.longdouble).itemsize > 8:
    UNWRITTEN[f"the dtype {np.dtype(np.longdouble)}"] = np.arange(20.0).astype(np.longdouble)


@pytest.mark.parametrize("what", UNWRITTEN)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(what, tiny, tmp_path):
    X = pd.DataFrame({"a": np.arange(20.0), "b": UNWRITTEN[what]})
    vae = VAETransformer(**tiny).fit(X)
    match = rf"A file holds .* but table_ .*holds {what} in column 'b'\. Convert it and fit again, or use joblib\.dump"
    assert_not_written(vae, X, tmp_path / "model", match)


def test_an_attribute_of_the_user_is_refused_before_anything_is_written(tiny, iris, tmp_path):
    vae = VAETransformer(**tiny).fit(iris)
    vae.note_ = "mine"
    assert_not_written(vae, iris, tmp_path / "model", "'note_'.*joblib")


def assert_not_written(vae, X, path, match):
    path.write_text("before")
    with pytest.raises(ValueError, match=match):
        vae.save(path)
    assert [each.name for each in path.parent.iterdir()] == ["model"]
    assert path.read_text() == "before"
    again = pickle.loads(pickle.dumps(vae))  # a pickle holds anything
    assert_array_equal(again.transform(X), vae.transform(X))


def test_what_save_needs(tiny, iris, tmp_path, monkeypatch):
    with pytest.raises(NotFittedError):
        VAETransformer().save(tmp_path / "model")
    vae = VAETransformer(**tiny).fit(iris)
    with pytest.raises(FileNotFoundError, match="no file"):
        VAETransformer.load(tmp_path / "model")
    monkeypatch.setattr(container, "HEADER", 100)
    with pytest.raises(ValueError, match="100 characters"):
        vae.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for ask in (vae.save, VAETransformer.load):
        with pytest.raises(ImportError, match=r"skvae\[save\]"):
            ask(tmp_path / "model")


# -- damage and malice -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content():
    """Of the file of a model of a frame."""
    return (FIXTURES / "frame.safetensors").read_bytes()


def parts_of(content):
    """Header and tensors of a file."""
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def tampered(content, change, path):
    """Write a file whose document was changed by somebody who knows how to make a checksum."""
    from safetensors.numpy import load, save

    header, _ = parts_of(content)
    document, arrays = json.loads(header["__metadata__"]["document"]), load(content)
    change(document, arrays)
    text = document if isinstance(document, str) else json.dumps(document)
    metadata = {"format": "skvae 1", "document": text, "sha256": digest(text, arrays)}
    path.write_bytes(save(arrays, metadata))
    return path


def assert_refused(path):
    """A sentence, and nothing executed or imported."""
    modules = set(sys.modules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=re.escape(str(path))):
            VAETransformer.load(path)
    assert not {
        name for name in set(sys.modules) - modules if not name.startswith(("torch", "skvae", "numpy", "pandas"))
    }


def test_a_part_of_a_file_is_refused(content, tmp_path):
    (size,) = struct.unpack("<Q", content[:8])
    rng = np.random.default_rng(0)
    places = [0, 1, 7, 8, 9, size // 2, size, size + 7, size + 8, size + 9, len(content) - 1, len(content) // 2]
    path = tmp_path / "model"
    for place in [*places, *rng.integers(len(content), size=30)]:
        path.write_bytes(content[:place])
        assert_refused(path)
    path.write_bytes(content + b"\0")
    assert_refused(path)


def test_a_flipped_byte_is_noticed(content, tmp_path):
    path = tmp_path / "model"
    for place in np.random.default_rng(1).integers(len(content), size=60).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(bytes(damaged))
        try:
            VAETransformer.load(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:  # spaces that fill the header up are all that nobody reads
            assert content[place : place + 1] == b" "


def nodes_of(value, path=()):
    """Every place in a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from nodes_of(item, (*path, key))


NASTY = [
    None,
    -1,
    10**12,
    1e308,
    "os.system",
    "",
    [],
    {},
    {"$os.system": ["touch /tmp/x"]},
    {"$dtype": "O"},
    [[]],
    True,
]


def test_a_changed_document_loads_harmlessly_or_not_at_all(content, tmp_path):
    header, _ = parts_of(content)
    document = json.loads(header["__metadata__"]["document"])
    places = [place for place in nodes_of(document) if place]
    rng = np.random.default_rng(2)
    n_refused = 0
    for at in rng.permutation(len(places))[:150]:
        *outer, last = places[at]
        nasty = NASTY[rng.integers(len(NASTY))]

        def change(document, arrays, outer=outer, last=last, nasty=nasty):
            for key in outer:
                document = document[key]
            if nasty is None and isinstance(document, dict):
                del document[last]
            else:
                document[last] = copy.deepcopy(nasty)

        path = tampered(content, change, tmp_path / "model")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                VAETransformer.load(path)
            except ValueError as error:
                assert str(path) in str(error)
                n_refused += 1
    assert n_refused > 75  # the others set a parameter, a name, a number of the history


def set_in(*keys):
    """A change of one place of the document."""
    *outer, last, value = keys

    def change(document, arrays):
        for key in outer:
            document = document[key]
        assert last in document
        document[last] = value

    return change


def reshape(document, arrays):
    arrays["weights/encoder.bias"] = arrays["weights/encoder.bias"].reshape(-1)


def drop(document, arrays):
    del arrays["weights/encoder.bias"]


def add(document, arrays):
    arrays["weights/encoder.more"] = np.zeros(3, np.float32)


def widen(document, arrays):
    arrays["weights/encoder.bias"] = arrays["weights/encoder.bias"].astype(np.float64)


def shorten(document, arrays):
    table = document["attributes"]["table_"]["$Table"]
    arrays[table["loc"]["$array"]] = arrays[table["loc"]["$array"]][:-1]


@pytest.mark.parametrize(
    "change",
    [
        *(reshape, drop, add, widen, shorten),
        set_in("attributes", "_fitted_with", "n_components", 10**9),
        set_in("attributes", "_fitted_with", "prior", {"$Mixture": {"n_modes": 10**10}}),
        set_in("hidden_layer_sizes", [10**6] * 3),
        set_in("hidden_layer_sizes", [1] * 10**5),
        set_in("attributes", "_fitted_with", "encoder", {"$os.system": ["echo"]}),
        set_in("attributes", "_fitted_with", "encoder", "os.system"),
        set_in("attributes", "_fitted_with", "likelihood", {"$builtins.eval": ["1"]}),
        set_in("attributes", "n_iter_", "3"),
        set_in("attributes", "history_", [1]),
        set_in("attributes", "table_", None),
        set_in("networks", {"encoder": "os.system"}),
        set_in("networks", None),
        lambda document, arrays: document["attributes"].update({"fit": 3}),
        lambda document, arrays: document["parameters"].update({"__class__": 3}),
        lambda document, arrays: document.clear(),
    ],
)
def test_a_file_that_somebody_wrote_is_refused(change, content, tmp_path):
    assert_refused(tampered(content, change, tmp_path / "model"))


@pytest.mark.parametrize("change", [drop, set_in("attributes", "table_", "$Table", "dtype", [1])])
def test_what_cannot_be_loaded_has_a_remedy(change, content, tmp_path):
    with pytest.raises(ValueError, match=r"cannot be loaded\. .*\. It is not as save wrote it: save .* again\.$"):
        VAETransformer.load(tampered(content, change, tmp_path / "model"))


def with_metadata(metadata, path):
    from safetensors.numpy import save

    path.write_bytes(save({"a": np.zeros(3)}, metadata))
    return path


COLUMNS = ("attributes", "table_", "$Table", "columns")
LONG = {"$index": {"range": [0, 10**12, 1], "name": None}}
NUMBER = {"$decimal": "1E+999999999"}


def empty_but_long(document, arrays):
    arrays["values/long"] = np.zeros((10**12, 0))
    document["attributes"]["history_"]["kl"] = {"$floats": "values/long"}


def empty_edges(document, arrays):
    arrays[document_bins(document)["edges"]["$array"]] = np.zeros((10**12, 0))


def one_for_many(document, arrays):
    arrays["values/one"] = np.zeros(10**5)
    document["attributes"]["history_"] = {str(i): {"$floats": "values/one"} for i in range(10**4)}


def many_levels(document, arrays):
    bins = document_bins(document)
    arrays[bins["edges"]["$array"]] = np.repeat(np.arange(50_000.0), 2).reshape(-1, 2)
    for end in ("first", "last"):
        arrays[bins[end]["$array"]] = np.full(50_000, -1)


def document_bins(document):
    return document["attributes"]["table_"]["$Table"]["columns"][6]["$HistogramColumn"]["bins"]["$Bins"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_in(*COLUMNS, 5, "$CategoryColumn", "dtype", {"$dtype": ["category", LONG, True]}), "longer than the file"),
        (set_in(*COLUMNS, 5, "$CategoryColumn", "levels", LONG), "longer than the file"),
        (set_in("attributes", "table_", "$Table", "labels", LONG), "longer than the file"),
        (set_in("attributes", "feature_names_in_", {"$objects": LONG}), "longer than the file"),
        (set_in("parameters", "n_draws", {"$tuple": LONG}), "longer than the file"),
        (set_in("parameters", "n_draws", {"$scalar": ["<i8", NUMBER]}), "10,000 digits"),
        (set_in("parameters", "n_draws", {"$timestamp": [NUMBER, "s", None]}), "10,000 digits"),
        (set_in("attributes", "_fitted_with", "prior", {"$Flow": {"n_layers": 10**12}}), "beyond what it holds"),
        (set_in("attributes", "_fitted_with", "prior", {"$VampPrior": {"n_modes": 10**12}}), "beyond what it holds"),
        (many_levels, "beyond what it holds"),
        (empty_but_long, r"bytes and says that 'values/long' is of the shape \(1000000000000, 0\)"),
        (empty_edges, "bytes and says that"),
        (one_for_many, "uses it twice"),
    ],
)
def test_nothing_is_made_larger_than_the_file(change, message, content, tmp_path):
    path = tampered(content, change, tmp_path / "model")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=re.escape(str(path)) + ".*" + message):
            VAETransformer.load(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_categories_of_which_a_table_uses_few_are_kept(tiny, tmp_path):
    X = pd.DataFrame({"a": np.arange(40.0) % 7, "b": pd.Categorical([3, 8] * 20, categories=range(3_000_000))})
    vae = VAETransformer(**tiny).fit(X)
    again = saved(vae, tmp_path)
    assert again.sample(3).dtypes["b"] == X.dtypes["b"]
    assert_array_equal(again.transform(X), vae.transform(X))


def filled(find, value, at=0):
    """A change of one number of an array, which ``find`` names in the document."""

    def change(document, arrays):
        name = find if isinstance(find, str) else find(document)["$array"]
        arrays[name] = arrays[name].copy()
        arrays[name].flat[at] = value

    return change


def in_table(name):
    return lambda document: document["attributes"]["table_"]["$Table"][name]


NAN, INF = {"$float": "nan"}, {"$float": "inf"}
ONLINE = {"n_rows": 2000, "n_steps": 1, "n_seen": 3.0, "mean_weight": 1.0, "memory": None}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        *((filled(in_table("loc"), value), "its loc of column 'size' holds") for value in (np.nan, np.inf)),
        *((filled(in_table("scale"), value), "its scale of column 'size' holds") for value in (np.nan, -np.inf)),
        *((filled(in_table("scale"), value), "the scale of column 'size' is 0") for value in (0.0, -0.0)),
        (filled(in_table("loc"), 1e30, at=3), "loc and scale of column 'flag' say so"),
        (filled(in_table("scale"), -1.0, at=6), "loc and scale of column 'day' say so"),
        (filled(in_table("lower"), np.nan), "its lower of column 'size' holds nan"),
        (filled(in_table("upper"), np.inf), "its upper of column 'size' holds inf"),
        (
            filled(lambda document: document["attributes"]["kl_per_component_"], np.nan),
            "its kl_per_component_ holds nan",
        ),
        (filled(lambda document: document_bins(document)["edges"], -np.inf), "its edges of column 'day' holds -inf"),
        (filled(lambda document: document_bins(document)["knots"], np.nan), "its knots of column 'day' holds nan"),
        (lambda document, arrays: document_bins(document).update(decimals=400), "its levels of column 'day' holds nan"),
        (filled("weights/encoder.bias", np.nan), "its encoder.bias holds nan"),
        (filled("weights/decoder.network.0.weight", np.inf), "its decoder.network.0.weight holds inf"),
        (filled("weights/prior.logits", -np.inf), "its prior.logits holds -inf"),
        (filled("weights/joint.blocks.1.half_width", np.nan), "its joint.blocks.1.half_width holds nan"),
        (lambda document, arrays: document["attributes"].update(noise_variance_=NAN), "its noise_variance_ holds nan"),
        *(
            (
                set_in("attributes", "_online", {"$Online": ONLINE | {name: INF}}),
                "its memory of the steps so far holds inf",
            )
            for name in ("n_seen", "mean_weight")
        ),
    ],
)
def test_a_model_of_other_than_finite_numbers_is_refused(change, message, content, tmp_path):
    path = tampered(content, change, tmp_path / "model")
    with pytest.raises(ValueError, match=re.escape(str(path)) + ".*" + message):
        VAETransformer.load(path)


@pytest.mark.parametrize(
    "document", ["", "{", "[" * 100_000, "1" * 10_000, "null", '"x"', '{"networks": {}, "parameters": {"$tuple": 1}}']
)
def test_a_document_that_is_none_is_refused(document, tmp_path):
    metadata = {"format": "skvae 1", "document": document}
    metadata["sha256"] = digest(document, {"a": np.zeros(3)})
    assert_refused(with_metadata(metadata, tmp_path / "model"))


def test_other_files_are_refused(tmp_path, tiny, iris):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    path = tmp_path / "model"
    path.write_bytes(pickle.dumps(Trap()))
    assert_refused(path)
    torch.save(Trap(), path)
    assert_refused(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("document.json", b"0" * 10_000_000)
    assert_refused(path)
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    assert_refused(path)
    path.write_bytes(
        b'\x50\0\0\0\0\0\0\0{"a":{"dtype":"F64","shape":[1000000000000],"data_offsets":[0,8000000000000]}}'
    )
    assert_refused(path)
    for metadata in (None, {"format": "pt"}, {"format": "skvae"}, {"format": "skvae 1"}):
        assert_refused(with_metadata(metadata, path))
    assert not (tmp_path / "executed").exists()


def test_a_newer_format_is_refused(tmp_path):
    path = with_metadata({"format": "skvae 2", "document": "{}"}, tmp_path / "model")
    with pytest.raises(ValueError, match=r"format 2 by a newer release.*Upgrade"):
        VAETransformer.load(path)


# -- files of earlier releases -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_files_of_earlier_releases_load(kind):
    vae = VAETransformer.load(FIXTURES / f"{kind}.safetensors")
    expected = np.load(FIXTURES / f"{kind}.npz")
    program = FIXTURES / "make.py"
    scope = {"__name__": "fixtures"}
    exec(compile(program.read_text(), str(program), "exec"), scope)
    X = scope["DATA"][kind]()
    np.testing.assert_allclose(vae.transform(X), expected["transform"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(vae.score_samples(X), expected["score_samples"], rtol=1e-4, atol=1e-4)
    rows = vae.inverse_transform(expected["transform"])
    if kind == "frame":
        assert list(map(str, rows.dtypes)) == list(map(str, X.dtypes))
        rows = rows[["size"]].to_numpy()
    np.testing.assert_allclose(rows, expected["inverse_transform"], rtol=1e-4, atol=1e-5)


def test_a_model_of_a_gpu_loads_without_one(tiny, iris, tmp_path):
    """The parameter stays what it was, and the model is on the CPU."""
    vae = VAETransformer(**tiny).fit(iris).set_params(device="cuda")
    again = saved(vae, tmp_path)
    assert again.device == "cuda"
    assert again.device_ == torch.device("cpu")
    assert_array_equal(again.transform(iris), vae.transform(iris))


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series(["\ud800", "b"] * 20, dtype=object),  # half of a pair, which no text of Arrow holds
        pd.Series([True, False] * 20).astype(pd.SparseDtype(bool)),
        pd.Series([0.0, 1.5] * 20).astype(pd.SparseDtype("float32", 0.0)),
    ],
    ids=["surrogate", "sparse bool", "sparse float32"],
)
def test_columns_that_few_have_come_back(cells, tiny, tmp_path):
    X = pd.DataFrame({"rare": cells, "x": np.linspace(0, 1, 40)})
    vae = VAETransformer(**tiny).fit(X)
    vae.save(tmp_path / "model")
    loaded = VAETransformer.load(tmp_path / "model")
    drawn, again = vae.sample(9, random_state=0), loaded.sample(9, random_state=0)
    assert again["rare"].dtype == X["rare"].dtype
    assert again["rare"].tolist() == drawn["rare"].tolist()
    np.testing.assert_array_equal(loaded.score_samples(X), vae.score_samples(X))
