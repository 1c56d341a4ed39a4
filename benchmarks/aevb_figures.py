"""How far do the three algorithms of 2014 get on MNIST and Frey faces, and how far do today's defaults?

Figures 2 and 3 of Kingma and Welling (2014), Auto-Encoding Variational Bayes (https://arxiv.org/abs/1312.6114), drawn
again: AEVB, wake-sleep and Monte Carlo EM train the same networks, the library's own with one layer of tanh units; one
more curve, "ours", is ``VAETransformer`` with as many hidden units and its defaults, over as many training samples.

Pixels of MNIST are drawn anew from their grey levels whenever a row is trained on (dynamic binarisation, as
``Bernoulli`` does), and once for the rows that judge, by all methods alike: each bound is that of a probability. The
paper does not say what it did. Training rows are the first 50,000; the other 10,000 choose the weights of ours, and
draw its line in figure 2.

Frey faces are the second row of figure 2, here a picture of its own. Their decoder is Gaussian with means in (0, 1).
Grey levels become numbers in (0, 1) by noise within each level, drawn anew likewise (ours sees one draw); else a
variance could shrink for ever. Of the 1,965 frames of the film a permutation gives 1,565 to training, 200 to the
choice of weights and 200 to the test, so that most test frames have neighbours in time among those trained on.

DIFFERS from the paper:
- curves go from 10^4 to some 10^6 training samples, on a logarithmic axis in both figures; the paper's go to 10^8;
- three latent variables are integrated out by quasi-Monte Carlo, where appendix D samples the posterior: four times as
  many nodes changed nothing beyond 0.01 nats;
- for Monte Carlo EM each leapfrog step and each update counts as an evaluation of its rows: 16 a visit;
- each point of ours in figure 3 is a fit of its own, which below 2,000 rows includes its folds: two of 1,000 rows.

Every curve is kept in OUT/*.json and not run again, unless --samples is another number.

    SKVAE_DATA=... python benchmarks/aevb_figures.py [--out aevb] [--samples 2500000] [--only figure2 | figure3 | frey]
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import pandas as pd
import torch
from data import frey_faces, mnist
from matplotlib import pyplot as plt
from torch import Tensor
from torch.nn.functional import softplus

from skvae import VAETransformer
from skvae.likelihoods import Bernoulli, Block, Columns, Head, Joint, Likelihood
from skvae.models.pace import n_folds
from skvae.networks import MLP, VAE, Decoder, Encoder
from skvae.objectives import elbo
from skvae.priors import StandardNormal
from skvae.training import split_rows

BATCH = 100  # M, section 5; L = 1 draw a row
STEP_SIZES = 0.01, 0.02, 0.1  # section 5: Adagrad's, chosen by the training rows in the first few iterations
SPREADS = 0.1, 0.01  # section 5: weights from N(0, 0.01), a variance or a standard deviation, chosen likewise
TRIAL = 20_000  # training samples evaluated by each of these choices
LEAPFROG, UPDATES, ACCEPTANCE = 10, 5, 0.9  # appendix E
N_TRAIN, N_JUDGED, N_MARGINAL = 50_000, 10_000, 1_000  # rows; the last: appendix E
N_FACES, N_LEVELS = 1_565, 256
N_NODES, WIDTH = 2**16, 2.0  # of the integral over z: nodes of N(0, 2² I), as chains of Monte Carlo EM leave p(z)

Losses = Iterator[Tensor]  # one for each update of the weights
Curve = dict[str, Any]
Rows = dict[str, Tensor]


class Images(NamedTuple):
    """One data set.

    Attributes
    ----------
    family : Likelihood
        Of a pixel, in the models of the three algorithms.
    pixels : Tensor of shape (N, D)
        Training rows, before they are drawn.
    drawn : dict of str to Tensor
        Rows drawn once: "train", "valid" and "test".
    likelihood : str
        What today's estimator is told of the pixels.
    """

    family: Likelihood
    pixels: Tensor
    drawn: Rows
    likelihood: str


@dataclass(frozen=True)
class Panel:
    """A pair of axes: one model, trained by every method."""

    figure: str
    title: str
    n_components: int
    n_hidden: int
    n_train: int
    limits: tuple[float, float]  # the paper's, with 30 nats more at the bottom, and in figure 2 ten at the top

    @property
    def methods(self) -> list[str]:
        """Whose curves it holds."""
        return ["AEVB", "wake-sleep", *([] if self.is_bound else ["MCEM"]), "ours"]

    @property
    def is_bound(self) -> bool:
        """Whether its vertical axis shows the lower bound, not the marginal likelihood."""
        return self.figure != "figure3"

    @property
    def measure(self) -> Callable[[VAE, Tensor], float]:
        """What its vertical axis shows."""
        return lower_bound if self.is_bound else marginal_likelihood


PANELS = [Panel("figure2", f"$N_z$ = {k}", k, 500, N_TRAIN, (-180, -90)) for k in (3, 5, 10, 20, 200)]
PANELS += [Panel("frey", f"Frey faces, $N_z$ = {k}", k, 200, N_FACES, (0, 1600)) for k in (2, 5, 10, 20)]
PANELS += [Panel("figure3", "$N_{train}$ = 1,000", 3, 100, 1_000, (-190, -100))]
PANELS += [Panel("figure3", "$N_{train}$ = 50,000", 3, 100, N_TRAIN, (-190, -125))]
COLORS = {"AEVB": "#d55e00", "wake-sleep": "#009e73", "MCEM": "#0072b2", "ours": "black"}


@dataclass(frozen=True)
class Grey(Likelihood):
    """Grey levels: x_d | z ~ N(sigmoid(logit_d(z)), exp(log_variance_d(z))); appendix C.2, means as in section 5."""

    name = "grey"
    support = "values between 0 and 1"
    is_density = True

    def heads(self, columns: Columns) -> dict[str, Head]:  # noqa: D102
        return {name: Head("cell", len(columns.scale)) for name in ("logit", "log_variance")}

    def start(self, x: Tensor, columns: Columns, weights: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        return {name: x.new_zeros(x.shape[-1]) for name in ("logit", "log_variance")}

    def log_prob(self, x: Tensor, *, logit: Tensor, log_variance: Tensor) -> Tensor:  # type: ignore[override]  # noqa: D102
        squared = (x - logit.sigmoid()).square() * torch.exp(-log_variance)
        return -0.5 * (math.log(2 * math.pi) + log_variance + squared)

    def mean(self, *, logit: Tensor, log_variance: Tensor) -> Tensor:  # type: ignore[override]  # noqa: D102
        return logit.sigmoid()

    def sample(  # type: ignore[override]  # noqa: D102
        self, generator: torch.Generator, *, logit: Tensor, log_variance: Tensor
    ) -> Tensor:
        return logit.sigmoid() + torch.exp(0.5 * log_variance) * torch.randn(logit.shape, generator=generator)

    def redraw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Numbers in (0, 1) of the levels 0 to 255. Shape: kept."""
        return (x + torch.rand(x.shape, generator=generator)) / N_LEVELS


def images_of(figure: str) -> Images:
    """The data set of one figure."""
    generator = torch.Generator().manual_seed(0)
    if figure == "frey":
        family: Likelihood = Grey()
        faces = torch.from_numpy(frey_faces())[torch.randperm(N_FACES + 400, generator=generator)]
        pixels = {"train": faces[:N_FACES], "valid": faces[N_FACES:-200], "test": faces[-200:]}
        drawn = {part: family.redraw(rows, generator) for part, rows in pixels.items()}
        return Images(family, pixels["train"], drawn, "auto")
    family = Bernoulli()
    grey_train, _, grey_test, _ = mnist()
    train, test = (family.redraw(torch.from_numpy(grey)[None], generator)[0] for grey in (grey_train, grey_test))
    drawn = {"train": train[:N_TRAIN], "valid": train[N_TRAIN:], "test": test}
    return Images(family, torch.from_numpy(grey_train)[:N_TRAIN], drawn, "bernoulli")


def build(family: Likelihood, n_pixels: int, panel: Panel, spread: float, generator: torch.Generator) -> VAE:
    """Appendix C: a Gaussian MLP encoder, and an MLP decoder."""
    no_levels, zero, one = torch.zeros(n_pixels, dtype=torch.long), torch.zeros(n_pixels), torch.ones(n_pixels)
    joint = Joint([Block(family, list(range(n_pixels)), Columns(one, no_levels, zero, one))])
    n_components = panel.n_components

    def mlp(n_in: int, n_out: int) -> MLP:
        return MLP(n_in, n_out, (panel.n_hidden,), "tanh", 0.0, generator)

    encoder = Encoder(joint, n_components, mlp, gaps=[False] * n_pixels, linear=False, generator=generator)
    decoder = Decoder(joint, n_components, mlp, linear=False, generator=generator)
    decoder.bias.requires_grad_(False)  # the network has one already
    vae = VAE(joint, StandardNormal(n_components), encoder, decoder)
    for parameter in vae.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=spread, generator=generator)
    return vae


class Algorithm:
    """What turns a minibatch into losses."""

    cost = 1  # evaluations of each row

    def __init__(self, vae: VAE, n_rows: int) -> None:
        self.vae = vae


class AEVB(Algorithm):
    """Algorithm 1 with the estimator of eq. (10): both networks ascend one bound."""

    def __call__(self, x: Tensor, rows: Tensor, generator: torch.Generator) -> Losses:
        """The bound, with one draw of z a row."""
        noise = torch.randn((1, *x.shape[:2], self.vae.encoder.n_components), generator=generator)
        yield -elbo(self.vae, x, noise).elbo.mean()


class WakeSleep(Algorithm):
    """Hinton et al. (1995): each network has an objective of its own."""

    def __call__(self, x: Tensor, rows: Tensor, generator: torch.Generator) -> Losses:
        """Wake: log p(x | z), z from q(z | x). Sleep: log q(z | x) of a dream, z and x from the model."""
        vae = self.vae
        with torch.no_grad():
            q = vae.posterior(x)
            z = q.at(torch.randn(q.loc.shape, generator=generator))
            dream_z = vae.prior.sample(x.shape[1], x, generator)
            dream_x = vae.joint.sample(vae.decode(dream_z), generator)
        yield -(vae.log_likelihood(z, x) + vae.posterior(dream_x).log_prob(dream_z)).mean()


class MonteCarloEM(Algorithm):
    """Appendix E: no encoder; a training row has a chain of its own, which hybrid Monte Carlo moves at each visit."""

    cost = LEAPFROG + 1 + UPDATES

    def __init__(self, vae: VAE, n_rows: int) -> None:
        super().__init__(vae, n_rows)
        self.z = torch.randn((1, n_rows, vae.encoder.n_components), generator=torch.Generator().manual_seed(0))
        self.step = 0.1

    def __call__(self, x: Tensor, rows: Tensor, generator: torch.Generator) -> Losses:
        """E: one transition of the chains. M: updates of the decoder."""
        z, acceptance = hmc(self.vae, self.z[:, rows], x, self.step, generator)
        self.z[:, rows] = z
        self.step *= math.exp(acceptance - ACCEPTANCE)
        for _ in range(UPDATES):
            yield -self.vae.log_likelihood(z, x).mean()


def hmc(vae: VAE, z: Tensor, x: Tensor, step: float, generator: torch.Generator) -> tuple[Tensor, float]:
    """One transition towards p(z | x), and the share of rows that accept it. Shape: z (1, B, K)."""

    def log_joint(z: Tensor) -> tuple[Tensor, Tensor]:
        """Log p(x | z) + log p(z), and its gradient in z."""
        z = z.detach().requires_grad_()
        value = vae.log_likelihood(z, x) + vae.prior.log_prob(z)
        return value.detach(), torch.autograd.grad(value.sum(), z)[0]

    momentum = torch.randn(z.shape, generator=generator)
    proposal, (value, gradient) = z, log_joint(z)
    start = value - 0.5 * momentum.square().sum(dim=-1)
    for _ in range(LEAPFROG):
        momentum = momentum + 0.5 * step * gradient
        proposal = proposal + step * momentum
        value, gradient = log_joint(proposal)
        momentum = momentum + 0.5 * step * gradient
    end = value - 0.5 * momentum.square().sum(dim=-1)
    accept = torch.rand(end.shape, generator=generator).log() < end - start
    return torch.where(accept[..., None], proposal, z), float(accept.float().mean())


METHODS: dict[str, type[Algorithm]] = {"AEVB": AEVB, "wake-sleep": WakeSleep, "MCEM": MonteCarloEM}


def train(algorithm: Algorithm, X: Tensor, rate: float, generator: torch.Generator) -> Iterator[int]:
    """Section 5: Adagrad on the MAP objective. Yields, after each minibatch, the training samples evaluated so far."""
    weights = [p for p in algorithm.vae.parameters() if p.requires_grad]
    prior = 1 / len(X)  # p(θ) = N(0, I), the share of one row
    optimizer = torch.optim.Adagrad(weights, lr=rate, weight_decay=prior, fused=True)
    evaluated = 0
    while True:
        for rows in torch.randperm(len(X), generator=generator).split(BATCH):
            x = algorithm.vae.joint.redraw(X[rows][None], generator)
            for loss in algorithm(x, rows, generator):
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            evaluated += algorithm.cost * len(rows)
            yield evaluated


@torch.no_grad()
def lower_bound(vae: VAE, x: Tensor) -> float:
    """Mean of eq. (10) with one draw a row, the same at every call. Shape: x (N, D)."""
    noise = torch.randn((1, 1, len(x), vae.encoder.n_components), generator=torch.Generator().manual_seed(0))
    parts = zip(x[None].split(1000, dim=1), noise.split(1000, dim=2), strict=True)
    return float(torch.cat([elbo(vae, rows, epsilon).elbo for rows, epsilon in parts], dim=1).mean())


@torch.no_grad()
def marginal_likelihood(vae: VAE, x: Tensor) -> float:
    """Mean of log ∫ p(x | z) p(z) dz over the first rows, by nodes that share one pass of the decoder."""
    x = x[:N_MARGINAL]
    sobol = torch.quasirandom.SobolEngine(vae.encoder.n_components, scramble=True, seed=0)
    total = x.new_full((len(x),), -math.inf)
    for u in sobol.draw(N_NODES).split(4096):
        noise = torch.special.ndtri(u.clamp(1e-7, 1 - 1e-7))
        log_weight = vae.prior.log_prob(WIDTH * noise) - vae.prior.log_prob(noise)
        logit = vae.decode(WIDTH * noise[None])[0]["logit"][0]
        log_prob = x @ logit.T - softplus(logit).sum(dim=-1)  # appendix C.1, of every row at every node
        total = torch.logaddexp(total, (log_prob + log_weight).logsumexp(dim=1))
    return float(total.mean()) + vae.encoder.n_components * math.log(WIDTH) - math.log(N_NODES)


def marks(n_samples: int) -> list[int]:
    """Where a curve is measured: four times in each power of ten."""
    return [round(10 ** (i / 4)) for i in range(16, math.ceil(4 * math.log10(n_samples)))] + [n_samples]


def rival(name: str, panel: Panel, images: Images, judged: Rows, n_samples: int) -> Curve:
    """One of the three algorithms."""
    X = images.pixels[: panel.n_train]

    def start(spread: float, rate: float) -> tuple[VAE, Iterator[int]]:
        generator = torch.Generator().manual_seed(0)
        vae = build(images.family, X.shape[1], panel, spread, generator)
        return vae, train(METHODS[name](vae, len(X)), X, rate, generator)

    def trial(choice: tuple[float, float]) -> float:
        vae, evaluated = start(*choice)
        next(n for n in evaluated if n >= TRIAL)
        value = panel.measure(vae, judged["train"])
        return -math.inf if math.isnan(value) else value

    choice = max(product(SPREADS, STEP_SIZES), key=trial)
    vae, evaluated = start(*choice)
    curve: Curve = {"spread, step size": choice, "samples": [], "train": [], "test": []}
    for mark in marks(n_samples):
        curve["samples"].append(next(n for n in evaluated if n >= mark))
        for part, rows in judged.items():
            curve[part].append(panel.measure(vae, rows))
    return curve | {"final": {part: curve[part][-1] for part in judged}}


def rows_with_folds(n_rows: int) -> int:
    """Rows of an epoch, of all models that are trained side by side: each sees as many as the smallest has."""
    split = split_rows(n_rows, "auto", 0.1, torch.Generator()).with_folds(n_folds(n_rows))
    return len(split.train) * min(map(len, split.train))


def ours(panel: Panel, images: Images, judged: Rows, n_samples: int) -> Curve:
    """Today's defaults, but the width of the networks and the number of epochs."""
    rows = images.pixels if images.likelihood == "bernoulli" else images.drawn["train"]  # the former are drawn anew
    X, X_val = rows[: panel.n_train], images.drawn["valid"]
    has_folds = len(X) < 2_000 and not panel.is_bound  # which X_val replaces
    n_rows = rows_with_folds(len(X)) if has_folds else len(X)  # in an epoch

    def fit(max_iter: int) -> VAETransformer:
        model = VAETransformer(panel.n_components, likelihood=images.likelihood, random_state=0)
        model.set_params(hidden_layer_sizes=(panel.n_hidden,), max_iter=max_iter)
        return model.fit(X.numpy(), X_val=None if has_folds else X_val.numpy())

    if panel.is_bound:  # one fit, epoch by epoch
        model = fit(max(1, n_samples // n_rows))
        history = pd.DataFrame(model.history_).iloc[1:].dropna(subset="validation_elbo")
        by_epoch = history["epoch"] * n_rows, history["elbo"], history["validation_elbo"]
        curve = dict(zip(("samples", "train", "test"), (column.tolist() for column in by_epoch), strict=True))
        return curve | {"final": {part: model.score(rows.numpy()) for part, rows in judged.items()}}
    # each point is a fit of its own, whose learning rate has come down
    models = [fit(max(1, mark // n_rows)) for mark in sorted(marks(n_samples)[::-2])]
    curve = {"samples": [n_rows * model.n_iter_ for model in models]}
    curve |= {part: [panel.measure(model.vae_, rows) for model in models] for part, rows in judged.items()}
    return curve | {"final": {part: curve[part][-1] for part in judged}}


def learn(panel: Panel, name: str, n_samples: int, images: Images) -> Curve:
    """The curve of one method."""
    judged = {part: images.drawn[part][: min(panel.n_train, N_JUDGED)] for part in ("train", "test")}
    start = time.process_time()
    if name == "ours":
        curve = ours(panel, images, judged, n_samples)
    else:
        curve = rival(name, panel, images, judged, n_samples)
    return curve | {"budget": n_samples, "CPU seconds": time.process_time() - start}


def draw(panels: dict[Panel, dict[str, Curve]], path: Path) -> None:
    """The panels of one figure, test rows solid and training rows dashed."""
    is_bound = next(iter(panels)).is_bound
    size = (2.5 * len(panels) + 1.2, 3.2)
    figure, axes = plt.subplots(1, len(panels), figsize=size, sharey=is_bound, squeeze=False, layout="constrained")
    for ax, (panel, curves) in zip(axes[0], panels.items(), strict=True):
        for name, curve in curves.items():
            style = {"color": COLORS[name], "lw": 1.2, "ms": 3, "marker": "o" if len(curve["samples"]) < 8 else None}
            ax.plot(curve["samples"], curve["train"], "--", **style)
            ax.plot(curve["samples"], curve["test"], **style)
        if is_bound:
            ax.plot(curves["ours"]["samples"][-1], curves["ours"]["final"]["test"], "k*", ms=8, clip_on=False)
        ax.set(title=panel.title, xscale="log", ylim=panel.limits)
        ax.grid(color="0.9")
        ax.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("training samples evaluated", size="medium")
    axes[0, 0].set_ylabel("lower bound, nats" if is_bound else "marginal log-likelihood, nats")
    styles = {name: {"color": COLORS[name]} for name in next(iter(panels.values()))}
    styles |= {"test": {"color": "0.5"}, "training": {"color": "0.5", "ls": "--"}}
    if is_bound:
        styles["ours, test"] = {"color": "black", "ls": "", "marker": "*", "ms": 8}
    handles = [plt.Line2D([], [], label=label, **style) for label, style in styles.items()]
    figure.legend(handles=handles, loc="outside right center", frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("aevb"))
    parser.add_argument("--samples", type=int, default=2_500_000, help="training samples evaluated by each curve")
    parser.add_argument("--only", choices=["figure2", "figure3", "frey"])
    options = parser.parse_args()
    matplotlib.use("agg")
    options.out.mkdir(parents=True, exist_ok=True)
    images = functools.cache(images_of)
    found: dict[str, dict[Panel, dict[str, Curve]]] = {}
    table = []
    for panel in PANELS:
        if options.only not in (None, panel.figure):
            continue
        curves = found.setdefault(panel.figure, {}).setdefault(panel, {})
        for name in panel.methods:
            path = options.out / f"{panel.figure}-{panel.n_components}-{panel.n_train}-{name}.json"
            curve = json.loads(path.read_text()) if path.exists() else {}
            if curve.get("budget") != options.samples:
                curve = learn(panel, name, options.samples, images(panel.figure))
                path.write_text(json.dumps(curve))
                print(f"{time.strftime('%H:%M:%S')} {path.stem}: {curve['CPU seconds']:.0f} CPU s", flush=True)
            curves[name] = curve
            row = {"figure": panel.figure, "N_z": panel.n_components, "N_train": panel.n_train, "method": name}
            table.append(row | curve["final"] | {key: curve.get(key) for key in ("spread, step size", "CPU seconds")})
        draw(found[panel.figure], options.out / f"{panel.figure}.png")
    print(pd.DataFrame(table).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
