import os
import signal
import subprocess
import sys

import pytest
import torch

from skvae.training import intraop_threads, isolated_rng, resolve_device, resolve_precision


def test_auto_takes_a_gpu_if_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_a_device_that_is_there_is_taken(device):
    assert resolve_device(device) == torch.device("cpu")


@pytest.mark.parametrize("device", ["toaster", "cuda:63", "xla"])
def test_a_device_that_is_not_there_gets_a_sentence(device):
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used on this machine .* Use device='auto' or"):
        resolve_device(device)


def test_precision():
    cpu = torch.device("cpu")
    assert resolve_precision("float32", width=10_000, n_columns=10_000, device=cpu) == torch.float32
    assert resolve_precision("bfloat16", width=1, n_columns=1, device=cpu) == torch.bfloat16
    assert resolve_precision("auto", width=64, n_columns=10, device=cpu) == torch.float32  # small products


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),  # its products are slower there
        ({"avx512_f": True, "avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"architecture": "aarch64"}, torch.float32),
    ],
)
def test_auto_takes_bfloat16_where_there_are_instructions_for_it(capabilities, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto", width=512, n_columns=512, device=torch.device("cpu")) == expected


def test_auto_is_float32_where_torch_does_not_say_what_there_is(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", width=512, n_columns=512, device=torch.device("cpu")) == torch.float32


def test_threads_are_put_back_also_after_an_error():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with intraop_threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), intraop_threads(1):
            raise KeyError
        assert torch.get_num_threads() == 2
        for n in (None, 7):  # no more than there are
            with intraop_threads(n):
                assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_global_generator_is_lent_and_put_back():
    torch_state = torch.get_rng_state()
    with isolated_rng(3, torch.device("cpu"), lends_global=True) as generator:
        first = torch.rand(4), torch.rand(4, generator=generator)
    assert torch.equal(torch.get_rng_state(), torch_state)
    with pytest.raises(KeyError), isolated_rng(3, torch.device("cpu"), lends_global=True) as generator:
        again = torch.rand(4), torch.rand(4, generator=generator)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_a_generator_of_our_own_leaves_the_global_one_alone():
    torch_state = torch.get_rng_state()
    with isolated_rng(3, torch.device("cpu"), lends_global=False) as generator:
        torch.rand(4, generator=generator)
        assert torch.equal(torch.get_rng_state(), torch_state)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_does_not_wait_for_the_threads_of_its_parent():
    program = """
import os, warnings
import numpy as np, torch
from skvae import VAETransformer
warnings.simplefilter("ignore")
torch.set_num_threads(2)
X = np.random.default_rng(0).normal(size=(20_000, 30))
vae = VAETransformer(2, hidden_layer_sizes=(256,), max_iter=1, device="cpu", random_state=0).fit(X)
before = vae.transform(X)
pid = os.fork()
if pid == 0:
    os._exit(0 if np.allclose(vae.transform(X), before, atol=1e-5) else 3)
assert os.waitpid(pid, 0)[1] == 0
assert torch.get_num_threads() == 2
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"OMP_NUM_THREADS": "2"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, errors
