"""A table, as it is
=================

Finding: a DataFrame with whole numbers, text and missing cells goes in without any preparation, and rows with the
same columns, dtypes and dependencies come out. Latent coordinates of people, found without the income column,
predict income.

The census table "adult" comes from openml.org, or from the folder that the environment variable SKVAE_DATA names.
"""

import os
import time
from pathlib import Path

import pandas as pd
from sklearn.datasets import fetch_openml
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.inspection import AssociationsDisplay

if "SKVAE_DATA" in os.environ:
    people = pd.read_csv(Path(os.environ["SKVAE_DATA"]) / "adult" / "adult.csv.gz").drop(columns="split")
else:
    people = fetch_openml("adult", version=2, as_frame=True).frame.rename(columns={"class": "income"})

people = people.sample(12_000, random_state=0, ignore_index=True)  # a part, so that this takes minutes only
train, test = people[:8000], people[8000:]
print(f"{len(train)} rows, {train.shape[1]} columns, {int(train.isna().sum().sum())} missing cells")
print(train.head(3).T.to_string(header=False))

# %%
# Synthetic rows: the same columns and dtypes, nothing imputed, nothing encoded by hand.
start = time.perf_counter()
vae = VAETransformer(n_components=10, random_state=0).fit(train)
print(f"\nfit: {time.perf_counter() - start:.1f} s")
synthetic = vae.sample(len(train), random_state=0)
assert (synthetic.dtypes == train.dtypes).all()
print(synthetic.head(3).T.to_string(header=False))

# %%
# Dependencies survive.
for column in ("sex", "education"):
    share = pd.DataFrame(
        {
            name: frame.groupby(column, observed=True)["income"].agg(lambda income: (income == ">50K").mean())
            for name, frame in (("real", train), ("synthetic", synthetic))
        }
    )
    print(f"\nshare of incomes above 50K by {column}")
    print(share.sort_values("real").tail(5).round(2).to_string())

AssociationsDisplay(train, synthetic).plot().figure_.savefig("03_table.png", dpi=120)

# %%
# Latent coordinates without the income column, and what they know about it.
features = [column for column in train.columns if column != "income"]
reducer = VAETransformer(n_components=10, decoder="factorized", random_state=0)  # for coordinates alone: less time
reducer.fit(train[features])
classifier = make_pipeline(StandardScaler(), LogisticRegression())
classifier.fit(reducer.transform(train[features]), train["income"])
scores = classifier.predict_proba(reducer.transform(test[features]))[:, 1]
print(f"\nincome from 10 latent coordinates: AUC {roc_auc_score(test['income'] == '>50K', scores):.3f}")
print(f"held-out score: {reducer.score(test[features]):.2f} nats per row, over the observed cells")
