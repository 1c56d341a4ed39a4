"""The picture of the README and the start page: ``python docs/picture.py`` writes ``docs/_static/digits.png``."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm
from sklearn.datasets import load_digits

from skvae import VAETransformer

COLORS = ("#332288", "#3f90da", "#117733", "#e76300", "#832db6", "#a96b59", "#bd1f01", "#717581", "#b8860b", "#009e8e")

X, y = load_digits(return_X_y=True)
vae = VAETransformer(n_components=2, likelihood="bernoulli", random_state=0).fit(X / 16)
Z = vae.transform(X / 16)

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4.1), layout="constrained")
for digit, color in enumerate(COLORS):
    left.scatter(*Z[y == digit].T, marker=f"${digit}$", color=color, s=22, linewidths=0)
left.set_title("fit, transform: 64 pixels in two numbers", fontsize=12)

n = 14
quantiles = norm.ppf((np.arange(n) + 0.5) / n)
z1, z2 = np.meshgrid(quantiles, quantiles[::-1])
grid = vae.inverse_transform(np.column_stack([z1.ravel(), z2.ravel()]))
middle.imshow(grid.reshape(n, n, 8, 8).swapaxes(1, 2).reshape(8 * n, 8 * n), cmap="gray_r", vmin=0, vmax=1)
middle.set_title("inverse_transform: the plane, decoded", fontsize=12)

richer = VAETransformer(n_components=16, likelihood="bernoulli", prior="mixture", random_state=0).fit(X / 16)
digits = richer.reconstruct(richer.sample(100, random_state=0))  # the expected grey levels of each draw
tiles = np.pad(digits.reshape(10, 10, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1))).swapaxes(1, 2).reshape(100, 100)
right.imshow(tiles, cmap="gray_r", vmin=0, vmax=1)
right.set_title("sample: digits that nobody wrote", fontsize=12)
for ax in (left, middle, right):
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_color("#c8d0d9")
figure.savefig(Path(__file__).parent / "_static" / "digits.png", dpi=110, facecolor="white")
