"""First fit
=========

Finding: on 1,797 images of 8 x 8 pixels the held-out score of ten latent components, a bound on the log-likelihood in
nats per image, is above that of ten principal components. With a heavy-tailed noise for each pixel instead of one noise
for all, it is above that of FactorAnalysis and of a Gaussian mixture, too. In two dimensions, where a line has to give
up, a classifier on the latent space is right far more often than one on PCA's.
"""

import sys
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer

X, y = load_digits(return_X_y=True)
X = X + np.random.default_rng(0).random(X.shape)  # a grey level is a whole number: spread it, to have a density
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)

# %%
# One fit. It reduces, scores, reconstructs and generates.
start = time.perf_counter()
vae = VAETransformer(n_components=10, random_state=0).fit(X_train)
print(f"fit: {len(X_train)} images in {time.perf_counter() - start:.1f} s, {vae.n_iter_} epochs")

Z = vae.transform(X_test)  # posterior means, (540, 10)
X_hat = vae.inverse_transform(Z)  # and back to pixels
X_new = vae.sample(30, random_state=0)  # digits that nobody wrote
print(f"latent coordinates {Z.shape}, reconstructions {X_hat.shape}, new digits {X_new.shape}")

# %%
# The score is in the units of the data, so it can stand beside any density of scikit-learn.
models = {
    "PCA(10)": PCA(10),
    "FactorAnalysis(10)": FactorAnalysis(10),
    "GaussianMixture(10)": GaussianMixture(10, random_state=0),
    "VAETransformer(10)": vae,
    "... with Student-t": VAETransformer(10, likelihood="student_t", random_state=0),
}
print(f"\n{'held-out score':<22}{'nats per image':>15}")
for name, model in models.items():
    model = model if model is vae else model.fit(X_train)
    print(f"{name:<22}{model.score(X_test):15.1f}")

# %%
# Two dimensions, and a linear classifier on them.
flat = VAETransformer(n_components=2, random_state=0)
print(f"\n{'accuracy':<22}")
for name, model in (("PCA(2)", PCA(2)), ("VAETransformer(2)", flat)):
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    classifier.fit(model.fit_transform(X_train), y_train)
    print(f"{name:<22}{classifier.score(model.transform(X_test), y_test):15.3f}")

# %%
# The picture: the two latent dimensions, originals over reconstructions, and new digits.
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print('\nFor the picture: python -m pip install -e ".[plot]"')
    sys.exit()

new_means = vae.inverse_transform(np.random.default_rng(0).normal(size=(30, 10)))  # sample without pixel noise
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.4), width_ratios=(1.25, 1, 1), layout="constrained")
points = left.scatter(*flat.transform(X_test).T, c=y_test, cmap="tab10", s=14)
left.legend(*points.legend_elements(), title="digit", fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
left.set(title="Test digits in a latent space of two", xlabel="$z_1$", ylabel="$z_2$")


def mosaic(images: np.ndarray, n_columns: int) -> np.ndarray:
    """Images of 8 x 8 pixels side by side, with a margin."""
    tiles = np.pad(images.reshape(-1, n_columns, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)))
    return tiles.swapaxes(1, 2).reshape(-1, n_columns * 10)


pairs = np.concatenate([half for k in range(0, 15, 5) for half in (X_test[k : k + 5], X_hat[k : k + 5])])
middle.imshow(mosaic(pairs, 5), cmap="gray_r", vmin=0, vmax=16)
middle.set(title="Test digits above their reconstructions", xticks=[], yticks=[])
right.imshow(mosaic(new_means, 5), cmap="gray_r", vmin=0, vmax=16)
right.set(title="New digits, decoded from the prior", xticks=[], yticks=[])
figure.savefig("01_first_fit.png", dpi=120)
print("\npicture: 01_first_fit.png")
