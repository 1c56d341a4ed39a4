"""How fast does a fit of ours go, how soon is it good, and how does its cost grow?

Rivals, see `speed_rivals.py`: the loop that a good PyTorch user writes by hand (DataLoader, Adam), the same tuned, the
trainer of pythae, skorch around the same module, `MLPRegressor` as an autoencoder. Each fit runs in a process of its
own and leaves OUT/PART-CASE-CONTESTANT-ROUND.json; what is there is not run again. The contestants take turns within a
round; figures are medians over the rounds, and ratios are medians of the ratios within a round.

throughput
    Rows per second at the same network, batch and precision (float32), rows cut to whole batches: a pass is timed from
    the end of one to the end of the next, the first one is left out, and so is what fit does before and after. The
    limit is the rate at which torch multiplies the matrices of the training steps, three products for each layer but
    two for the first, whose rows need no gradient. mnist: 784-512-40, Bernoulli; adult, 15 columns of numbers and
    codes, and digits: D-128-10, Gaussian. MB: the peak of the process during the fit, and how much
    of it the fit added (as Linux has it).
quality
    Seconds to a held-out ELBO on dynamically binarised MNIST: 60,000 training images, whose pixels every step draws
    anew, for pythae its data set at each access; 5,000 test images, binarised once. Ours with its defaults (two layers
    of 512 units, its own precision, batches and schedules), with a mixture prior, and in 5 and 20 passes; the rivals
    784-512-40, Adam 1e-3, batches of 128. The clock starts before the model is built, with everything imported. Ours
    pays for its own looks at the held-out rows and for what fit does outside its passes; the looks at a rival are not
    on its clock. A rival stops at --limit seconds.
cost
    Seconds of a whole fit, and memory, against the number of rows (20 columns) and of columns (10,000 rows) in 5
    passes at D-128-10 and batches of 256, and for ours with its defaults: OUT/cost.png.

    pip install pythae skorch matplotlib
    SKVAE_DATA=... python benchmarks/speed.py [--part quality] [--contestants ours pythae] [--rounds 3] [--limit 600]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from data import digits, mnist, read

ELBOS = [-110, -105, -100, -98.5, -95]
FASTER = {(-100, "pythae"): 5, (-98.5, "pythae"): 10, (-100, "dataloader_loop"): 4, (-98.5, "dataloader_loop"): 4}
MORE_ROWS = {"mnist": 1.2, "adult": 2.0}  # than the DataLoader loop, in a second
SHARE = 70  # % of the matrix-product limit, on mnist with batches of 512

MEMORY = ["MB", "MB added"]


class Setting(NamedTuple):
    """What all contestants of a case share."""

    rows: str
    likelihood: str
    n_hidden: int
    n_components: int
    batch_size: int
    max_iter: int
    seed: int = 0
    learning_rate: float = 1e-3


TABLES = {
    "mnist": ("bernoulli", 512, 40, 5),
    "adult": ("gaussian", 128, 10, 11),
    "digits": ("gaussian", 128, 10, 101),
}
SIZES = [(n, 20) for n in (1_000, 10_000, 100_000, 1_000_000)] + [(10_000, d) for d in (10, 50, 200, 1_000, 2_000)]
CASES = {
    "throughput": {
        f"{table}_{batch}": Setting(table, likelihood, n_hidden, n_components, batch, max_iter)
        for table, (likelihood, n_hidden, n_components, max_iter) in TABLES.items()
        for batch in (128, 512)
    },
    "quality": {"mnist": Setting("mnist", "bernoulli", 512, 40, 128, 1_000_000)},
    "cost": {f"{n}x{d}": Setting(f"{n}x{d}", "gaussian", 128, 10, 256, 5) for n, d in SIZES},
}
RIVALS = ["dataloader_loop", "tuned_loop", "pythae", "skorch"]
CONTESTANTS = {
    "throughput": ["ours", *RIVALS, "mlp_regressor", "matrix_products"],
    "quality": ["ours_defaults", "ours_mixture", "ours_5_passes", "ours_20_passes", *RIVALS],
    "cost": ["ours", "ours_defaults", *RIVALS, "mlp_regressor"],
}


def load(name: str) -> np.ndarray:
    """Training rows, float32."""
    if name == "mnist":
        return mnist()[0]
    if name == "digits":
        return digits()[0].astype(np.float32) / 16
    if name == "adult":
        table = read("adult").drop(columns="split")
        codes = table.apply(lambda column: column if column.dtype.kind in "if" else column.factorize()[0])
        codes = codes.fillna(codes.median())
        return ((codes - codes.mean()) / codes.std()).to_numpy(np.float32)
    n, d = map(int, name.split("x"))
    rng = np.random.default_rng(0)
    signal = rng.standard_normal((n, 5), np.float32) @ rng.standard_normal((5, d), np.float32)
    return signal + rng.standard_normal((n, d), np.float32)


def held_out_digits(n_rows: int = 5_000) -> np.ndarray:
    """Test images, binarised once."""
    rng = np.random.default_rng(0)
    images = rng.permutation(mnist()[2])[:n_rows]
    return (rng.random(images.shape) < images).astype(np.float32)


def measure(path: Path, part: str, case: str, contestant: str, seed: int, options: argparse.Namespace) -> None:
    """One fit: the work of one process."""
    import torch  # here, so that the process that starts the others stays small
    from speed_rivals import FITS, Clock, Done, megabytes

    torch.manual_seed(seed)
    torch.set_num_threads(options.threads)
    setting = CASES[part][case]._replace(seed=seed)
    x = load(setting.rows)[: options.rows]
    if part == "throughput":
        x = x[: len(x) // 512 * 512]
    clock = Clock(setting.max_iter)
    if part == "quality":
        clock = Clock(setting.max_iter, held_out_digits(), goal=max(ELBOS), limit=options.limit)
    with contextlib.suppress(Done):
        FITS[contestant](x, setting, clock)
    peak = megabytes("VmHWM")
    facts = {
        "rows": len(x),
        "seconds": clock.seconds,
        "elbo": clock.elbo,
        "MB": peak,
        "MB added": peak - clock.megabytes,
    }
    path.write_text(json.dumps(facts | {"threads": options.threads}))


def run(path: Path, part: str, case: str, contestant: str, seed: int, options: argparse.Namespace) -> str:
    """Start that process and say how it went."""
    if path.exists():
        return "done before"
    threads = str(options.threads)
    environment = os.environ | dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], threads)
    command = [sys.executable, __file__, "--threads", threads, "--limit", str(options.limit)]
    command += ["--rows", str(options.rows)] if options.rows else []
    command += ["--one", str(path), part, case, contestant, str(seed)]
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return f"failed: {(done.stderr.strip().splitlines() or [f'exit status {done.returncode}'])[-1]}"
    facts = json.loads(path.read_text())
    elbo = f", ELBO {np.nanmax(facts['elbo']):.2f}" if facts["elbo"] else ""
    return f"{len(facts['seconds'])} passes, {facts['seconds'][-1]:.1f} s{elbo}"


def collect(out: Path, part: str) -> pd.DataFrame:
    """The fits of one part, a row each."""
    fits = []
    for path in sorted(out.glob(f"{part}-*.json")):
        _, case, contestant, seed = path.stem.split("-")
        fits.append({"case": case, "contestant": contestant, "round": int(seed), **json.loads(path.read_text())})
    return pd.DataFrame(fits)


def by_round(fits: pd.DataFrame, figure: str, contestants: list[str]) -> pd.DataFrame:
    """A figure of one case, rounds × contestants; NaN where there is none."""
    return fits.pivot(index="round", columns="contestant", values=figure).reindex(columns=contestants)


def verdict(what: str, figure: float, target: float, *, at_least: bool = False) -> str:
    """One line for a target; a figure that is only known to be at least so large may leave it open."""
    word = "no figure" if np.isnan(figure) else "met" if figure >= target else "open" if at_least else "missed"
    return f"  {what}: {'>' if at_least else ''}{figure:.2f}, target {target:g}: {word}"


def report_throughput(out: Path) -> None:
    """Rows per second, shares of the limit, memory."""
    fits, contestants, verdicts = collect(out, "throughput"), CONTESTANTS["throughput"], []
    a_pass = fits["seconds"].map(lambda seconds: np.median(np.diff(seconds)))
    fits["rows/s"] = fits["rows"] / a_pass
    for case in [case for case in CASES["throughput"] if case in set(fits["case"])]:
        fits_of_case = fits[fits["case"] == case]
        rates = by_round(fits_of_case, "rows/s", contestants)
        faster = rates.rdiv(rates["ours"], axis=0).median()
        share = 100 * rates.div(rates["matrix_products"], axis=0).median()
        table = pd.DataFrame({"rows/s": rates.median(), "ours is x": faster, "% of the limit": share})
        table = table.join(fits_of_case.groupby("contestant")[MEMORY].median())
        print(f"\n{case}\n{table.round(2).to_string()}")
        name = case.split("_")[0]
        if name in MORE_ROWS:
            what = f"{case}: rows per second, ours / DataLoader loop"
            verdicts.append(verdict(what, faster["dataloader_loop"], MORE_ROWS[name]))
        if case == "mnist_512":
            verdicts.append(verdict(f"{case}: ours, % of the matrix-product limit", share["ours"], SHARE))
    print(*verdicts, sep="\n")


def report_quality(out: Path) -> None:
    """Seconds to each ELBO."""
    fits, contestants, verdicts = collect(out, "quality"), CONTESTANTS["quality"], []
    reached = {elbo: f"s to {elbo}" for elbo in ELBOS}
    for elbo, column in reached.items():
        fits[column] = [
            next((s for s, seen in zip(*fit, strict=True) if seen >= elbo), np.inf)
            for fit in zip(fits["seconds"], fits["elbo"], strict=True)
        ]
    fits["s in all"] = fits["seconds"].map(max)
    fits["passes"] = fits["seconds"].map(len)
    fits["best ELBO"] = fits["elbo"].map(np.nanmax)
    figures = [*reached.values(), "s in all", "passes", "best ELBO", *MEMORY]
    table = fits.groupby("contestant")[figures].median().reindex(contestants).dropna(how="all")
    print(f"\nMNIST, seconds to a held-out ELBO\n{table.round(2).replace(np.inf, 'never').to_string()}")
    ends = by_round(fits, "s in all", contestants)
    for (elbo, rival), target in FASTER.items():
        seconds = by_round(fits, reached[elbo], contestants)
        if rival not in table.index:
            continue
        for name in sorted({"ours_defaults", "ours_5_passes", "ours_20_passes"} & set(table.index)):
            at_least = bool(seconds[name].median() < np.inf == seconds[rival].median())  # it stopped before
            times = (seconds[rival].clip(upper=ends[rival]) / seconds[name]).median()
            verdicts.append(verdict(f"seconds to {elbo}: {rival} / {name}", times, target, at_least=at_least))
    print(*verdicts, sep="\n")


def report_cost(out: Path) -> None:
    """Tables, and the plot."""
    import matplotlib.pyplot as plt

    fits = collect(out, "cost")
    fits[["rows", "columns"]] = fits["case"].str.split("x", expand=True).astype(int)
    fits["seconds of a fit"] = fits["seconds"].map(max)
    canvas, axes = plt.subplots(2, 2, figsize=(11, 8), sharex="col", sharey="row", layout="constrained")
    for i, figure in enumerate(["seconds of a fit", "MB added"]):
        for j, (size, fixed, value) in enumerate([("rows", "columns", 20), ("columns", "rows", 10_000)]):
            chosen = fits[fits[fixed] == value]
            curves = chosen.pivot_table(index=size, columns="contestant", values=figure, aggfunc="median")
            curves = curves[[name for name in CONTESTANTS["cost"] if name in curves]]
            print(f"\n{figure}, {value:,} {fixed}\n{curves.round(2).to_string()}")
            for name in curves:
                axes[i, j].loglog(curves[name].clip(lower=0.01), "o-" if "ours" in name else ".--", label=name)
            axes[i, j].set(xlabel=f"{size}, at {value:,} {fixed}", ylabel=figure)
            axes[i, j].grid(alpha=0.3)
    axes[0, 0].legend()
    canvas.savefig(out / "cost.png", dpi=120)
    print(f"\n{out / 'cost.png'}")


REPORTS = {"throughput": report_throughput, "quality": report_quality, "cost": report_cost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--cases", nargs="+", help="of a part, such as mnist_128; all by default")
    parser.add_argument("--contestants", nargs="+", help="all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("speed"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=float, default=600, help="seconds after which a rival stops, for quality")
    parser.add_argument("--rows", type=int, help="train on the first of them only, for a quick look")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        path, part, case, contestant, seed = options.one
        return measure(Path(path), part, case, contestant, int(seed), options)
    options.out.mkdir(parents=True, exist_ok=True)
    versions = [f"{name} {version(name)}" for name in ("skvae", "torch", "scikit-learn", "pythae", "skorch")]
    print(f"{options.threads} threads on {platform.machine()}, Python {platform.python_version()}", *versions, sep=", ")
    for part in options.part:
        for seed in range(options.rounds):
            for case in CASES[part]:
                for contestant in CONTESTANTS[part]:
                    if case in (options.cases or [case]) and contestant in (options.contestants or [contestant]):
                        path = options.out / f"{part}-{case}-{contestant}-{seed}.json"
                        said = run(path, part, case, contestant, seed, options)
                        print(f"{time.strftime('%H:%M:%S')} {path.stem}: {said}", flush=True)
        REPORTS[part](options.out)


if __name__ == "__main__":
    main()
