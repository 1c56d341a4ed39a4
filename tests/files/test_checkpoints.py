import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAEImputer, VAESearchCV, VAETransformer
from skvae.files import checkpoints
from skvae.files.checkpoints import Checkpoint
from skvae.priors import fit_prior

pytest.importorskip("safetensors")

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
X = load_wine(as_frame=True).data.iloc[::2, :5]


class Killed(BaseException):
    """Stands for the end of a process."""


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A learned prior has a short refit, of which no state is kept."""
    monkeypatch.setattr("skvae.models.outcome.fit_prior", partial(fit_prior, n_steps=2))


@pytest.fixture(autouse=True)
def after_every_epoch(monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "SHARE", 1e9)


@pytest.fixture
def killed(monkeypatch):
    """Have a fit end in the middle, after so many epochs."""

    def killed(work, after=5):
        n_kept = []
        keep = Checkpoint.keep

        def keep_and_die(checkpoint, state):
            keep(checkpoint, state)
            n_kept.append(1)
            if len(n_kept) == after:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(Checkpoint, "keep", keep_and_die)
            with pytest.raises(Killed):
                work()

    return killed


def model(tmp_path=None, **settings):
    place = None if tmp_path is None else tmp_path / "kept"
    settings = {"max_iter": 12, "random_state": 0, "hidden_layer_sizes": (8,), "decoder": "factorized"} | settings
    return VAETransformer(2, checkpoint_dir=place, **settings)


def files(tmp_path):
    return sorted(path.suffix for path in (tmp_path / "kept").iterdir())


def assert_same(one, other, rows=X):
    assert_array_equal(one.transform(rows), other.transform(rows))
    assert one.score(rows) == other.score(rows)
    pd.testing.assert_frame_equal(one.sample(20, random_state=1), other.sample(20, random_state=1))
    assert_array_equal(one.log_likelihood(rows[:20]), other.log_likelihood(rows[:20]))
    for history, others in zip(histories(one), histories(other), strict=True):
        for name, column in history.items():
            if name != "seconds":
                assert_array_equal(column, others[name])
    assert one.best_iter_ == other.best_iter_


def histories(vae):
    """Records of all trainings."""
    return [vae.history_, *getattr(vae, "history_beside_", {}).values()]


class Net(torch.nn.Sequential):
    """With a state of its own and noise of torch's."""

    def __init__(self, n_in, n_out):
        super().__init__(torch.nn.Linear(n_in, 6), torch.nn.BatchNorm1d(6), torch.nn.Dropout(0.2))
        self.append(torch.nn.Linear(6, n_out))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"early_stopping": True, "input_dropout": 0.2, "input_noise": 0.2},
        {"early_stopping": False, "objective": "iwae", "n_draws": 2},
        {"decoder": "autoregressive", "prior": "mixture", "max_iter": 7},
        {"dropout": 0.2, "prior": "vamp"},
        {"encoder": Net},
        {"learning_rate": 1e6},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_killed_fit_goes_on_bit_by_bit(settings, killed, tmp_path):
    whole = model(**settings).fit(X)
    killed(lambda: model(tmp_path, **settings).fit(X))
    assert files(tmp_path) == [".unfinished"]
    again = model(tmp_path, **settings).fit(X)
    assert_same(again, whole)
    assert files(tmp_path) == [".fit"]


BESIDE = {"decoder": "conditional", "add_indicator": True, "max_iter": 5}
GAPS = X.mask(np.random.default_rng(0).random(X.shape) < 0.1)


@pytest.fixture(scope="module")
def plain():
    """What a fit comes to that nothing ends."""
    return model().fit(X)


@pytest.fixture(scope="module")
def whole_beside():
    """What a fit of three trainings comes to that nothing ends."""
    return model(**BESIDE).fit(GAPS)


@pytest.mark.parametrize("n_ended", [0, 1, 2], ids=["vae", "chain", "reader"])
def test_each_training_of_a_fit_goes_on_bit_by_bit(n_ended, whole_beside, killed, tmp_path):
    killed(lambda: model(tmp_path, **BESIDE).fit(GAPS), after=4 * n_ended + 2)
    assert files(tmp_path) == [".fit"] * n_ended + [".unfinished"]
    again = model(tmp_path, **BESIDE).fit(GAPS)
    assert_same(again, whole_beside, GAPS)
    pd.testing.assert_frame_equal(again.impute(GAPS), whole_beside.impute(GAPS))
    assert files(tmp_path) == [".fit", ".fit", ".fit"]
    assert_same(model(tmp_path, **BESIDE).fit(GAPS), whole_beside, GAPS)


@pytest.mark.parametrize("options", [{"warm_start": True}, {"early_stopping": True}], ids=str)
def test_a_second_fit_of_all_trainings_goes_on(options, killed, tmp_path):
    def twice(place=None, second=lambda vae: vae.fit(GAPS)):
        vae = model(place, **BESIDE, **options).fit(GAPS[:60])
        return second(vae) or vae

    whole = twice()
    twice(tmp_path, lambda vae: killed(lambda: vae.fit(GAPS), after=6))
    assert_same(twice(tmp_path), whole, GAPS)


@pytest.mark.parametrize(("name", "n_files"), [("chain", 2), ("reader", 3)])
def test_ctrl_c_leaves_the_state_of_each_training(name, n_files, whole_beside, tmp_path, monkeypatch):
    keep = Checkpoint.keep

    def interrupt(checkpoint, state):
        keep(checkpoint, state)
        if checkpoint.identity.beside == name and state()["training"]["epoch"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.warns(match="interrupted"):
        patch.setattr(Checkpoint, "keep", interrupt)
        vae = model(tmp_path, **BESIDE).fit(GAPS)
    assert vae.n_iter_ == 5
    assert list(vae.history_beside_) == ["chain", "reader"][: n_files - 1]
    assert len(vae.history_beside_[name]["epoch"]) == 4  # from the start on
    assert files(tmp_path) == [".fit"] * (n_files - 1) + [".unfinished"]
    assert_same(model(tmp_path, **BESIDE).fit(GAPS), whole_beside, GAPS)


def test_another_fit_is_told_of_once_whichever_of_its_trainings_was_killed(killed, tmp_path, recwarn):
    killed(lambda: model(tmp_path, **BESIDE).fit(GAPS), after=6)
    model(tmp_path, **BESIDE).fit(GAPS[:-1])
    model(tmp_path, **BESIDE | {"beta": 0.5}).fit(GAPS)
    said = [str(warning.message) for warning in recwarn if "begins anew" in str(warning.message)]
    assert len(said) == 2
    assert "chain.unfinished is of other rows, so" in said[0]
    assert "chain.unfinished is of other parameters, so" in said[1]


def test_epochs_are_not_trained_twice(killed, tmp_path, monkeypatch):
    killed(lambda: model(tmp_path).fit(X), after=7)
    epochs = []
    keep = Checkpoint.keep
    monkeypatch.setattr(
        Checkpoint, "keep", lambda self, state: (epochs.append(state()["training"]["epoch"]), keep(self, state))
    )
    model(tmp_path).fit(X)
    assert epochs == [8, 9, 10, 11]


def test_seconds_go_on(killed, tmp_path):
    killed(lambda: model(tmp_path).fit(X))
    assert (np.diff(model(tmp_path).fit(X).history_["seconds"]) > 0).all()


def test_weights_judges_and_a_warm_start(killed, tmp_path):
    first, weights = model().fit(X[:50]), np.arange(len(X)) + 1.0

    def warm(place=None, start=first):
        vae = model(place, warm_start=True)
        vars(vae).update({name: value for name, value in vars(start).items() if name not in vae.get_params()})
        return vae.fit(X, sample_weight=weights, X_val=X[:25])

    whole = warm()
    killed(lambda: warm(tmp_path))
    with pytest.warns(UserWarning, match="of other parameters"):
        killed(lambda: warm(tmp_path, start=model(random_state=1).fit(X[:50])))
    assert_same(warm(tmp_path), whole)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_chunks(is_streamed, killed, tmp_path, monkeypatch):
    if is_streamed:
        monkeypatch.setattr("skvae.models.streaming.IN_MEMORY", 250)
    chunks = [X[:30], X[30:60], X[60:]]
    whole = model().fit_chunks(chunks)
    killed(lambda: model(tmp_path).fit_chunks(chunks))
    assert_same(model(tmp_path).fit_chunks(chunks), whole)


def test_a_fit_that_has_ended_is_not_done_again(tmp_path, monkeypatch, capsys):
    whole = model(tmp_path).fit(X)
    monkeypatch.setattr("skvae.models.fitting.Training.run", None)
    again = model(tmp_path, verbose=1).fit(X)
    assert_same(again, whole)
    assert again.history_["seconds"] == whole.history_["seconds"]
    assert "had ended before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (lambda: (model, X[:-1]), "rows"),
        (lambda: (model, X.rename(columns={"alcohol": "spirit"})), "rows"),
        (lambda: (lambda place: model(place, beta=0.5), X), "parameters"),
        (lambda: (lambda place: model(place, random_state=1), X), "parameters"),
        (lambda: (lambda place: model(place, prior="vamp"), X[::-1]), "rows and parameters"),
    ],
    ids=["rows", "names", "beta", "seed", "both"],
)
def test_another_fit_begins_anew_and_says_so(other, what, killed, tmp_path):
    killed(lambda: model(tmp_path).fit(X))
    make, rows = other()
    with pytest.warns(UserWarning, match=rf"unfinished is of other {what}, so this fit begins anew\. Pass the same"):
        fitted = make(tmp_path).fit(rows)
    assert_same(fitted, make(None).fit(rows), rows)
    assert files(tmp_path) == [".fit", ".unfinished"]  # nothing is lost


def test_nothing_is_said_of_fits_that_are_under_way(tmp_path, recwarn):
    with Checkpoint.opened(tmp_path / "kept", checkpoints.Identity("rows", "parameters")) as other:
        other.unfinished.write_bytes(b"")
        model(tmp_path).fit(X)
    assert not recwarn.list


def test_what_no_fit_depends_on_may_change(plain, killed, tmp_path):
    killed(lambda: model(tmp_path).fit(X))
    (tmp_path / "kept").rename(tmp_path / "moved")
    again = model(verbose=1).set_params(checkpoint_dir=str(tmp_path / "moved")).fit(X)
    assert_same(again, plain)


def test_ctrl_c_leaves_the_state(plain, tmp_path, monkeypatch):
    def interrupt(checkpoint, state):
        keep(checkpoint, state)
        if state()["training"]["epoch"] == 4:
            raise KeyboardInterrupt

    keep = Checkpoint.keep
    with monkeypatch.context() as patch, pytest.warns(match="interrupted in epoch 5"):
        patch.setattr(Checkpoint, "keep", interrupt)
        assert model(tmp_path).fit(X).n_iter_ == 4
    assert files(tmp_path) == [".unfinished"]
    assert_same(model(tmp_path).fit(X), plain)


# -- in searches and other estimators --------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [None, 2])
def test_stacks_of_a_search_are_trained_once(factor, tmp_path, monkeypatch):
    grid = {"vaetransformer__n_components": [1, 2], "vaetransformer__activation": ["silu", "relu"]}

    def search(place=None):
        pipeline = make_pipeline(StandardScaler(), model(place, max_iter=4))
        return VAESearchCV(pipeline, grid, cv=2, factor=factor).fit(X)

    whole, trained = search(), []
    fit_together = checkpoints.fit_together

    def counted(plans, *others):
        trained.append(len(plans))
        if len(trained) == 3:
            raise Killed
        return fit_together(plans, *others)

    monkeypatch.setattr(checkpoints, "fit_together", counted)
    with pytest.raises(Killed):
        search(tmp_path)
    again = search(tmp_path)
    assert trained == [2, 2, 2, 2, 2]  # four stacks, the third of them twice
    assert_array_equal(again.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"])
    assert_array_equal(again.transform(X), whole.transform(X))
    assert search(tmp_path).best_score_ == whole.best_score_
    assert len(trained) == 5


def test_a_search_with_another_factor_trains_other_stacks(tmp_path):
    for factor in (None, 2):
        VAESearchCV(model(tmp_path, max_iter=4), {"beta": [0.5, 1.0]}, cv=2, factor=factor, refit=False).fit(X)
    assert len(files(tmp_path)) == 4


def test_grid_search_of_scikit_learn(killed, tmp_path):
    def search(place=None):
        return GridSearchCV(model(place, max_iter=5), {"beta": [0.5, 1.0]}, cv=2).fit(X)

    whole = search()
    killed(lambda: search(tmp_path), after=12)
    assert files(tmp_path) == [".fit", ".fit", ".unfinished"]
    assert_array_equal(search(tmp_path).cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"])


def test_an_imputer_hands_it_on(tmp_path):
    VAEImputer(model(tmp_path, decoder="auto", max_iter=1), random_state=0).fit(X)
    assert files(tmp_path) == [".fit", ".fit", ".fit"]


# -- bad input -------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_refused(killed, tmp_path):
    killed(lambda: model(tmp_path).fit(X))
    (path,) = (tmp_path / "kept").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    vae = model(tmp_path)
    with pytest.raises(ValueError, match=r"unfinished is no fit of skvae.*Delete it, and the fit begins anew"):
        vae.fit(X)
    assert not hasattr(vae, "vae_")
    path.unlink()
    vae.fit(X)


def test_a_seed_a_directory_and_safetensors_are_needed(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"random_state is None\. Set it to an int"):
        model(tmp_path, random_state=None).fit(X)
    (tmp_path / "kept").write_text("")
    with pytest.raises(NotADirectoryError, match=r"kept is a file\. Pass another path"):
        model(tmp_path).fit(X)
    refused = r"checkpoint_dir is a directory .* system refuses files in .* \(\w.*\)\. Pass another path"
    with pytest.raises(NotADirectoryError, match=refused):
        model(tmp_path / "kept").fit(X)
    if Path("/proc/self").exists():
        with pytest.raises(OSError, match=refused):
            model().set_params(checkpoint_dir="/proc").fit(X)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"skvae\[save\]"):
        model(tmp_path / "other").fit(X)


def test_networks_need_a_name(tmp_path):
    with pytest.raises(ValueError, match=r"its network is <function .*<lambda>.*Define it as a function or a class"):
        model(tmp_path, encoder=lambda n_in, n_out: torch.nn.Linear(n_in, n_out)).fit(X)


def test_a_full_disk_does_not_end_a_fit(plain, tmp_path, monkeypatch):
    def no_room(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skvae.files.container.write_whole", no_room)
    with pytest.warns(UserWarning, match=r"fit goes on, but .*No space left.*Make room"):
        vae = model(tmp_path).fit(X)
    assert_same(vae, plain)


def test_the_place_is_not_written_into_models(tmp_path):
    vae = model(tmp_path).fit(X)
    vae.save(tmp_path / "model")
    assert b"kept" not in (tmp_path / "model").read_bytes()
    assert VAETransformer.load(tmp_path / "model").checkpoint_dir is None


def test_states_cost_a_small_share_of_the_time(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 10.0)
    monkeypatch.setattr(checkpoints, "SHARE", 0.005)
    clock = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock[0])
    checkpoint, written = Checkpoint(tmp_path, checkpoints.Identity("a", "b")), []

    def write(path, content):
        written.append(clock[0])
        clock[0] += 0.2

    monkeypatch.setattr(checkpoint, "_write", write)
    for second in range(120):
        clock[0] = max(clock[0], float(second))
        checkpoint.keep(dict)
    assert written == [10.0, 51.0, 92.0]


# -- kill -9 ---------------------------------------------------------------------------------------------------------

KILLS = """
import os, random, shutil, signal, sys, time, warnings
import numpy as np
from sklearn.datasets import load_wine
from skvae import VAESearchCV, VAETransformer
from skvae.files import checkpoints
from skvae.models import streaming

place, n_kills = sys.argv[1], int(sys.argv[2])
checkpoints.SECONDS, checkpoints.SHARE = 0.0, 1e9
X = load_wine(as_frame=True).data.iloc[:, :5]
IN_MEMORY = streaming.IN_MEMORY


def work(kind, place):
    settings = {"max_iter": 4 if kind == "conditional" else 12, "random_state": 0, "hidden_layer_sizes": (8,)}
    streaming.IN_MEMORY = 500 if kind == "stream" else IN_MEMORY
    if kind == "search":
        vae = VAETransformer(checkpoint_dir=place, decoder="factorized", **settings | {"max_iter": 4})
        search = VAESearchCV(vae, {"n_components": [1, 2], "activation": ["silu", "relu"]}, cv=2).fit(X)
        return np.concatenate([search.transform(X).ravel(), search.cv_results_["mean_test_score"]])
    decoder = kind if kind == "conditional" else "factorized"
    vae = VAETransformer(2, decoder=decoder, checkpoint_dir=place, dropout=0.1 * (kind == "dropout"), **settings)
    if kind == "stream":
        return vae.fit_chunks([X[:60], X[60:120], X[120:]]).transform(X)
    if kind == "conditional":
        return vae.fit(X).impute(X.mask(X > X.mean())).to_numpy()
    return vae.fit(X).transform(X)


work("folds", None)  # imports
draw = random.Random(0)
for kind in ("folds", "conditional", "dropout", "stream", "search"):
    begin = time.perf_counter()
    whole = work(kind, None)
    seconds = time.perf_counter() - begin
    n_resumed = 0
    for number in range(n_kills):
        child = os.fork()
        if child == 0:
            work(kind, place)
            os._exit(0)
        time.sleep(draw.uniform(0.0, 1.3 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        n_resumed += os.path.isdir(place) and any(name.endswith(".unfinished") for name in os.listdir(place))
        assert np.array_equal(work(kind, place), whole), (kind, number)
        suffixes = sorted(name.split(".")[-1] for name in os.listdir(place))
        assert kind == "search" or suffixes == ["fit"] * (3 if kind == "conditional" else 1), (kind, suffixes)
        shutil.rmtree(place)
    assert kind == "search" or n_kills == 1 or n_resumed > 0, kind
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_kill_9_at_random_moments(tmp_path):
    """Of every kind of fit, in one process, since the start of each would take longer than its fits."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", KILLS, str(tmp_path / "kept"), "10" if LONG else "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500 if LONG else 300)
    assert done.returncode == 0, done.stderr
