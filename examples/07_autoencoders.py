"""Autoencoder, denoising autoencoder and VAE
==========================================

Finding: without the KL term (``beta=0``) two latent coordinates reconstruct better, but their means lie in rays, many
times as far out as the prior. Its draws then crowd where the rays meet, several times as many of them decode to what
resembles no image, and they explain test images worse than the draws of the VAE, whose means fill its prior. In two
dimensions a normal distribution fitted to the means repairs much of that: what the KL term buys is that nothing needs
repair, and a ``score`` within half a nat of the log-likelihood, where that of an autoencoder says nothing. Hidden
pixels in training (``input_dropout``) make an autoencoder the best of the three at images with hidden pixels.
"""

import sys

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from skvae import VAETransformer
from skvae.inspection import LatentSpaceDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0, stratify=y)
hidden = np.where(np.random.default_rng(0).random(X_test.shape) < 0.5, np.nan, X_test)

models = {
    "autoencoder": VAETransformer(2, likelihood="bernoulli", beta=0, random_state=0),
    "denoising autoencoder": VAETransformer(2, likelihood="bernoulli", beta=0, input_dropout=0.5, random_state=0),
    "VAE": VAETransformer(2, likelihood="bernoulli", random_state=0),
}


def distance(to: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """From each row to the nearest of others."""
    return NearestNeighbors(n_neighbors=1).fit(to).kneighbors(rows)[0][:, 0]


def log_likelihood(decoded: np.ndarray) -> float:
    """Of test images in nats, by averaging p(x | z) over draws of z, which two dimensions allow."""
    p = decoded.clip(1e-6, 1 - 1e-6)
    log_p = X_test @ np.log(p.T) + (1 - X_test) @ np.log1p(-p.T)
    return float((logsumexp(log_p, axis=1) - np.log(len(p))).mean())


# %%
# Draws come from the prior N(0, I), and for "fitted" from the normal distribution fitted to the latent means. One is
# unlike an image if it decodes to what is farther from every training image than 95% of the reconstructions are.
columns = ("spread", "error", "half hidden", "score", "by prior", "by fitted", "unlike")
print(f"{'':<22}" + "".join(f"{column:>12}" for column in columns))
pictures, draws = {}, np.random.default_rng(0).normal(size=(2000, 2))
for name, model in models.items():
    Z = model.fit(X_train).transform(X_train)
    errors = [16 * np.sqrt(((model.reconstruct(images) - X_test) ** 2).mean()) for images in (X_test, hidden)]
    decoded, fitted = (model.inverse_transform(z) for z in (draws, Z.mean(axis=0) + Z.std(axis=0) * draws))
    unlike = distance(X_train, decoded) > np.quantile(distance(X_train, model.reconstruct(X_test)), 0.95)
    nats = model.score(X_test), log_likelihood(decoded), log_likelihood(fitted)
    print(f"{name:<22}{Z.std():12.1f}" + "".join(f"{x:12.2f}" for x in (*errors, *nats)) + f"{unlike.mean():12.0%}")
    pictures[name] = Z, decoded[:60], np.flatnonzero(unlike[:60])
print("spread of latent means; error: root mean square, grey levels of 16; score and log-likelihoods: nats per image")

# %%
# Where the latent means lie, and what draws from the prior decode to.
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print('\nFor the picture: python -m pip install -e ".[plot]"')
    sys.exit()

figure, axes = plt.subplots(2, 3, figsize=(13, 7.4), height_ratios=(1.6, 1), layout="constrained")
for (name, (Z, decoded, framed)), above, below in zip(pictures.items(), *axes, strict=True):
    latent = LatentSpaceDisplay(Z, color=pd.Series(y_train, name="digit")).plot(ax=above)
    if above is not axes[0, -1]:
        latent.legend_.remove()  # one is enough
    above.scatter(*draws[:60].T, color="black", marker="x", s=16, linewidths=0.8, label="draw from the prior")
    above.set_title(f"Latent means: {name}")
    tiles = np.pad(decoded.reshape(6, 10, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1))).swapaxes(1, 2).reshape(60, 100)
    below.imshow(tiles, cmap="gray_r", vmin=0, vmax=1)
    for k in framed:
        below.add_patch(plt.Rectangle((k % 10 * 10, k // 10 * 10), 9, 9, fill=False, color="#d55e00", linewidth=2))
    below.set(title="Decoded draws; framed: unlike any image", xticks=[], yticks=[])
axes[0, 0].legend(loc="lower right", fontsize=8)
figure.savefig("07_autoencoders.png", dpi=90)
print("\npicture: 07_autoencoders.png")
