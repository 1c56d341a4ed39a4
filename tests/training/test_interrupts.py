"""Real Ctrl-C, pressed in processes of their own: forks of one, since the start of each would take seconds."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PROGRAM = """
import os, signal, sys, threading, time, warnings
import numpy as np
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skvae import VAESearchCV, VAETransformer
from skvae.training import Training

warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(400, 4))
vae = VAETransformer(2, max_iter=100_000, early_stopping=False, device="cpu", random_state=0)
passes = Training._pass

def interrupted(call, presses):
    steps = []

    def pressed(training):  # Ctrl-C arrives in the third pass of each of the first fits
        steps.append(0)
        if training.epoch == 3 and len(steps) // 3 <= presses:
            os.kill(os.getpid(), signal.SIGINT)
        passes(training)

    Training._pass = pressed
    threading.Timer(100, os._exit, [9]).start()
    try:
        exec(call)
        said = "went on"
    except KeyboardInterrupt:
        said = "raised"
    Training._pass = passes
    later = np.isfinite(VAETransformer(2, max_iter=2, random_state=0).fit(X).score(X))
    print(said, later, "torch._dynamo" in sys.modules, sep=", ", flush=True)

for presses, call in zip(sys.argv[1::2], sys.argv[2::2]):
    child = os.fork()
    if child == 0:
        try:
            interrupted(call, int(presses))
        except BaseException as error:
            print(repr(error), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        print("ended by its watch or a signal", flush=True)
"""
CALLS = {  # how often Ctrl-C is pressed, and while what runs
    "plain": (1, "assert np.isfinite(vae.fit(X).score(X))"),
    "pipeline": (1, "assert np.isfinite(make_pipeline(StandardScaler(), vae).fit(X).score(X))"),
    "GridSearchCV": (1, "GridSearchCV(vae, {'n_components': [1, 2]}, cv=2).fit(X)"),
    "VAESearchCV": (1, "VAESearchCV(vae, {'n_components': [1, 2]}, cv=2).fit(X)"),
    "cross_val_score": (1, "cross_val_score(vae, X, cv=2)"),
    "two fits": (2, "[vae.fit(X) for _ in range(2)]"),
}
# a later fit of the process works, and the compiler of torch, an import of seconds, is not what Ctrl-C meets
WENT_ON, RAISED = "went on, True, False", "raised, True, False"


@pytest.fixture(scope="module")
def said():
    """Whether each call went on after Ctrl-C, and what came later in its process."""
    arguments = [str(part) for call in CALLS.values() for part in call]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=700)
    assert done.returncode == 0, done.stderr
    return dict(zip(CALLS, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("call", ["plain", "pipeline"])
def test_the_first_ends_a_fit_with_the_best_weights(call, said):
    assert said[call] == WENT_ON


@pytest.mark.parametrize("call", ["GridSearchCV", "VAESearchCV", "cross_val_score"])
def test_in_a_search_it_is_raised(call, said):
    assert said[call] == RAISED


def test_the_second_within_seconds_is_raised(said):
    assert said["two fits"] == RAISED
