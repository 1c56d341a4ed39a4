"""Synthetic tables, conditions and gaps
=====================================

Finding: a minute or two of training on a laptop gives rows whose columns, pairs of columns and downstream models are
those of the real table, gaps included, and none of which is a copy. The same fit draws rows under a condition,
fills what is missing, and tells any column from the others.

The census table "adult" comes from openml.org, or from the folder that the environment variable SKVAE_DATA names.
"""

import os
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import pandas as pd
from sklearn.datasets import fetch_openml
from sklearn.metrics import roc_auc_score

from skvae import VAETransformer
from skvae.metrics import report

if "SKVAE_DATA" in os.environ:
    people = pd.read_csv(Path(os.environ["SKVAE_DATA"]) / "adult" / "adult.csv.gz").drop(columns="split")
else:
    people = fetch_openml("adult", version=2, as_frame=True).frame.rename(columns={"class": "income"})

people = people.sample(9_000, random_state=0, ignore_index=True)  # a part, so that this takes minutes only
train, test = people[:6000], people[6000:]

# %%
# One fit. Rows are drawn column by column, each given the earlier ones, and where cells are missing is drawn too.
start = time.perf_counter()
vae = VAETransformer(n_components=10, random_state=0).fit(train)
synthetic = vae.sample(len(train), random_state=0)
print(f"fit and {len(synthetic)} rows: {time.perf_counter() - start:.0f} s")
print(synthetic.head(3).T.to_string(header=False))

# %%
# How good are they? Every figure beside what real rows reach.
quality = report(train, synthetic, test=test, target="income", random_state=0)
print(f"\n{quality}")
quality.plot().savefig("04_synthetic_table.png", dpi=120)

# %%
# Rows under a condition, whichever column it is.
for condition in ({"income": ">50K"}, {"sex": "Female", "education": "Masters"}):
    rows = vae.sample(2000, given=condition, random_state=0)
    real = train.loc[(train[list(condition)] == pd.Series(condition)).all(axis=1)]
    ages = f"mean age {rows['age'].mean():.1f}, of {len(real)} real rows {real['age'].mean():.1f}"
    married = "Married-civ-spouse"
    share = (
        f"married {(rows['marital-status'] == married).mean():.2f}, {(real['marital-status'] == married).mean():.2f}"
    )
    print(f"{condition}: {ages}; {share}")

# %%
# Gaps: one answer, or as many completed tables as an analysis needs.
hidden = test.head(500).copy()
hidden["hours-per-week"] = hidden["hours-per-week"].astype("Int64").mask(hidden.index % 2 == 0)
filled = vae.impute(hidden)
tables = vae.impute(hidden, n_draws=5, random_state=0)
means = [float(table["hours-per-week"].mean()) for table in tables]
print(f"\nhours per week, half of them hidden: {filled['hours-per-week'].mean():.2f}")
truth = test.head(500)["hours-per-week"].mean()
print(f"five completed tables: {', '.join(f'{mean:.2f}' for mean in means)}; truth {truth:.2f}")

# %%
# A column given the others, of rows that the model has not seen.
chance = vae.infer_proba(test, "income")[">50K"]
print(f"\nincome from the other columns: AUC {roc_auc_score(test['income'] == '>50K', chance):.3f}")
guess = vae.infer(test.head(500), "age")
error = float((guess - test.head(500)["age"]).abs().mean())
print(f"age from the other columns: off by {error:.1f} years on average")
