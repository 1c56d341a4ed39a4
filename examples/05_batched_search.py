"""A grid search as one model
==========================

Finding: all candidates of a grid can be trained together as one stack of matrices. The scores are those of
``GridSearchCV``, the seconds are fewer, and with successive halving fewer still. Both searches run on a Dask or Ray
cluster by naming joblib's backend.
"""

import time

import joblib
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAESearchCV, VAETransformer
from skvae.inspection import LatentSizeDisplay

X = load_breast_cancer().data
model = make_pipeline(StandardScaler(), VAETransformer(max_iter=40, random_state=0))
grid = {"vaetransformer__n_components": [2, 4, 8, 16, 24], "vaetransformer__beta": [0.5, 1.0]}


def timed(search):
    start = time.perf_counter()
    search.fit(X)
    return time.perf_counter() - start


# %%
# One after another, all at once, and all at once with halving: after a ninth and a third of the passes, one in three
# goes on.
apart = GridSearchCV(model, grid, cv=3)
together = VAESearchCV(model, grid, cv=3)
halved = VAESearchCV(model, grid, cv=3, factor=3)
seconds = {name: timed(search) for name, search in [("apart", apart), ("together", together), ("halved", halved)]}

# %%
# A ``cv_results_`` is a table as always; the ELBO is in nats per row.
results = pd.DataFrame(together.cv_results_)[["params", "mean_test_score", "std_test_score", "rank_test_score"]]
results["params"] = [", ".join(f"{k.split('__')[1]}={v}" for k, v in p.items()) for p in results["params"]]
print(results.round(2).to_string(index=False))
difference = abs(apart.cv_results_["mean_test_score"] - together.cv_results_["mean_test_score"]).max()
print(f"\nlargest difference from separate fits: {difference:.1e} nats")
print(f"best: {together.best_params_}; with halving {halved.best_params_}")
print(", ".join(f"{name} {s:.1f} s" for name, s in seconds.items()))

# %%
# The same as a picture: a line for each setting of the other parameters.
LatentSizeDisplay.from_estimator(together).figure_.savefig("05_batched_search.png", dpi=120)

# %%
# On a cluster the stacks are its tasks. With ``pip install distributed``, and the address of your scheduler,
# ``Client("tcp://scheduler:8786")``, instead of a cluster on this machine:
#
# .. code-block:: python
#
#     from distributed import Client, LocalCluster
#
#     with Client(LocalCluster(n_workers=2)), joblib.parallel_config(backend="dask"):
#         VAESearchCV(model, grid).fit(X)
#
# With Ray, ``ray.util.joblib.register_ray()`` and ``backend="ray"``. Processes on this machine are ``n_jobs=2``:
with joblib.parallel_config(n_jobs=2):
    processes = VAESearchCV(model, {"vaetransformer__n_components": [2, 4]}, cv=3).fit(X)
print(f"in two processes: {processes.best_params_}")
