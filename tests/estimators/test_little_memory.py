"""A real limit on the memory of a process of its own."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("resource")

PROGRAM = """
import json, resource, warnings
import numpy as np
from skvae import VAETransformer

warnings.simplefilter("ignore")
TINY = {"n_components": 8, "hidden_layer_sizes": (8,), "max_iter": 1, "device": "cpu", "random_state": 0}
X, Z = np.zeros((600_000, 8)), np.zeros((2_500_000, 8))
gaps = X.copy()
gaps[:, 0] = np.nan
few = np.random.default_rng(0).normal(size=(100, 8))
vae = VAETransformer(**TINY).fit(few)
vae.sample(10), vae.impute(gaps[:3]), vae.transform(few), vae.score(few)
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 70_000_000,) * 2)

calls = {
    "fit": lambda: VAETransformer(**TINY).fit(X),
    "a wide fit": lambda: VAETransformer(**TINY | {"hidden_layer_sizes": (20_000, 20_000)}).fit(few),
    "partial_fit": lambda: VAETransformer(**TINY).partial_fit(X),
    "fit_chunks": lambda: VAETransformer(**TINY).fit_chunks([X, X]),
    "transform": lambda: vae.transform(X),
    "posterior": lambda: vae.posterior(X),
    "score": lambda: vae.score(np.broadcast_to(few[:1], (2_500_000, 8))),
    "log_likelihood": lambda: vae.log_likelihood(few, n_draws=1_000_000),
    "reconstruct": lambda: vae.reconstruct(X),
    "inverse_transform": lambda: vae.inverse_transform(Z),
    "sample": lambda: vae.sample(100_000_000),
    "sample under a condition": lambda: vae.sample(100_000_000, given={0: 0.0}),
    "impute": lambda: vae.impute(gaps),
    "impute by draws": lambda: vae.impute(gaps[:10_000], n_draws=5000),
}
said = {}
for name, call in calls.items():
    try:
        call()
    except BaseException as error:
        said[name] = f"{type(error).__name__}: {error}"
print(json.dumps(said | {"afterwards": bool(np.isfinite(vae.score(few)))}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts the memory of a process as Linux tells it")
def test_what_does_not_fit_into_memory_gets_a_sentence_and_the_process_goes_on():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said.pop("afterwards") is True
    assert len(said) == 14
    for name, error in said.items():
        remedy = "Use fewer rows, or fit_chunks, a smaller batch" if "fit" in name else "Ask for fewer rows at a time."
        assert error.startswith("MemoryError: There is too little memory"), (name, error)
        assert remedy in error, (name, error)
