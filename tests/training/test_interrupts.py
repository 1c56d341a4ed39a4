"""Real Ctrl-C, pressed in processes of their own."""

import subprocess
import sys

import pytest

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
passes, steps = Training._pass, []

def pressed(training):  # Ctrl-C arrives in the third pass of each of the first fits
    steps.append(0)
    if training.epoch == 3 and len(steps) // 3 <= {presses}:
        os.kill(os.getpid(), signal.SIGINT)
    passes(training)

Training._pass = pressed
threading.Timer(100, os._exit, [9]).start()

try:
    {call}
    print("went on")
except KeyboardInterrupt:
    print("raised")
Training._pass = passes
print(np.isfinite(VAETransformer(2, max_iter=2, random_state=0).fit(X).score(X)), "torch._dynamo" in sys.modules)
sys.stdout.flush()
os._exit(0)
"""


def said(call, presses=1):
    """Whether the call went on after Ctrl-C, and whether a later fit of the process works."""
    program = PROGRAM.format(call=call, presses=presses)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    first, later = done.stdout.splitlines()
    assert later == "True False"  # the compiler of torch, an import of seconds, is not what Ctrl-C meets
    return first


@pytest.mark.parametrize("call", ["vae", "make_pipeline(StandardScaler(), vae)"], ids=["plain", "pipeline"])
def test_the_first_ends_a_fit_with_the_best_weights(call):
    assert said(f"assert np.isfinite({call}.fit(X).score(X))") == "went on"


@pytest.mark.parametrize(
    "call",
    [
        "GridSearchCV(vae, {'n_components': [1, 2]}, cv=2).fit(X)",
        "VAESearchCV(vae, {'n_components': [1, 2]}, cv=2).fit(X)",
        "cross_val_score(vae, X, cv=2)",
    ],
    ids=["GridSearchCV", "VAESearchCV", "cross_val_score"],
)
def test_in_a_search_it_is_raised(call):
    assert said(call) == "raised"


def test_the_second_within_seconds_is_raised():
    assert said("[vae.fit(X) for _ in range(2)]", presses=2) == "raised"
