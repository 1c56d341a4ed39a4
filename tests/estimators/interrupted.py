"""Presses Ctrl-C at random moments of a process of its own, and looks at what is left: python interrupted.py SEED N."""

import os
import random
import signal
import sys
import threading
import time
import warnings
from functools import partial

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import GridSearchCV

from skvae import VAEImputer, VAEOutlierDetector, VAESearchCV, VAETransformer
from skvae.models import streaming
from skvae.training import interrupts

warnings.simplefilter("ignore")
seed, n_trials = map(int, sys.argv[1:])
watch = threading.Timer(300, os._exit, [9])
watch.daemon = True  # a failure of this script ends it
watch.start()
streaming.IN_MEMORY = 400  # cells: what follows is a stream
luck = random.Random(seed)
rng = np.random.default_rng(0)
X = rng.normal(size=(150, 2)) @ rng.normal(size=(2, 4)) + 0.3 * rng.normal(size=(150, 4))
frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(X[:, 0] > 0, "x", "y"))
gaps = frame.mask(rng.random(frame.shape) < 0.2)
quick = {"n_components": 2, "max_iter": 6, "hidden_layer_sizes": (8,), "device": "cpu", "random_state": 0}
vae = VAETransformer(**quick)
fitted = VAETransformer(**quick, decoder="factorized").fit(frame)
beside = VAETransformer(**quick | {"max_iter": 2}).fit(frame)
SYNTHESIS = {"decoder": "autoregressive", "max_iter": 3}
GRID = {"n_components": [1, 2]}


def chunk_by_chunk(made):
    for _ in range(20):
        made.partial_fit(X)


FITS = {
    "fit": (lambda: VAETransformer(**quick), lambda made: made.fit(X)),
    "last weights": (lambda: VAETransformer(**quick | {"early_stopping": False}), lambda made: made.fit(X)),
    "synthesis": (lambda: VAETransformer(**quick | SYNTHESIS), lambda made: made.fit(X)),
    "beside": (
        lambda: VAETransformer(**quick | {"decoder": "conditional", "max_iter": 3}),
        lambda made: made.fit(X),
    ),
    "learned prior": (lambda: VAETransformer(**quick | {"prior": "mixture"}), lambda made: made.fit(X)),
    "fit_chunks": (lambda: VAETransformer(**quick), lambda made: made.fit_chunks([X[:80], X[80:]])),
    "partial_fit": (lambda: VAETransformer(**quick).partial_fit(X), chunk_by_chunk),
    "warm start": (lambda: VAETransformer(**quick | {"warm_start": True}).fit(X), lambda made: made.fit(X)),
    "refit": (lambda: VAETransformer(**quick).fit(X), lambda made: made.fit(X)),
    "VAESearchCV": (lambda: VAESearchCV(vae, GRID, cv=2), lambda made: made.fit(X)),
    "GridSearchCV": (lambda: GridSearchCV(vae, GRID, cv=2), lambda made: made.fit(X)),
    "VAEImputer": (lambda: VAEImputer(vae).fit(X), lambda made: made.fit(X)),
    "VAEOutlierDetector": (lambda: VAEOutlierDetector(vae), lambda made: made.fit(X)),
}
CALLS = {
    "sample": lambda: fitted.sample(30_000, random_state=0),
    "sample, given": lambda: fitted.sample(500, given={"kind": "x"}, random_state=0),
    "impute": lambda: fitted.impute(gaps, random_state=0),
    "sample of a chain": lambda: beside.sample(30_000, random_state=0),
    "impute by a reader": lambda: beside.impute(gaps, random_state=0),
    "transform": lambda: fitted.transform(gaps),
    "score_samples": lambda: fitted.score_samples(gaps),
}


def state():
    return (
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_rng_state().sum().item(),
    )


def press(moment, again, done):
    """Ctrl-C after so many seconds, and once more if that is a number."""
    time.sleep(moment)
    os.kill(os.getpid(), signal.SIGINT)
    if again is not None:
        time.sleep(again)
        os.kill(os.getpid(), signal.SIGINT)
    done.set()


def interrupted(call, seconds):
    """Whether a call raises Ctrl-C, pressed once or twice at random moments of it, and its answer if not."""
    again = 0.02 * luck.random() if luck.random() < 0.3 else None
    done = threading.Event()
    presser = threading.Thread(target=press, args=(luck.random() * seconds, again, done))
    answer = None
    try:
        try:
            presser.start()
            answer = (call(),)
            wait_for(done)
        except KeyboardInterrupt:
            wait_for(done)
    except KeyboardInterrupt:  # the second
        wait_for(done)
    return ("raised", None) if answer is None else ("ended", *answer)


def wait_for(done):
    """Wait for an event, and for a signal on its way; a thread whose join is interrupted may count as ended."""
    while not done.is_set():
        time.sleep(0.001)
    time.sleep(0.002)


def same(one, other):
    if isinstance(one, pd.DataFrame):
        return one.equals(other)
    return np.array_equal(one, other)


def says(made):
    """What a fitted estimator says, None for one that is not."""
    inner = getattr(made, "best_estimator_", getattr(made, "estimator_", made))
    if not hasattr(inner, "vae_"):
        return None
    return inner.transform(X), inner.score_samples(X), inner.sample(5, random_state=0)


seconds, references, whole = {}, {}, {}
expected = VAETransformer(**quick).fit(X).score_samples(X)
names = luck.choices([*FITS, *CALLS], k=n_trials)
for name in set(names):
    make, call = FITS.get(name, (lambda: None, lambda _, name=name: CALLS[name]()))
    made, start = make(), time.perf_counter()
    references[name] = call(made)
    seconds[name] = time.perf_counter() - start
    if name in FITS:
        whole[name] = vars(made).keys()
counts = {"raised": 0, "ended": 0}
for name in names:
    interrupts.forget()
    before = state()
    if name in FITS:
        make, fit = FITS[name]
        made = make()
        said, attributes = says(made), dict(vars(made))
        kind, _ = interrupted(partial(fit, made), 1.1 * seconds[name])
        if name == "GridSearchCV" and kind == "raised":  # scikit-learn's own leaves a best_estimator_ without a fit
            made = make()
        now = says(made)
        if kind == "raised" and name != "partial_fit":  # of which several calls are made
            is_whole = now is not None and vars(made).keys() == whole[name]  # pressed after the last line of fit
            as_before = now is None if said is None else all(map(np.array_equal, now, said))
            assert is_whole or as_before, (name, "half built")
            assert is_whole or vars(made).keys() == attributes.keys(), (name, vars(made).keys() ^ attributes.keys())
        assert now is None or all(np.isfinite(answer).all() for answer in now), (name, "not finite")
        assert now is not None or kind == "raised", (name, "nothing is left")
    else:
        kind, answer = interrupted(CALLS[name], 1.1 * seconds[name])
        assert kind == "raised" or same(answer, references[name]), (name, "another answer")
        assert same(CALLS[name](), references[name]), (name, "another answer later")
    assert state() == before, (name, "moved", before, state())
    counts[kind] += 1
    assert np.array_equal(VAETransformer(**quick).fit(X).score_samples(X), expected), (name, "later fits differ")
print(*counts.values(), flush=True)
os._exit(0)
