"""Every Python block of the documents runs."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from skvae import VAETransformer
from skvae.models import auto

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md") if "```python\n" in path.read_text()
)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A tenth of the passes of "auto": enough to see that blocks run. No processes, on a machine however slow."""
    passes = auto.passes
    monkeypatch.setattr(auto, "passes", lambda *sizes: max(1, passes(*sizes) // 10))
    monkeypatch.setattr("skvae.estimators.search.WORTH", float("inf"))


def python_blocks(document: str) -> str:
    """The code of a document; where it says a number of passes, there is one, but for classifiers."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), flags=re.DOTALL))
    return re.sub(r"\bmax_iter=\d{1,2}\b", "max_iter=1", code)


def test_readme_runs(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict = {}
    exec(python_blocks("README.md"), names)
    assert names["Z"].shape == (178, 4)
    assert (names["df_new"].dtypes == names["df"].dtypes).all()
    assert (names["old"]["age"] == 70).all()
    assert names["full"].notna().all(axis=None)
    assert names["model"].score(names["X"][1200:], names["y"][1200:]) > 0.85


def test_a_likelihood_in_one_file():
    names: dict = {"__name__": "geometric"}
    exec(python_blocks("CONTRIBUTING.md"), names)
    rng = np.random.default_rng(0)
    X = rng.geometric(rng.choice([0.2, 0.8], size=(300, 1)), size=(300, 4)) - 1.0
    vae = VAETransformer(1, likelihood=names["Geometric"](), max_iter=30, random_state=0).fit(X)
    assert vae.sample(2000, random_state=0).mean() == pytest.approx(X.mean(), rel=0.25)
    p = 1 / (1 + X.mean(axis=0))
    independent = (np.log(p) + X * np.log1p(-p)).sum(axis=1).mean()
    assert vae.score(X) > independent  # one component finds the two kinds of rows
    X[rng.random(X.shape) < 0.2] = np.nan
    vae = VAETransformer(1, likelihood=names["Geometric"](), max_iter=30, random_state=0).fit(X)
    held_out = np.array(vae.history_["validation_elbo"])
    assert np.isfinite(held_out).all()
    assert held_out.max() > held_out[0] + 0.1


def test_a_prior_in_one_file():
    names: dict = {"__name__": "logistic"}
    exec(python_blocks("CONTRIBUTING.md"), names)
    X = np.random.default_rng(0).logistic(size=(300, 1)) @ np.array([[1.0, -1.0, 0.5]])
    X = X + 0.1 * np.random.default_rng(1).normal(size=X.shape)
    vae = VAETransformer(2, prior=names["Logistic"](), max_iter=30, random_state=0).fit(X)
    assert vae.kl_per_component_.max() > 1.0
    assert vae.sample(2000, random_state=0).std() == pytest.approx(X.std(), rel=0.2)
    prior = vae.vae_.prior
    z = torch.linspace(-40, 40, 4001)
    grid = torch.cartesian_prod(z[::10], z[::10])[None]
    assert float(prior.log_prob(grid).exp().sum()) * 0.2**2 == pytest.approx(1.0, abs=0.01)


def test_the_guide_has_pages():
    assert len(PAGES) > 8


@pytest.mark.parametrize("page", PAGES)
def test_every_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    exec(python_blocks(page), {"__name__": "page"})
