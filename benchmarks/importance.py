"""Do more importance weights in training raise the log-likelihood of images?

Burda, Grosse and Salakhutdinov (2016), table 1, in small: one stochastic layer of 50 units, two hidden layers of 200,
20,000 dynamically binarised MNIST images, equal steps. Trained by the ELBO and by the importance-weighted bound of k
draws; judged on 2,000 test images by the ELBO and by the bound of 1,000 draws, in nats per image. Published after 3,280
epochs (VAE and IWAE at k = 1, 5, 50): -86.76, -86.76; -86.47, -85.54; -86.35, -84.78.

    SKVAE_DATA=... python benchmarks/importance.py [--draws 1 5 50] [--seeds 2] [--max-iter 20]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from data import mnist

from skvae import VAETransformer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, nargs="+", default=[1, 5, 50])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--max-iter", type=int, default=20)
    options = parser.parse_args()
    train, _, test, _ = mnist()
    test = (np.random.default_rng(0).random(test.shape) < test).astype(np.float32)[::5]
    rows = []
    for n_draws in options.draws:
        for objective in ["elbo", "iwae"] if n_draws > 1 else ["elbo"]:
            for seed in range(options.seeds):
                images = np.random.default_rng(seed).choice(train, 20_000, replace=False)
                start = time.perf_counter()
                vae = VAETransformer(
                    50,
                    likelihood="bernoulli",
                    hidden_layer_sizes=(200, 200),
                    objective=objective,
                    n_draws=n_draws,
                    max_iter=options.max_iter,
                    random_state=seed,
                ).fit(images)
                row = {"objective": objective, "k": n_draws, "s": time.perf_counter() - start}
                row |= {"ELBO": vae.score(test), "log-likelihood": vae.log_likelihood(test, n_draws=1000).mean()}
                row |= {"active": int(vae.active_components_.sum())}
                rows.append(row)
                print(row, flush=True)
    print(pd.DataFrame(rows).groupby(["k", "objective"]).mean().round(2).to_string())


if __name__ == "__main__":
    main()
