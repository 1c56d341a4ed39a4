"""The commands, and the options that can be typed with them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from functools import partial
from io import TextIOWrapper

from skvae.cli.progress import notes

Command = Callable[[str, str, str], ArgumentParser]  # from a name, help and a description

READ = {"data": "DATA", "model": "--model", "synthetic": "--synthetic", "holdout": "--holdout"}
WRITTEN = {"output": "-o", "json": "--json", "rows": "--rows"}
"""The files of all commands, by their names among the options, and as they are typed."""

OUTPUT = "where to write: .csv, .tsv or .parquet (default: standard output, as CSV)"

EXAMPLES = """\
examples:
  python -m skvae report people.csv -o report.html    how good are synthetic rows of this table?
  python -m skvae report people.csv --synthetic new.csv --holdout more.csv    and of these, of any generator?
  python -m skvae sample people.csv -n 1000 -o new.csv
  python -m skvae sample people.csv -n 100 --given age=70 --given sex=Female
  python -m skvae impute people.csv -o full.csv       fill the empty cells
  python -m skvae fit people.csv -o people.skvae      keep a model, and use it:
  python -m skvae transform more.csv --model people.skvae -o coordinates.csv
  python -m skvae score more.csv --model people.skvae

An empty cell is a missing value. A column is one of numbers, whole numbers, or true and false where all of its cells
are, and otherwise of text: 00501 and NA stay what they are.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program; by default those of the process.

    Returns
    -------
    int
        Exit status: 0; 2 where something that was typed does not fit; 130 where somebody stopped it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a sentence is never lost for a letter
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return 0
    options.arguments = arguments
    try:
        with notes():
            options.run(options)
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def make_parser() -> ArgumentParser:
    """All commands and their options."""
    parser = ArgumentParser(
        prog="python -m skvae",
        description="A variational autoencoder for a table in a file: new rows, filled gaps, coordinates, scores.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skvae {sys.modules['skvae'].__version__}")
    parser.set_defaults(run=None)
    adding = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, help_: str, description: str) -> ArgumentParser:
        added = adding.add_parser(name, help=help_, description=description)
        added.set_defaults(run=partial(_run, name))
        return added

    for describe in (_fit, _sample, _transform, _impute, _score, _report):
        describe(command)
    return parser


def _run(name: str, options: Namespace) -> None:
    """Run a command by its name; what it takes seconds to import is imported now."""
    from skvae.cli import commands
    from skvae.cli.outputs import check_apart

    inputs, outputs = ({typed: getattr(options, field, None) for field, typed in of.items()} for of in (READ, WRITTEN))
    check_apart(inputs, outputs)
    getattr(commands, name)(options)


def _fit(command: Command) -> None:
    fit = command("fit", "learn from a table and keep the model", "Learn from a table and keep the model in a file.")
    _add_data(fit)
    fit.add_argument("-o", "--output", required=True, metavar="MODEL", help="where to write the model")
    _add_settings(fit, "auto, for every use; factorized is faster, for transform and score alone")


def _sample(command: Command) -> None:
    sample = command(
        "sample",
        "draw new rows like those of a table",
        "Draw new rows with the columns, types and dependencies of a table, gaps included. They are draws from a "
        "model of the data, not anonymised data.",
    )
    _add_data(sample, optional=True)
    _add_model(sample)
    sample.add_argument("-n", "--n-rows", type=_count, default=1000, metavar="N", help="how many (default: 1000)")
    sample.add_argument(
        "--given",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only rows with this value, or, after an equals sign alone, with a gap; may be repeated",
    )
    sample.add_argument("-o", "--output", metavar="FILE", help=OUTPUT)
    _add_settings(sample, "auto")


def _transform(command: Command) -> None:
    transform = command(
        "transform",
        "turn rows into a few coordinates",
        "Turn each row into its latent coordinates, as PCA would: one column for each component, rows as they come.",
    )
    _add_data(transform)
    _add_model(transform)
    transform.add_argument("-o", "--output", metavar="FILE", help=OUTPUT)
    _add_settings(transform, "factorized")


def _impute(command: Command) -> None:
    impute = command(
        "impute",
        "fill the empty cells of a table",
        "Fill the empty cells of a table by what the other cells of their row say; observed cells are untouched.",
    )
    _add_data(impute)
    _add_model(impute)
    impute.add_argument("-o", "--output", metavar="FILE", help=OUTPUT)
    _add_settings(impute, "auto")


def _score(command: Command) -> None:
    score = command(
        "score",
        "say how well a model explains rows",
        "Print the mean score: a lower bound on the log-likelihood of a row, in nats; larger is better. With -o, the "
        "score of each row: the smallest are the oddest rows.",
    )
    _add_data(score)
    _add_model(score)
    score.add_argument("-o", "--output", metavar="FILE", help="where to write the score of each row")
    _add_settings(score, "factorized")


def _report(command: Command) -> None:
    report = command(
        "report",
        "compare synthetic rows with real ones, as a web page",
        "Learn from four fifths of a table, draw as many synthetic rows, and compare both with the last fifth: "
        "columns, pairs of columns, a classifier that tries to tell them apart, copies, leaks. Writes one web page "
        "that needs nothing else. With --synthetic nothing is learned: the rows in that file are judged, whoever made "
        "them.",
    )
    _add_data(report)
    report.add_argument("-o", "--output", default="report.html", metavar="FILE", help="the page (default: report.html)")
    report.add_argument(
        "--target", metavar="COLUMN", help="a column to predict: what does a model learn from the rows?"
    )
    report.add_argument("--synthetic", metavar="FILE", help="judge these rows, of any generator, instead of our own")
    report.add_argument(
        "--holdout", metavar="FILE", help="real rows that the generator has not seen, without which no leak is found"
    )
    report.add_argument("--json", metavar="FILE", help="write the figures and verdicts, too, for programs")
    report.add_argument("--rows", metavar="FILE", help="keep the synthetic rows, too: .csv, .tsv or .parquet")
    report.add_argument("--test-size", type=_share, metavar="SHARE", help="share of rows held out (default: 0.2)")
    _add_settings(report, "auto")


def _add_data(parser: ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument(
        "data", metavar="DATA", nargs="?" if optional else None, help="the table: .csv, .tsv (.gz), .parquet or .xlsx"
    )
    parser.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN",
        help="leave a column out (impute writes it as it is); may be repeated",
    )
    group = parser.add_argument_group("the file")
    group.add_argument(
        "--date",
        action="append",
        default=[],
        metavar="COLUMN[=FORMAT]",
        help="read a column of text as dates, in a format such as %%d.%%m.%%Y if it is in doubt; may be repeated",
    )
    group.add_argument("--day-first", action="store_true", help="dates in doubt have the day before the month")
    group.add_argument("--sep", type=_sign, metavar="SIGN", help="between cells, such as ';' or tab (default: found)")
    group.add_argument("--decimal", choices=(".", ","), help="the sign before decimals (default: found)")
    group.add_argument("--encoding", metavar="NAME", help="such as latin-1 (default: utf-8)")


def _add_model(parser: ArgumentParser) -> None:
    parser.add_argument("-m", "--model", metavar="MODEL", help="a model from fit, instead of learning from DATA")


def _add_settings(parser: ArgumentParser, decoder: str) -> None:
    group = parser.add_argument_group("the model")
    group.add_argument("--n-components", type=_count, metavar="K", help="dimension of the latent space")
    decoders = ("auto", "factorized", "conditional", "autoregressive")
    group.add_argument("--decoder", choices=decoders, help=f"which models are trained (default: {decoder})")
    group.add_argument(
        "--constraint",
        action="append",
        metavar="RULE",
        help="a rule that all rows keep, such as 'end >= start' or 'total = a + b', instead of those that are found; "
        "may be repeated",
    )
    group.add_argument("--max-iter", type=_count, metavar="N", help="passes over the rows (default: by their number)")
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the same seed gives the same result (default: 0)"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other parameter of VAETransformer, such as prior=mixture or beta=0.5; may be repeated",
    )


def _sign(text: str) -> str:
    sign = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(sign) != 1:
        raise ArgumentTypeError(f"{text!r} is not one sign")
    return sign


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise ArgumentTypeError(f"{text!r} is no number between 0 and 1")
    return share
