"""How much memory does a fit need where the rows do not fit into it, and what does reading them cost?

Rows are made in OUT, and each fit runs in a process of its own, which leaves OUT/PART-CASE-ROUND.json; what is there
is not made or run again. A peak is that of the whole process, with Python, torch and pages of mapped files (VmHWM of
Linux).

memory
    map: float32 rows in a .npy file, opened with numpy.load(mmap_mode="r"): one pass of fit, then transform. parquet: a
    mixed table (8 float, 4 whole, 1 boolean, 6 text columns, 1 moment; two of them with gaps): one pass of fit_chunks.
    Limits: 2.5 GB for 2,000,000 x 1,000, 2 GB for 20,000,000 x 20.
rate
    Rows per second in the passes over the same mixed table, the same settings: fit on a DataFrame in memory, and
    fit_chunks on its file. The two take turns; the ratio is the median of the ratios within a round. The whole fit
    includes the pass that learns the columns, and for the DataFrame not the time to read it.
cost
    Seconds of a fit for each row and pass, from 1e4 to 1e7 rows of 20 columns: an array in memory and a memory map
    (which is read into memory below 16 million cells), and Parquet: OUT/scale.png.

    pip install pyarrow matplotlib
    python benchmarks/scale.py --out /tmp/scale [--part memory] [--map 2000000 1000] [--parquet 20000000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

BLOCK = 500_000  # rows made at once
LIMITS = {"map": 2500, "parquet": 2000}  # MB
SHARE = 0.75  # of the rate in memory
COLUMNS = 20
SOURCES = ["memory", "map", "parquet"]


def numbers(n_rows: int, n_columns: int, seed: int) -> np.ndarray:
    """Five factors and noise, float32."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(0).standard_normal((5, n_columns), np.float32)
    return rng.standard_normal((n_rows, 5), np.float32) @ loadings + rng.standard_normal(
        (n_rows, n_columns), np.float32
    )


def mixed(n_rows: int, seed: int) -> pd.DataFrame:
    """Columns of several kinds that share two factors."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n_rows, 2), np.float32)
    frame = {}
    for j in range(8):
        frame[f"float_{j}"] = z[:, j % 2] * (1 + j) + rng.standard_normal(n_rows)
    for j in range(4):
        frame[f"whole_{j}"] = rng.poisson(np.exp(1 + 0.5 * z[:, j % 2]))
    frame["flag"] = rng.random(n_rows) < 1 / (1 + np.exp(-z[:, 0]))
    for j, n_levels in enumerate((2, 3, 5, 10, 20, 50)):
        level = np.clip((z[:, j % 2] + 3 + rng.standard_normal(n_rows)) / 6, 0, 0.999) * n_levels
        names = np.array([f"level_{i}" for i in range(n_levels)])
        frame[f"text_{j}"] = pd.Categorical.from_codes(level.astype(int), names).astype("str")
    frame["moment"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, n_rows), unit="s")
    table = pd.DataFrame(frame)
    table.loc[rng.random(n_rows) < 0.05, "float_3"] = np.nan
    table.loc[rng.random(n_rows) < 0.05, "text_3"] = pd.NA
    return table


def make_map(path: Path, n_rows: int, n_columns: int) -> None:
    """A .npy file."""
    if not path.exists():
        part = path.with_suffix(".part")
        rows = np.lib.format.open_memmap(part, "w+", np.float32, (n_rows, n_columns))
        size = max(1, BLOCK * 20 // n_columns)
        for seed, first in enumerate(range(0, n_rows, size)):
            rows[first : first + size] = numbers(min(size, n_rows - first), n_columns, seed)
        rows.flush()
        part.rename(path)


def make_parquet(path: Path, n_rows: int, make=mixed) -> None:
    """A file with row groups of 500,000 rows at most."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.exists():
        return
    part, writer = path.with_suffix(".part"), None
    for seed, first in enumerate(range(0, n_rows, BLOCK)):
        table = pa.Table.from_pandas(make(min(BLOCK, n_rows - first), seed), preserve_index=False)
        writer = writer or pq.ParquetWriter(part, table.schema)
        writer.write_table(table)
    writer.close()
    part.rename(path)


def numbers_frame(n_rows: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(numbers(n_rows, COLUMNS, seed)).rename(columns=str)


def megabytes(what: str) -> float:
    """VmHWM, the peak of this process, or VmRSS, its memory now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def measure(path: Path, out: Path, part: str, case: str, options: argparse.Namespace) -> None:
    """One fit: the work of one process."""
    import torch

    from skvae import VAETransformer

    torch.set_num_threads(options.threads)
    source, *size = case.split("_")
    size = [int(float(n)) for n in size]
    settings = {"max_iter": 1, "device": "cpu", "random_state": 0}
    if part != "memory":
        settings |= {"max_iter": 3, "batch_size": 512, "hidden_layer_sizes": (128, 128), "early_stopping": True}
    vae = VAETransformer(**settings)
    facts = {"MB before": megabytes("VmRSS"), "seconds of transform": np.nan}
    if source == "map":
        X = np.load(out / f"{size[0]}x{size[1]}.npy", mmap_mode="r")
    elif source == "memory":
        X = pd.read_parquet(out / f"mixed_{size[0]}.parquet") if part == "rate" else np.load(out / f"{size[0]}x20.npy")
    start = time.perf_counter()
    if source == "parquet":
        vae.fit_chunks(out / f"{'numbers' if part == 'cost' else 'mixed'}_{size[0]}.parquet")
    else:
        vae.fit(X)
    facts["seconds"] = time.perf_counter() - start
    seconds = np.array(vae.history_["seconds"])
    facts |= {"MB": megabytes("VmHWM"), "seconds of a pass": float(np.diff(seconds).mean()), "rows": size[0]}
    facts |= {"passes": vae.n_iter_, "elbo": vae.history_["validation_elbo"][-1]}
    if part == "memory" and source == "map":
        start = time.perf_counter()
        vae.transform(X)
        facts |= {"seconds of transform": time.perf_counter() - start, "MB": megabytes("VmHWM")}
    path.write_text(json.dumps(facts))


def run(out: Path, part: str, case: str, seed: int, options: argparse.Namespace) -> None:
    """Make the rows, start that process, and say how it went."""
    path = out / f"{part}-{case}-{seed}.json"
    source, *size = case.split("_")
    size = [int(float(n)) for n in size]
    if not path.exists():
        if source == "map" or (source == "memory" and part == "cost"):
            n_columns = size[1] if len(size) > 1 else COLUMNS
            make_map(out / f"{size[0]}x{n_columns}.npy", size[0], n_columns)
        elif part == "cost":
            make_parquet(out / f"numbers_{size[0]}.parquet", size[0], numbers_frame)
        else:
            make_parquet(out / f"mixed_{size[0]}.parquet", size[0])
        threads = str(options.threads)
        environment = os.environ | dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], threads)
        command = [sys.executable, __file__, "--out", str(out), "--threads", threads, "--one", str(path), part, case]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"{path.stem} failed: {(done.stderr.strip().splitlines() or [done.returncode])[-1]}", flush=True)
            return
    facts = json.loads(path.read_text())
    rate = facts["rows"] / facts["seconds of a pass"]
    print(
        f"{time.strftime('%H:%M:%S')} {path.stem}: {facts['seconds']:.1f} s, {rate:,.0f} rows/s in a pass, "
        f"{facts['MB']:,.0f} MB ({facts['MB before']:,.0f} before), ELBO {facts['elbo']:.3f}",
        flush=True,
    )


def collect(out: Path, part: str) -> pd.DataFrame:
    """The fits of one part, a row each."""
    fits = []
    for path in sorted(out.glob(f"{part}-*.json")):
        _, case, seed = path.stem.split("-")
        fits.append({"case": case, "source": case.split("_")[0], "round": int(seed), **json.loads(path.read_text())})
    return pd.DataFrame(fits)


def report_memory(out: Path) -> None:
    fits = collect(out, "memory")
    print(fits[["case", "seconds", "seconds of a pass", "seconds of transform", "MB"]].round(1).to_string(index=False))
    for fit in fits.itertuples():
        print(f"{fit.case}: {fit.MB:,.0f} MB, limit {LIMITS[fit.source]:,} MB")


def report_rate(out: Path) -> None:
    fits = collect(out, "rate")
    fits["rows/s in a pass"] = fits["rows"] / fits["seconds of a pass"]
    fits["rows/s in the fit"] = fits["rows"] * fits["passes"] / fits["seconds"]
    print(fits.groupby("source")[["rows/s in a pass", "rows/s in the fit", "MB", "elbo"]].median().round(3).to_string())
    for figure in ("rows/s in a pass", "rows/s in the fit"):
        table = fits.pivot_table(index=["rows", "round"], columns="source", values=figure)
        ratio = (table["parquet"] / table["memory"]).median()
        print(f"{figure}: streamed / in memory {ratio:.2f} (at least {SHARE})")


def report_cost(out: Path) -> None:
    import matplotlib.pyplot as plt

    fits = collect(out, "cost")
    fits["µs a row, in a pass"] = fits["seconds of a pass"] / fits["rows"] * 1e6
    fits["µs a row and pass, whole fit"] = fits["seconds"] / fits["rows"] / fits["passes"] * 1e6
    canvas, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axis, figure in zip(axes, ["µs a row, in a pass", "µs a row and pass, whole fit", "MB"], strict=True):
        curves = fits.pivot_table(index="rows", columns="source", values=figure, aggfunc="median")
        print(f"\n{figure}\n{curves.round(2).to_string()}")
        for name in curves:
            axis.plot(curves[name].dropna(), "o-", label=name)
        axis.set(xscale="log", xlabel=f"rows of {COLUMNS} columns", title=figure, ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[0].legend()
    canvas.savefig(out / "scale.png", dpi=120)
    print(f"\n{out / 'scale.png'}")


REPORTS = {"memory": report_memory, "rate": report_rate, "cost": report_cost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder with room for the rows (10 GB)")
    parser.add_argument("--part", nargs="+", choices=REPORTS, default=list(REPORTS))
    parser.add_argument("--map", nargs=2, type=int, default=[2_000_000, 1_000], help="rows and columns, for memory")
    parser.add_argument("--parquet", type=int, default=20_000_000, help="rows, for memory")
    parser.add_argument("--rate", type=int, default=2_000_000, help="rows, for rate: 800,001 or more are streamed")
    parser.add_argument("--cost", nargs="+", type=float, default=[1e4, 1e5, 1e6, 1e7], help="rows, for cost")
    parser.add_argument("--rounds", type=int, default=3, help="for rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        path, part, case = options.one
        return measure(Path(path), options.out, part, case, options)
    options.out.mkdir(parents=True, exist_ok=True)
    versions = [f"{name} {version(name)}" for name in ("skvae", "torch", "numpy", "pandas", "pyarrow")]
    print(
        f"{options.threads} thread(s) on {platform.machine()}, Python {platform.python_version()}", *versions, sep=", "
    )
    cases = {
        "memory": [(f"map_{options.map[0]}_{options.map[1]}", 0), (f"parquet_{options.parquet}", 0)],
        "rate": [(f"{s}_{options.rate}", k) for k in range(options.rounds) for s in ("memory", "parquet")],
        "cost": [(f"{s}_{n:.0f}" + "_20" * (s == "map"), 0) for n in options.cost for s in SOURCES],
    }
    for part in options.part:
        for case, seed in cases[part]:
            run(options.out, part, case, seed, options)
        REPORTS[part](options.out)


if __name__ == "__main__":
    main()
