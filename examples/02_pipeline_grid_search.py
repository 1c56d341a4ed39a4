"""Pipeline and grid search
========================

Finding: on handwritten digits the held-out ELBO and the accuracy of a classifier behind the transformer agree:
one component is far too few, both rise steeply at first, and 32 are no better than 16. ``GridSearchCV`` needs no
help to find that out: the score of the transformer is its ELBO.
"""

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.inspection import LatentSizeDisplay

X, y = load_digits(return_X_y=True)
X = X + np.random.default_rng(0).random(X.shape)  # a grey level is a whole number: spread it, to have a density
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
sizes = [1, 2, 4, 8, 16, 32]
vae = VAETransformer(likelihood="student_t", random_state=0)  # a noise for each pixel, as those at the edge have least

# %%
# By the ELBO: nobody asks for labels.
by_elbo = GridSearchCV(vae, {"n_components": sizes}, cv=3, n_jobs=2)
by_elbo.fit(X_train)

# %%
# By what comes after: the same transformer inside a pipeline, judged by accuracy.
pipeline = Pipeline(
    [
        ("vae", vae),
        ("scale", StandardScaler()),
        ("classify", LogisticRegression(max_iter=1000)),
    ]
)
by_accuracy = GridSearchCV(pipeline, {"vae__n_components": sizes}, cv=3, n_jobs=2)
by_accuracy.fit(X_train, y_train)

# %%
table = pd.DataFrame(
    {
        "ELBO, nats per image": by_elbo.cv_results_["mean_test_score"],
        "accuracy": by_accuracy.cv_results_["mean_test_score"],
    },
    index=pd.Index(sizes, name="n_components"),
)
print(table.round(3).to_string())
print(f"\nbest by ELBO: {by_elbo.best_params_}, on test images {by_elbo.score(X_test):.1f} nats")
print(f"best by accuracy: {by_accuracy.best_params_}, on test images {by_accuracy.score(X_test, y_test):.3f}")

# %%
# The picture: held-out score against the number of components, with its standard error over folds.
LatentSizeDisplay.from_estimator(by_elbo).figure_.savefig("02_pipeline_grid_search.png", dpi=120)
