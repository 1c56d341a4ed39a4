import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skvae import VAETransformer
from skvae.training import device, processes

SCRIPT = """
import json, os, signal, sys
import numpy as np
import torch.distributed as dist
from skvae import VAETransformer
from skvae.files import checkpoints

dist.init_process_group("gloo")
X = np.random.default_rng(0).normal(size=(150, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
checkpoints.SECONDS, checkpoints.SHARE = 0.0, 1e9
n_epochs, keep, facts = [], checkpoints.Checkpoint.keep, []


def keep_and_die(checkpoint, state):
    keep(checkpoint, state)
    n_epochs.append(1)
    if len(n_epochs) == killed_after:
        os.kill(os.getpid(), signal.SIGKILL)


checkpoints.Checkpoint.keep = keep_and_die
for settings in json.loads(sys.argv[2]):
    killed_after = settings.pop("killed_after", None)
    vae = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=8, device="cpu", **settings)
    vae.fit(X, sample_weight=np.arange(150) + 1)
    facts.append({"score": vae.score(X), "elbo": vae.history_["elbo"][1:], "Z": vae.transform(X).tolist()})
open(f"{sys.argv[1]}/{dist.get_rank()}.json", "w").write(json.dumps(facts))
dist.destroy_process_group()
"""


SEEDED = [
    {"random_state": 0, "batch_size": 31},
    {"random_state": 0, "n_draws": 2, "input_dropout": 0.2, "input_noise": 0.2},
]


FORKS = """
import os, runpy, signal, socket, sys
import torch.distributed
from skvae import VAETransformer  # once: what is forked has it


def both(arguments):
    \"\"\"Whether two processes end well; where one does not, the other is ended too, as torchrun does.\"\"\"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, WORLD_SIZE="2")
    children = []
    for rank in range(2):
        children.append(os.fork())
        if children[-1] == 0:
            signal.alarm(200)
            os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
            sys.argv[1:] = arguments
            runpy.run_path(sys.argv[0], run_name="__main__")
            os._exit(0)
    first, status = os.wait()
    (other,) = set(children) - {first}
    if status:
        os.kill(other, signal.SIGKILL)
    return os.waitpid(other, 0)[1] == status == 0


sys.argv[0], folder, *rounds = sys.argv[1:]
for settings in rounds:
    ended = both([folder, settings])
    print(ended, *[name for name in os.listdir(folder + "/kept") if not name.endswith(".lock")], flush=True)
"""


def said_in(folder):
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def together(folder, *settings):
    """What each of two processes of torchrun says of the same fits, for which a start of both is enough."""
    (folder / "fit.py").write_text(SCRIPT)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, str(folder / "fit.py"), str(folder), json.dumps(settings)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return said_in(folder)


def forked(folder, *rounds):
    """Whether both of two processes ended well, and what they kept, after each round of fits: forks start at once."""
    (folder / "fit.py").write_text(SCRIPT)
    command = [sys.executable, "-c", FORKS, str(folder / "fit.py"), str(folder), *map(json.dumps, rounds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return [line.split() for line in done.stdout.splitlines()]


def test_two_processes_find_the_model_that_one_finds(tmp_path):
    first, second = together(tmp_path, *SEEDED, {"random_state": None})
    assert first == second  # without a seed they agree on one
    X = np.random.default_rng(0).normal(size=(150, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    for settings, facts in zip(SEEDED, first, strict=False):
        one = VAETransformer(2, hidden_layer_sizes=(8,), max_iter=8, device="cpu", **settings)
        one.fit(X, sample_weight=np.arange(150) + 1)
        assert facts["score"] == pytest.approx(one.score(X), rel=1e-4)
        assert_allclose(facts["elbo"], one.history_["elbo"][1:], rtol=1e-3)
        assert_allclose(facts["Z"], one.transform(X), rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_go_on_together_where_they_were_killed(tmp_path):
    pytest.importorskip("safetensors")
    kept = SEEDED[0] | {"checkpoint_dir": str(tmp_path / "kept")}
    (died, *killed), (ended, *whole_fits) = forked(tmp_path, [kept | {"killed_after": 4}], [kept, SEEDED[0]])
    assert (died, ended) == ("False", "True")
    assert {Path(name).suffix for name in killed} - {".part"} == {".unfinished"}  # a part, if it died while it wrote
    assert [Path(name).suffix for name in whole_fits] == [".fit"]
    for resumed, whole in said_in(tmp_path):
        assert resumed == whole


def test_alone_nothing_is_shared():
    rows = torch.randn(2, 5, 3)
    assert processes.n_processes() == 1
    assert processes.share_of(rows, 1) is rows
    assert processes.add_up(rows) is rows
    assert processes.agree_on(7) == 7
    assert processes.is_first()
    processes.check_shares(1)


def test_shares_are_parts_of_the_whole(monkeypatch):
    rows = torch.arange(10.0).view(1, 5, 2)
    monkeypatch.setattr(processes, "n_processes", lambda: 2)
    parts = []
    for rank in range(2):
        monkeypatch.setattr(processes.dist, "get_rank", lambda rank=rank: rank)
        parts.append(processes.share_of(rows, 1))
    assert [part[0, :, 0].tolist() for part in parts] == [[0.0, 4.0, 8.0], [2.0, 6.0]]
    with pytest.raises(ValueError, match="Use a larger batch_size"):
        processes.check_shares(1)


def test_workers_spread_over_the_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert device.own_gpu() == 1
    monkeypatch.setattr(device.multiprocessing, "parent_process", lambda: "someone")
    monkeypatch.setattr(device.multiprocessing.current_process(), "_name", "LokyProcess-3")
    assert device.own_gpu() == 1
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert device.own_gpu() == 0
