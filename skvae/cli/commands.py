"""What the commands do."""

from __future__ import annotations

import ast
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

from skvae.cli.files import check_output, read_condition, read_table, write_table
from skvae.cli.progress import stage
from skvae.estimators import VAETransformer
from skvae.metrics import report as judge

SYNTHESIS = {"n_components": 16, "decoder": "autoregressive"}  # what samples and gaps want


def fit(options: Namespace) -> None:
    """Train a model and keep it."""
    check_output(options.output, is_table=False)
    vae = _fitted(options, {})
    vae.save(options.output)
    _say(f"wrote {options.output}")


def sample(options: Namespace) -> None:
    """New rows."""
    check_output(options.output)
    vae = _model(options, {**SYNTHESIS, "add_indicator": True})
    if options.model and vae.decoder != "autoregressive":
        _say("note: rows are closer to the data from a model that was fitted with --decoder autoregressive")
    given = read_condition(options.given, vae.sample(1, random_state=0)) if options.given else None
    with stage(f"draw {options.n_rows:,} rows"):
        rows = vae.sample(options.n_rows, given=given, random_state=options.seed)
    _write(rows, options.output)


def transform(options: Namespace) -> None:
    """Latent coordinates."""
    check_output(options.output)
    vae, frame = _model_and_rows(options, {})
    with stage(f"transform {len(frame):,} rows"):
        Z = vae.transform(frame)
    _write(pd.DataFrame(Z, columns=[f"z{k + 1}" for k in range(Z.shape[1])]), options.output)


def impute(options: Namespace) -> None:
    """The table with its gaps filled."""
    check_output(options.output)
    vae, frame = _model_and_rows(options, SYNTHESIS)
    n_gaps = int(frame.isna().sum().sum())
    with stage(f"fill {n_gaps:,} gaps"):
        full = vae.impute(frame, random_state=options.seed)
    _write(full, options.output)


def score(options: Namespace) -> None:
    """How well the model explains rows: their mean, and each in a file."""
    check_output(options.output)
    vae, frame = _model_and_rows(options, {})
    with stage(f"score {len(frame):,} rows"):
        scores = vae.score_samples(frame)
    if not options.model:
        _say("note: these are the rows that the model was fitted to; for an honest score fit one file, score another")
    print(f"{scores.mean():.4f} nats per row")
    if options.output:
        write_table(pd.DataFrame({"score": scores}), options.output)
        _say(f"wrote {options.output}")


def report(options: Namespace) -> None:
    """A page about synthetic rows beside real ones."""
    check_output(options.output, is_table=False)
    frame = _read(options)
    if options.target is not None and options.target not in frame.columns:
        raise ValueError(f"--target names {options.target!r}, but the columns are {', '.join(frame.columns[:20])}.")
    if len(frame) < 20:
        raise ValueError(f"A report needs 20 rows or more, to hold some out, but {options.data} has {len(frame)}.")
    train, test = train_test_split(frame, test_size=options.test_size, random_state=options.seed)
    vae = _estimator(options, {**SYNTHESIS, "add_indicator": True})
    with stage(f"fit {len(train):,} rows"):
        vae.fit(train)
    with stage(f"draw {len(train):,} rows"):
        synthetic = vae.sample(len(train), random_state=options.seed)
    with stage("compare"):
        result = judge(train, synthetic, test=test, target=options.target, random_state=options.seed)
        page = result.to_html(title=Path(options.data).name, notes=_made_by(options))
    Path(options.output).write_text(page, encoding="utf-8")
    if options.rows:
        write_table(synthetic, options.rows)
    print(result)
    _say(f"wrote {options.output}: open it in a browser")


# -- parts -------------------------------------------------------------------------------------------------------------


def _read(options: Namespace) -> pd.DataFrame:
    frame = read_table(options.data, drop=options.drop, dates=options.date)
    _say(f"{options.data}: {len(frame):,} rows, {frame.shape[1]} columns, {int(frame.isna().sum().sum()):,} gaps")
    return frame


def _estimator(options: Namespace, defaults: dict[str, Any]) -> VAETransformer:
    """With the settings of the command, and those of the user, which win."""
    explicit = {
        "n_components": options.n_components,
        "decoder": options.decoder,
        "max_iter": options.max_iter,
    }
    chosen = {name: value for name, value in explicit.items() if value is not None}
    vae = VAETransformer(**{**defaults, **chosen}, random_state=options.seed, verbose=1)
    vae.set_params(**read_settings(options.set, vae))
    return vae


def read_settings(pairs: Sequence[str], estimator: BaseEstimator) -> dict[str, Any]:
    """Parameters from NAME=VALUE, where a value is a Python literal or else a word."""
    settings = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or name not in estimator.get_params(deep=False):
            raise ValueError(
                f"--set needs NAME=VALUE with a parameter of {type(estimator).__name__}, got {pair!r}. "
                f"The names are {', '.join(estimator.get_params(deep=False))}."
            )
        try:
            settings[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            settings[name] = text
    return settings


def _fitted(options: Namespace, defaults: dict[str, Any], frame: pd.DataFrame | None = None) -> VAETransformer:
    frame = _read(options) if frame is None else frame
    vae = _estimator(options, defaults)
    with stage(f"fit {len(frame):,} rows"):
        vae.fit(frame)
    return vae


def _model(options: Namespace, defaults: dict[str, Any], frame: pd.DataFrame | None = None) -> VAETransformer:
    """From a file of ``fit``, or fitted to the data."""
    if not options.model:
        if options.data is None:
            raise ValueError("Name a table to learn from, or a model from fit with --model.")
        return _fitted(options, defaults, frame)
    given = [name for name in ("n_components", "decoder", "max_iter") if getattr(options, name) is not None]
    if given or options.set:
        raise ValueError(
            f"A fitted model keeps its settings, but --{(given or ['set'])[0].replace('_', '-')} was given beside "
            f"--model. Leave one out."
        )
    vae: VAETransformer = VAETransformer.load(options.model)
    return vae


def _model_and_rows(options: Namespace, defaults: dict[str, Any]) -> tuple[VAETransformer, pd.DataFrame]:
    frame = _read(options)
    return _model(options, defaults, frame), frame


def _made_by(options: Namespace) -> str:
    given = shlex.join(["python", "-m", "skvae", *options.arguments])
    return f"Made with {given}; of the real rows, {options.test_size:.0%} were held out."


def _write(frame: pd.DataFrame, path: str | None) -> None:
    write_table(frame, path)
    if path is not None:
        _say(f"wrote {path}: {len(frame):,} rows")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
