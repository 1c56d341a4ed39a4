"""Looking inside
==============

Finding: on handwritten digits 9 of 16 components are in use, training has converged, and each component that is in use
draws something that can be seen. The pictures are scikit-learn's Display classes, and ``latent_report`` says the same
in words.
"""

import textwrap

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skvae import VAETransformer
from skvae.inspection import (
    ComponentActivityDisplay,
    LatentSpaceDisplay,
    ManifoldDisplay,
    ReconstructionDisplay,
    TrainingDisplay,
    latent_report,
)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.3, random_state=0, stratify=y)
vae = VAETransformer(n_components=16, likelihood="bernoulli", random_state=0).fit(X_train)

# %%
# In words: what each component says of a row, and whether anything should be done.
report = latent_report(vae, X_test)
print(report[["kl", "mutual_information", "variance", "state"]].round(2).to_string())
print("\n" + textwrap.fill(f"{report.attrs['verdict']}: {report.attrs['remedy']}", 90))

# %%
# Has training converged? Held-out rows decide which weights are kept.
TrainingDisplay.from_estimator(vae)

# %%
# Which components are in use?
ComponentActivityDisplay.from_estimator(vae)

# %%
# Where do test images lie, on the two components that say most?
LatentSpaceDisplay.from_estimator(vae, X_test, color=y_test)

# %%
# What do these two draw? The others are held at their means.
ManifoldDisplay.from_estimator(vae, image_shape=(8, 8))
# sphinx_gallery_thumbnail_number = 4

# %%
# What does z keep of an image?
ReconstructionDisplay.from_estimator(vae, X_test[:20], image_shape=(8, 8))
plt.savefig("08_looking_inside.png", dpi=90)
