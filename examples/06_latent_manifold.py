"""The latent manifold
===================

Finding: two latent components order images on a plane where one digit turns into another, and a classifier of
neighbours is right far more often on that plane than on the one of PCA. The picture is that of appendix
A in Kingma and Welling (2014), Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114: a grid over the unit
square, through the inverse of the normal distribution function into the latent space, and decoded.

The images are the digits of scikit-learn, 8 x 8 pixels; with the environment variable SKVAE_DATA, 20,000 of MNIST's.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skvae import VAETransformer
from skvae.inspection import LatentSpaceDisplay, ManifoldDisplay

if "SKVAE_DATA" in os.environ:
    with np.load(Path(os.environ["SKVAE_DATA"]) / "mnist" / "mnist.npz") as mnist:
        X, y = mnist["X_train"][:22_000].reshape(-1, 784) / np.float32(255), mnist["y_train"][:22_000]
    test_size, settings = 2_000, {"hidden_layer_sizes": (256, 256), "max_iter": 20}  # a part, for a short fit
else:
    X, y = load_digits(return_X_y=True)
    X, test_size, settings = X / 16, 540, {}
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=test_size, random_state=0, stratify=y)

# %%
# Grey levels in [0, 1] are probabilities of a white pixel.
start = time.perf_counter()
vae = VAETransformer(n_components=2, likelihood="bernoulli", random_state=0, **settings).fit(X_train)
print(f"fit: {len(X_train)} images of {X.shape[1]} pixels in {time.perf_counter() - start:.1f} s")

mean = X_train.mean(axis=0).clip(1e-3, 1 - 1e-3)
independent = (X_test @ np.log(mean) + (1 - X_test) @ np.log1p(-mean)).mean()
print(f"\n{'held-out score':<22}{'nats per image':>15}")
print(f"{'independent pixels':<22}{independent:15.1f}")
print(f"{'VAETransformer(2)':<22}{vae.score(X_test):15.1f}")

# %%
# How much of the digit do two coordinates keep?
print(f"\n{'accuracy':<22}{'15 neighbours':>15}")
for name, model in (("PCA(2)", PCA(2).fit(X_train)), ("VAETransformer(2)", vae)):
    classifier = KNeighborsClassifier(15).fit(model.transform(X_train), y_train)
    print(f"{name:<22}{classifier.score(model.transform(X_test), y_test):15.3f}")

# %%
# The manifold: cells of equal probability under the prior, z₁ to the right and z₂ upwards.
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print('\nFor the picture: python -m pip install -e ".[plot]"')
    sys.exit()

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.2), width_ratios=(1, 1.15), layout="constrained")
side = round(X.shape[1] ** 0.5)
manifold = ManifoldDisplay.from_estimator(vae, components=(0, 1), image_shape=(side, side), ax=left)
left.set_title("Decoded: a grid of equal probability under the prior")

digit = pd.Series(y_test[:1000], name="digit")
LatentSpaceDisplay.from_estimator(vae, X_test[:1000], color=digit, components=(0, 1), ax=right)
corner, size = (manifold.right[0], manifold.up[0]), (np.ptp(manifold.right), np.ptp(manifold.up))
right.add_patch(plt.Rectangle(corner, *size, fill=False, linestyle="--"))
right.set_title("Test images at their latent means; dashed: the grid")
figure.savefig("06_latent_manifold.png", dpi=90)
print("\npicture: 06_latent_manifold.png")
