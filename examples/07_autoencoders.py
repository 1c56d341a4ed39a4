"""Five autoencoders: plain, denoising, sparse and variational
===========================================================

Finding: each is best at what it was made for. The plain autoencoder (``beta=0``) reconstructs clean images best, but
its latent means lie in rays with gaps between them, five times as far out as the prior; a quarter of its draws decode
to what resembles no image, and its ``score`` says nothing. Hidden pixels in training (``input_dropout``) make it the
best at images with hidden pixels, noise in training (``input_noise``) the best at noisy ones. The variational
autoencoder fills its prior: fewest draws are unlike any image, and ``score`` is within .2 nats of the log-likelihood.
Under a Laplace prior, a sparse code, most coordinates stay near zero and few reach far out; it explains test images
best.
"""

import sys

import numpy as np
import pandas as pd
import torch
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from skvae import VAETransformer
from skvae.inspection import LatentSpaceDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0, stratify=y)
rng = np.random.default_rng(0)
hidden = np.where(rng.random(X_test.shape) < 0.5, np.nan, X_test)
noisy = (X_test + 0.5 * rng.normal(size=X_test.shape)).clip(0, 1)  # grey levels lie in [0, 1]

settings = {"n_components": 2, "likelihood": "bernoulli", "max_iter": 60, "random_state": 0}
models = {
    "plain": VAETransformer(beta=0, **settings),
    "denoising, hidden pixels": VAETransformer(beta=0, input_dropout=0.5, **settings),
    "denoising, noise": VAETransformer(beta=0, input_noise=0.5, **settings),
    "sparse": VAETransformer(prior="laplace", **settings),
    "variational": VAETransformer(**settings),
}


def error(rebuilt: np.ndarray) -> float:
    """Root mean squared error, in grey levels of 16."""
    return 16 * float(np.sqrt(((rebuilt - X_test) ** 2).mean()))


def distance(to: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """From each row to the nearest of others."""
    return NearestNeighbors(n_neighbors=1).fit(to).kneighbors(rows)[0][:, 0]


def log_likelihood(decoded: np.ndarray) -> float:
    """Of test images in nats, by averaging p(x | z) over draws of z, which two dimensions allow."""
    p = decoded.clip(1e-6, 1 - 1e-6)
    log_p = X_test @ np.log(p.T) + (1 - X_test) @ np.log1p(-p.T)
    return float((logsumexp(log_p, axis=1) - np.log(len(p))).mean())


# %%
# Draws come from the prior of each model: N(0, I), or two Laplace variables. One is "unlike" an image if it decodes to
# what is farther from every training image than 95% of the reconstructions are.
inputs = {"clean": X_test, "hidden": hidden, "noisy": noisy}
columns = (*inputs, "score", "log p(x)", "unlike", "spread")
print(f"{'':<26}" + "".join(f"{column:>10}" for column in columns))
pictures = {}
for name, model in models.items():
    Z = model.fit(X_train).transform(X_train)
    rebuilt = [model.reconstruct(images) for images in inputs.values()]
    draws = model.vae_.prior.sample(2000, torch.zeros(1), torch.Generator().manual_seed(0))[0].numpy()
    decoded = model.inverse_transform(draws)
    unlike = distance(X_train, decoded) > np.quantile(distance(X_train, rebuilt[0]), 0.95)
    figures = *map(error, rebuilt), model.score(X_test), log_likelihood(decoded)
    print(f"{name:<26}" + "".join(f"{x:10.2f}" for x in figures), end="")
    print(f"{unlike.mean():10.0%}{Z.std():10.1f}")
    pictures[name] = Z, rebuilt, draws, decoded, np.flatnonzero(unlike[:40])
print("errors in grey levels of 16; score and log-likelihood in nats per image; spread of the latent means")

# %%
# Where the latent means lie, with draws from the prior; what four test images are rebuilt from and to; and what draws
# decode to.
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print('\nFor the picture: python -m pip install -e ".[plot]"')
    sys.exit()


def show(ax, images: np.ndarray, n_columns: int) -> None:
    """Images of 8 x 8 pixels side by side, gaps in blue."""
    tiles = np.pad(images.reshape(-1, n_columns, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
    n_rows = len(tiles)
    shades = plt.get_cmap("gray_r").with_extremes(bad="#9ecae1")
    ax.imshow(tiles.swapaxes(1, 2).reshape(10 * n_rows, 10 * n_columns), cmap=shades, vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])


shown = [0, 1, 2, 5]
figure, axes = plt.subplots(3, len(models), figsize=(17, 9.6), height_ratios=(1.7, 1.2, 0.8), layout="constrained")
for (name, (Z, rebuilt, draws, decoded, framed)), (above, middle, below) in zip(pictures.items(), axes.T, strict=True):
    latent = LatentSpaceDisplay(Z, color=pd.Series(y_train, name="digit")).plot(ax=above)
    if above is not axes[0, -1]:
        latent.legend_.remove()  # one is enough
    above.scatter(*draws[:40].T, color="black", marker="x", s=16, linewidths=0.8, label="draw from the prior")
    above.set_title(name)
    pairs = np.stack([list(inputs.values()), rebuilt], axis=1)[:, :, shown]
    show(middle, pairs, len(shown))
    show(below, decoded[:40], 10)
    for k in framed:
        below.add_patch(plt.Rectangle((k % 10 * 10, k // 10 * 10), 9, 9, fill=False, color="#d55e00", linewidth=2))
labels = [f"{name}\nrebuilt" for name in inputs]
axes[1, 0].set_yticks([9.5, 29.5, 49.5], labels)
axes[2, 0].set_ylabel("draws; framed:\nunlike any image")
axes[0, 0].legend(loc="lower right", fontsize=8)
figure.savefig("07_autoencoders.png", dpi=80)
print("\npicture: 07_autoencoders.png")
