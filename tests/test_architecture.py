"""The folders are the architecture: imports point down, and importing the package moves nothing."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import skvae

PACKAGE = Path(skvae.__file__).parent
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)
FLOOR = {
    "objectives": 0,
    "drawing": 0,
    "messages": 0,
    "identifiers": 0,
    "likelihoods": 1,
    "priors": 1,
    "networks": 2,
    "tables": 2,
    "metrics": 3,
    "training": 3,
    "models": 4,
    "files": 5,
    "estimators": 6,
    "inspection": 7,
    "cli": 7,
}
CONTAINERS = {"numpy", "pandas", "sklearn", "scipy", "joblib"}
NO_CONTAINERS = {"objectives", "messages", "likelihoods", "priors", "networks", "training"}
MAY_READ_CONTAINERS = FLOOR.keys() - NO_CONTAINERS


def imported_names(path):
    """Every imported module or name of a file, with its dots: nothing is executed."""
    for node in ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    return path.split("/")[0]


def test_every_room_has_a_floor():
    assert {room(path) for path in SOURCES} <= set(FLOOR)
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES)
def test_imports_point_down(path):
    here = room(path)
    for name in imported_names(path):
        root, *rest = name.split(".")
        if root != "skvae":
            continue
        assert rest and rest[0] in FLOOR, f"{path} imports {name} from the root"
        assert rest[0] == here or FLOOR[rest[0]] < FLOOR[here], f"{path} imports {name}"


def module(path):
    """The name under which a file is imported."""
    return "skvae." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported_files(path):
    """Files of the package that a file imports, also inside functions."""
    files = {module(other): other for other in SOURCES if not other.endswith("__init__.py")}
    for name in imported_names(path):
        found = files.get(name) or files.get(name.rpartition(".")[0])
        if found not in (None, path):
            yield found


def test_no_circles_inside_a_room_either():
    sorter = TopologicalSorter({path: set(imported_files(path)) for path in SOURCES})
    sorter.prepare()  # raises CycleError, which names the files


@pytest.mark.parametrize("path", [path for path in SOURCES if Path(path).name not in ("__init__.py", "_compat.py")])
def test_every_file_has_a_mirror_among_the_tests(path):
    folder, _, name = path.rpartition("/")
    if folder == "likelihoods" and name != "joint.py":
        name = "families.py"  # one table for all of them
    mirror = Path(__file__).parent / folder / f"test_{name.lstrip('_')}"
    assert mirror.exists(), f"{path} has no {mirror.relative_to(Path(__file__).parent)}"


@pytest.mark.parametrize("path", [path for path in SOURCES if room(path) not in MAY_READ_CONTAINERS])
def test_below_tables_everything_is_a_tensor(path):
    assert not {name.split(".")[0] for name in imported_names(path)} & CONTAINERS


@pytest.mark.parametrize("path", [path for path in SOURCES if path != "estimators/_compat.py"])
def test_private_scikit_learn_names_stop_at_compat(path):
    private = [
        name
        for name in imported_names(path)
        if name.startswith("sklearn") and any(part.startswith("_") for part in name.split("."))
    ]
    assert not private


def test_the_root_holds_public_names_only():
    assert sorted(path.name for path in PACKAGE.glob("*.py")) == ["__init__.py", "__main__.py"]
    assert all(hasattr(skvae, name) for name in skvae.__all__)


def test_import_moves_no_global_state():
    program = """
import logging, random, warnings
import joblib, numpy, pandas, scipy, sklearn, torch
import sklearn.base, sklearn.utils, sklearn.utils.validation, sklearn.utils._param_validation
import sklearn.model_selection  # imports rich, if it is installed, which draws a number

def state():
    return (
        random.getstate(),
        numpy.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        numpy.geterr(),
        list(warnings.filters),
        list(logging.getLogger().handlers),
        sklearn.get_config(),
        pandas.get_option("mode.copy_on_write"),
    )

random.seed(0)
numpy.random.seed(0)
torch.manual_seed(0)
before = state()
import skvae
after = state()
changed = [i for i, (a, b) in enumerate(zip(before, after)) if a != b]
assert not changed, changed
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
