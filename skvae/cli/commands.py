"""The commands: each reads, fits or loads a model, asks it, and writes."""

from __future__ import annotations

import ast
import json
import shlex
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split

from skvae.cli.cells import Dates, Dtype, Form, Known, Reading, kind_of
from skvae.cli.conditions import read_condition
from skvae.cli.dates import DateFormat
from skvae.cli.dialect import Dialect
from skvae.cli.files import Source, check_dates, read_table
from skvae.cli.outputs import check_output
from skvae.cli.progress import note, stage
from skvae.cli.writing import write_filled, write_table
from skvae.estimators import VAETransformer
from skvae.metrics import report as judge
from skvae.metrics.identifiers import find_identifiers
from skvae.tables import Rulebook

TEST_SIZE = 0.2  # share of rows that a report holds out
COORDINATES = {"decoder": "factorized"}  # settings for what is said of z alone, which needs no model beside the VAE


def fit(options: Namespace) -> None:
    """Train a model and keep it."""
    check_output(options.output, is_table=False, is_model=True, needs=[("safetensors", "skvae[save]")])
    source = _read(options)
    vae = _fitted(source.frame, options, {})
    dates = {name: form for name, form in source.forms.items() if isinstance(form, Dates)}
    vae._date_formats = {name: form.format.typed for name, form in dates.items()}
    vae.save(options.output)
    _say(f"wrote {options.output}")


def sample(options: Namespace) -> None:
    """Draw new rows."""
    check_output(options.output)
    if options.model:
        vae = _loaded(options)
        source, like = _source_of_model(vae, options), vae.sample(1, random_state=0)
        if vae.decoder == "factorized":
            note("rows are closer to the data from a model that was fitted without --decoder factorized")
    elif options.data is None:
        raise ValueError("Name a table to learn from, or a model from fit with --model.")
    else:
        source = _read(options)
        like = source.frame
    given = read_condition(options.given, like, forms=source.forms, reading=_reading(options)) or None
    if not options.model:
        vae = _fitted(source.frame, options, {})
    with stage(f"draw {options.n_rows:,} rows"):
        rows = vae.sample(options.n_rows, given=given, random_state=options.seed)
    _write(rows, options.output, source)


def transform(options: Namespace) -> None:
    """Write the latent coordinates of rows."""
    check_output(options.output)
    vae, source = _model_and_rows(options, COORDINATES)
    with stage(f"transform {len(source.frame):,} rows"):
        Z = vae.transform(source.frame)
    _write(pd.DataFrame(Z, columns=[f"z{k + 1}" for k in range(Z.shape[1])]), options.output, source, forms={})


def impute(options: Namespace) -> None:
    """Write the table with its gaps filled."""
    check_output(options.output)
    vae, source = _model_and_rows(options, {})
    with stage(f"fill {_count_gaps(source.frame):,} gaps"):
        full = vae.impute(source.frame, random_state=options.seed)
    write_filled(source, full, options.output)
    _say_wrote(options.output, full)


def score(options: Namespace) -> None:
    """Print how well the model explains rows on average, and write the score of each to a file."""
    check_output(options.output)
    vae, source = _model_and_rows(options, COORDINATES)
    with stage(f"score {len(source.frame):,} rows"):
        scores = vae.score_samples(source.frame)
    if not options.model:
        note("these are the rows that the model was fitted to; for an honest score fit one file, score another")
    print(f"{scores.mean():.4f} nats per row")
    if options.output:
        write_table(pd.DataFrame({"score": scores}), options.output, dialect=source.dialect)
        _say(f"wrote {options.output}")


def report(options: Namespace) -> None:
    """Write a page about synthetic rows beside real ones: of a model that is fitted for it, or of any generator."""
    check_output(options.output, is_table=False, needs=[("matplotlib", "skvae[plot]")])
    check_output(options.json, is_table=False)
    check_output(options.rows)
    _check_what_is_judged(options)
    source = _read(options)
    _check_name_of_target(options, source.frame)
    train, test = _real_rows(options, source)
    _check_target(options.target, train, test)
    if options.synthetic:
        synthetic, notes = _read_like(options.synthetic, source, options), _judged_by(options)
        rules = options.constraint or Rulebook.found(train.drop(columns=find_identifiers(train))).texts
    else:
        (synthetic, rules), notes = _drawn(train, options), _made_by(options)
    with stage("compare"):
        result = judge(train, synthetic, test=test, target=options.target, constraints=rules, random_state=options.seed)
        page = result.to_html(title=Path(options.data).name, notes=notes)
    Path(options.output).write_text(page, encoding="utf-8")
    if options.json:
        Path(options.json).write_text(json.dumps(result.to_dict(), indent=1, allow_nan=False), encoding="utf-8")
    if options.rows:
        write_table(synthetic, options.rows, dialect=source.dialect, forms=source.forms)
    print(result)
    _say(f"wrote {options.output}: open it in a browser")


# -- parts -------------------------------------------------------------------------------------------------------------


def _read(
    options: Namespace, dtypes: Mapping[str, Dtype] | None = None, kept: Mapping[str, str] | None = None
) -> Source:
    reading = replace(_reading(options), kept=kept or {})
    return _read_file(options.data, options, reading, dtypes, options.drop)


def _read_file(
    path: str, options: Namespace, reading: Reading, dtypes: Mapping[str, Dtype] | None, drop: Sequence[str] = ()
) -> Source:
    source = read_table(
        path,
        drop=drop,
        reading=reading,
        decimal=options.decimal,
        separator=options.sep,
        encoding=options.encoding,
        dtypes=dtypes,
    )
    frame = source.frame
    _say(f"{path}: {len(frame):,} rows, {frame.shape[1]} columns, {_count_gaps(frame):,} gaps")
    return source


def _reading(options: Namespace) -> Reading:
    """What was typed of cells of text."""
    dates = {}
    for typed in options.date:
        name, sign, pattern = typed.partition("=")
        dates[name] = pattern if sign else None
    return Reading(decimal=options.decimal or ".", dates=dates, day_first=options.day_first)


def _source_of_model(vae: VAETransformer, options: Namespace) -> Source:
    """How rows are to be written where no file was read: as it was typed, and with the dates of the fit.

    Raises
    ------
    ValueError
        Where something was typed that has no effect.
    """
    if options.data is not None or options.drop:
        typed = options.data or f"--drop {options.drop[0]}"
        raise ValueError(f"Rows are drawn from a model as it is, but {typed} was given beside --model. Leave one out.")
    dates = _reading(options).dates
    check_dates(list(dates), _dtypes_of(vae) or {})
    typed_formats = {name: pattern for name, pattern in dates.items() if pattern is not None}
    formats = _kept_formats(vae) | typed_formats
    forms: dict[str, Form] = {name: Dates(DateFormat.of(pattern)) for name, pattern in formats.items()}
    return Source(dialect=Dialect(options.sep or ",", options.decimal or ".", options.encoding or "utf-8"), forms=forms)


def _kept_formats(vae: VAETransformer) -> dict[str, str]:
    """Formats of the columns of dates of the file that a model was fitted to."""
    dtypes, kept = _dtypes_of(vae) or {}, getattr(vae, "_date_formats", {})
    return {name: pattern for name, pattern in kept.items() if name in dtypes and kind_of(dtypes[name]) == "dates"}


def _dtypes_of(vae: VAETransformer) -> dict[str, Dtype] | None:
    """Types of the columns that a model knows; None where it was fitted to an array."""
    return {str(name): dtype for name, dtype in vae.table_.dtypes.items()} if vae.table_.is_frame else None


def _count_gaps(frame: pd.DataFrame) -> int:
    return int(frame.isna().sum().sum())


def _typed_settings(options: Namespace) -> dict[str, Any]:
    """The parameters that have an option of their own and were typed."""
    typed = {}
    for name in ("n_components", "decoder", "max_iter", "constraint"):
        if getattr(options, name) is not None:
            typed[name] = getattr(options, name)
    return typed


def _estimator(options: Namespace, defaults: Mapping[str, Any]) -> VAETransformer:
    """An estimator with the settings of a command, and those of the user, which win."""
    typed = _typed_settings(options)
    if "constraint" in typed:
        typed["constraints"] = typed.pop("constraint")
    vae = VAETransformer(**{**defaults, **typed}, random_state=options.seed, verbose=1)
    vae.set_params(**read_settings(options.set, vae))
    return vae


def read_settings(pairs: Sequence[str], estimator: BaseEstimator) -> dict[str, Any]:
    """Parameters from NAME=VALUE, where a value is a Python literal or else a word."""
    settings, known = {}, estimator.get_params(deep=False)
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or name not in known:
            raise ValueError(
                f"--set needs NAME=VALUE with a parameter of {type(estimator).__name__}, got {pair!r}. "
                f"The names are {', '.join(known)}."
            )
        try:
            settings[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            settings[name] = text
    return settings


def _fitted(frame: pd.DataFrame, options: Namespace, defaults: Mapping[str, Any]) -> VAETransformer:
    vae = _estimator(options, defaults)
    with stage(f"fit {len(frame):,} rows"):
        vae.fit(frame)
    return vae


def _loaded(options: Namespace) -> VAETransformer:
    """The model in a file of ``fit``, beside which no settings can be typed."""
    typed = list(_typed_settings(options))
    if options.set:
        typed.append("set")
    if typed:
        raise ValueError(
            f"A fitted model keeps its settings, but --{typed[0].replace('_', '-')} was given beside --model. "
            f"Leave one out."
        )
    vae: VAETransformer = VAETransformer.load(options.model)
    return vae


def _model_and_rows(options: Namespace, defaults: Mapping[str, Any]) -> tuple[VAETransformer, Source]:
    """A model, from a file or fitted to the rows, and the rows, in the types of the columns that a model knows."""
    if not options.model:
        source = _read(options)
        return _fitted(source.frame, options, defaults), source
    vae = _loaded(options)
    return vae, _read(options, _dtypes_of(vae), _kept_formats(vae))


def _check_what_is_judged(options: Namespace) -> None:
    """Refuse what has no effect on rows of another generator, and a target that nothing can be tested on.

    Raises
    ------
    ValueError
        With the option that was typed for nothing.
    """
    if options.synthetic:
        typed = list(_typed_settings(options))
        typed += [name for name in ("set", "rows", "test_size") if getattr(options, name)]
        if typed:
            raise ValueError(
                f"With --synthetic no model is fitted, but --{typed[0].replace('_', '-')} was given, too. Leave one "
                f"out."
            )
        if options.target is not None and not options.holdout:
            raise ValueError(
                "--target needs real rows that the generator has not seen. Name their file with --holdout, too."
            )
    elif options.holdout and options.test_size:
        raise ValueError("--holdout names the rows that are held out, but --test-size was given, too. Leave one out.")


def _check_name_of_target(options: Namespace, frame: pd.DataFrame) -> None:
    if options.target is not None and options.target not in frame.columns:
        raise ValueError(f"--target names {options.target!r}, but the columns are {', '.join(frame.columns[:20])}.")


def _real_rows(options: Namespace, source: Source) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Rows that the generator has seen, and rows that it has not; of another generator it is not known to have any.

    Rows that were split off now would be rows that it has seen: every leak would look like none.
    """
    frame = source.frame
    if options.holdout:
        return frame, _read_like(options.holdout, source, options)
    if options.synthetic:
        note("no rows are held out, so whether the synthetic rows give real ones away cannot be told: use --holdout")
        return frame, None
    if len(frame) < 20:
        raise ValueError(f"A report needs 20 rows or more, to hold some out, but {options.data} has {len(frame)}.")
    train, test = train_test_split(frame, test_size=options.test_size or TEST_SIZE, random_state=options.seed)
    return train, test


def _read_like(path: str, source: Source, options: Namespace) -> pd.DataFrame:
    """Another table of the same columns, with the types that these have in the first."""
    dtypes = {str(label): dtype for label, dtype in source.frame.dtypes.items()}
    kept = {name: form.format.typed for name, form in source.forms.items() if isinstance(form, Dates)}
    known = Known(f"in {options.data}", "leave the column out with --drop", may_be_fractions=True)
    return _read_file(path, options, replace(_reading(options), kept=kept, known=known), dtypes).frame


def _drawn(train: pd.DataFrame, options: Namespace) -> tuple[pd.DataFrame, list[str]]:
    """As many rows as these of a model that has learned from them, and the rules that it keeps."""
    vae = _fitted(train, options, {})
    with stage(f"draw {len(train):,} rows"):
        synthetic: pd.DataFrame = vae.sample(len(train), random_state=options.seed)
    return synthetic, vae.constraints_


def _check_target(target: str | None, train: pd.DataFrame, test: pd.DataFrame | None) -> None:
    """Refuse a target of which nothing can be learned, before the fit."""
    if target is None or test is None or kind_of(train[target].dtype) in ("numbers", "dates"):
        return
    for rows, where in ((train, "are learned from"), (test, "are held out")):
        n_values = rows[target].nunique()
        if n_values < 2:
            raise ValueError(
                f"--target needs two values or more among the rows that {where}, but {target!r} has {n_values} there. "
                f"Take another --test-size, --seed or target."
            )


def _made_by(options: Namespace) -> str:
    held_out = f"rows of {Path(options.holdout).name}" if options.holdout else None
    held_out = held_out or f"of the real rows, {options.test_size or TEST_SIZE:.0%}"
    return f"Made with {_typed(options)}; {held_out} were held out."


def _judged_by(options: Namespace) -> str:
    """What was compared, where the rows are those of another generator."""
    told = f"The synthetic rows are those of {Path(options.synthetic).name}. Judged with {_typed(options)}."
    if options.holdout:
        return (
            f"{told} Rows of {Path(options.holdout).name} are taken for held out: if the generator has seen them, too, "
            f"no leak can be found."
        )
    return (
        f"{told} No rows are known that its generator has not seen, so whether it gives real ones away could not be "
        f"asked, and none were split off, since it has seen these, too."
    )


def _typed(options: Namespace) -> str:
    return shlex.join(["python", "-m", "skvae", *options.arguments])


def _write(frame: pd.DataFrame, path: str | None, source: Source, forms: Mapping[str, Form] | None = None) -> None:
    write_table(frame, path, dialect=source.dialect, forms=source.forms if forms is None else forms)
    _say_wrote(path, frame)


def _say_wrote(path: str | None, rows: pd.DataFrame) -> None:
    if path is not None:
        _say(f"wrote {path}: {len(rows):,} rows")


def _say(text: str) -> None:
    print(text, file=sys.stderr)
