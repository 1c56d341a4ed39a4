"""How long does one row take?

``transform``, ``score_samples`` and ``sample(1)`` of a fitted model, median of 200 calls on one thread, in milliseconds
of the processor, for arrays and DataFrames of numbers and for a DataFrame of mixed columns. The score, which must not
depend on how fast it is computed, stands beside. To compare two versions, run it with each in turn on PYTHONPATH.
"""

import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # after the number of threads is set
import pandas as pd
from sklearn.datasets import load_wine

import skvae
from skvae import VAETransformer

N_CALLS = 200


def milliseconds(call):
    for _ in range(10):
        call()
    seconds = []
    for _ in range(N_CALLS):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return 1000 * float(np.median(seconds))


def tables():
    wine = load_wine(as_frame=True).frame
    for dtype in ("float64", "float32"):
        yield f"array, {dtype}", wine.to_numpy(dtype)
        yield f"DataFrame, {dtype}", wine.astype(dtype)
    days = pd.date_range("2024-01-01", periods=len(wine))
    kinds = np.where(wine["alcohol"] > 13, "strong", "light")
    mixed = wine.iloc[:, :8].assign(kind=kinds, n=np.arange(len(wine)) % 17, flag=wine["hue"] > 1, day=days)
    yield "DataFrame, mixed", mixed


def main():
    print(f"skvae of {os.path.dirname(skvae.__file__)}\n")
    print("| rows | transform | score_samples | sample(1) | score |\n| --- | --- | --- | --- | --- |")
    for name, rows in tables():
        vae = VAETransformer(3, max_iter=2, device="cpu", random_state=0).fit(rows)
        one = rows[:1]
        calls = (lambda: vae.transform(one), lambda: vae.score_samples(one), lambda: vae.sample(1))  # noqa: B023
        times = " | ".join(f"{milliseconds(call):.2f}" for call in calls)
        print(f"| {name} | {times} | {vae.score(rows):.4f} |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
