"""Fits that survive their process: how far they had come, and what came of them."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple, Self, TypeVar

import torch

from skvae.files.atomic import is_locked, locked
from skvae.files.container import Container, digest, safetensors
from skvae.files.document import Reader, Writer, import_path
from skvae.files.pickling import version
from skvae.files.weights import Arrays, learned, rebuilt, rebuilt_beside
from skvae.messages import warn_user
from skvae.models import Data, Fit, Follower, Keeper, Loadings, Online, Plan, Run, Trained, fit, fit_together
from skvae.networks import VAE, Tables
from skvae.tables import Table
from skvae.training import History, agree_on, is_first

FIT = Container("skvae-fit", 1, "fit", "Delete it, and the fit begins anew.")
SECONDS = 10.0  # between two states of a training, at least
SHARE = 0.005  # of the time of a training that goes into keeping its state, at most

Outcome = TypeVar("Outcome")

NOT_THE_FIT = ("checkpoint_dir", "random_state", "verbose")  # parameters that a fit does not depend on; it has its seed


class Identity(NamedTuple):
    """What makes two fits one and the same.

    Attributes
    ----------
    rows : str
        A digest of the encoded rows, their weights and their columns.
    parameters : str
        Of all parameters and the seed, of what a warm start begins with, and of the versions of the libraries.
    beside : str
        Name of a model beside the VAE, where it is the training of that.
    """

    rows: str
    parameters: str
    beside: str = ""

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, Any],
        data: Data,
        run: Run,
        start: VAE | None = None,
        online: Online | None = None,
    ) -> Self:
        """That of one fit."""
        if parameters["random_state"] is None:
            raise ValueError(
                "A fit with checkpoint_dir goes on where it was killed if it is the same fit, which takes the same "
                "seed, but random_state is None. Set it to an int."
            )
        columns = _digest_of(data.table)
        tensors = {"x": data.x, "weights": data.weights, "x_val": data.x_val}
        if data.stream is not None:
            tensors["weights"] = data.stream.weights
        cells = {name: tensor.cpu().numpy() for name, tensor in tensors.items() if tensor is not None}
        settings = {name: value for name, value in parameters.items() if name not in NOT_THE_FIT}
        settings |= {
            "online": online,
            "seed": run.seed,
            "device": run.device,
            "skvae": version(),
            "torch": str(torch.__version__),
        }
        before = {} if start is None else learned(start)
        return cls(
            _shorter(columns, str(data.n_rows), digest("", cells)), _shorter(_digest_of(settings), digest("", before))
        )

    @classmethod
    def together(cls, members: Sequence[Identity], factor: float | None) -> Self:
        """That of several fits to the same rows that are trained as one stack."""
        return cls(members[0].rows, _shorter(*(member.parameters for member in members), str(factor)))


def _shorter(*digests: str) -> str:
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]


def _named(network: Any) -> str:
    """Name and source of a network of the user's."""
    name = import_path(network)
    if not hasattr(network, "__qualname__") or "<" in name:
        raise ValueError(
            f"A fit that is kept in checkpoint_dir must be one that a file can name, but its network is {network!r}. "
            f"Define it as a function or a class of a module, or leave checkpoint_dir out."
        )
    with suppress(OSError, TypeError):  # typed into a console, or compiled
        name += inspect.getsource(network)
    return name


def _digest_of(value: Any) -> str:
    """A digest of a value that a document can hold, or of parameters, with networks of the user's."""
    writer = Writer(names_own=True)
    if isinstance(value, dict):
        value = {name: _named(part) if callable(part) else part for name, part in value.items()}
    try:
        document = writer.write(value)
    except ValueError as error:
        raise ValueError(
            f"A fit that is kept in checkpoint_dir must be one that a file can name, but its parameters or columns "
            f"hold {error}. Convert it, or leave checkpoint_dir out."
        ) from error
    return digest(json.dumps(document, sort_keys=True), writer.arrays)


def fit_kept(
    parameters: Mapping[str, Any],
    plan: Plan,
    data: Data,
    run: Run,
    start: VAE | None = None,
    follower: Follower | None = None,
    online: Online | None = None,
) -> Fit:
    """What ``skvae.models.fit`` answers, kept on the way in the ``checkpoint_dir`` of the parameters.

    Raises
    ------
    ValueError
        Where there is no seed, or a file that is not as it was written.
    """
    identity = Identity.of(parameters, data, run, start, online)
    archive = Directory(parameters["checkpoint_dir"], identity, plan, data.table, run)
    return fit(plan, data, run, start, follower, online, archive)


def fit_together_kept(
    members: Sequence[Mapping[str, Any]], plans: Sequence[Plan], data: Data, run: Run, factor: float | None
) -> list[Fit]:
    """What ``skvae.models.fit_together`` answers, kept in the end in the ``checkpoint_dir`` of the first member."""
    identity = Identity.together([Identity.of(parameters, data, run) for parameters in members], factor)
    with Checkpoint.opened(members[0]["checkpoint_dir"], identity) as checkpoint:
        return checkpoint.fits(plans, data.table, run, lambda: fit_together(plans, data, run, factor))


class Directory(NamedTuple):
    """Where the trainings of one fit are kept: see ``skvae.models.Archive``.

    Attributes
    ----------
    path : path-like
        The directory.
    identity : Identity
        Of the fit.
    plan, table, run : Plan, Table and Run
        Of the fit.
    """

    path: str | os.PathLike[str]
    identity: Identity
    plan: Plan
    table: Table
    run: Run

    def vae(self, train: Callable[[Keeper | None], Fit]) -> Fit:
        """What comes of the training of the VAE."""
        with Checkpoint.opened(self.path, self.identity) as checkpoint:
            (kept,) = checkpoint.fits([self.plan], self.table, self.run, lambda: [train(checkpoint)])
        return kept

    def beside(self, name: str, train: Callable[[Keeper | None], Trained]) -> Trained:
        """What comes of the training of a model beside it."""

        def again(described: Mapping[str, Any]) -> Trained:
            model = rebuilt_beside(name, self.plan.architecture, self.table, described["weights"])
            history = History.from_state_dict(described["history"])
            return Trained(model.to(self.run.device), history, described["online"])

        with Checkpoint.opened(self.path, self.identity._replace(beside=name)) as checkpoint:
            return checkpoint.ended_or(lambda: train(checkpoint), _described_beside, again, self.run)


class Checkpoint:
    """The files of one fit: its state while it trains, and in the end what came of it.

    Processes that train one model together read the same directory, and the first of them writes.

    Parameters
    ----------
    directory : Path
        Where fits are kept.
    identity : Identity
        Of the fit.
    """

    def __init__(self, directory: Path, identity: Identity) -> None:
        self.directory, self.identity = directory, identity
        self.ended = directory / ("-".join(filter(None, identity)) + ".fit")
        self.unfinished = self.ended.with_suffix(".unfinished")
        self._due = time.monotonic() + SECONDS

    @classmethod
    @contextmanager
    def opened(cls, directory: str | os.PathLike[str], identity: Identity) -> Iterator[Self]:
        """The files of a fit, which others see to be under way; its directory is made where there is none.

        Raises
        ------
        ImportError
            Where safetensors is missing.
        NotADirectoryError
            Where there is something else at the path.
        """
        safetensors()
        place = Path(directory)
        if place.exists() and not place.is_dir():
            raise NotADirectoryError(
                f"checkpoint_dir is a directory that keeps fits, but {place} is a file. Pass another path."
            )
        try:
            place.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=place):
                pass
        except OSError as error:
            raise type(error)(
                f"checkpoint_dir is a directory that keeps fits, but the system refuses files in {place} "
                f"({error.strerror}). Pass another path."
            ) from error
        checkpoint = cls(place, identity)
        with locked(checkpoint.ended.with_suffix(".lock")):
            yield checkpoint

    # -- what came of it ---------------------------------------------------------------------------------------

    def fits(self, plans: Sequence[Plan], table: Table, run: Run, train: Callable[[], list[Fit]]) -> list[Fit]:
        """What came of the fits, which are trained now where they have not ended, and kept."""

        def described(fits: list[Fit]) -> dict[str, Any] | None:
            if any(fit.history.interrupted for fit in fits):
                return None
            return {"fits": [_described(fit) for fit in fits]}

        def again(described: Mapping[str, Any]) -> list[Fit]:
            return [_fit(of_one, plan, table, run) for of_one, plan in zip(described["fits"], plans, strict=True)]

        return self.ended_or(train, described, again, run)

    def ended_or(
        self,
        train: Callable[[], Outcome],
        describe: Callable[[Outcome], dict[str, Any] | None],
        again: Callable[[Mapping[str, Any]], Outcome],
        run: Run,
    ) -> Outcome:
        """What came of a training: read from its file, or trained now and kept.

        A training that was cut short has no description; the state that was kept of it stays.
        """
        if agree_on(self.ended.is_file()):
            document, arrays = FIT.read(self.ended)
            if run.is_verbose:
                print(f"The fit had ended before, and is taken from {self.ended}")
            return again(Reader(arrays).read(json.loads(document)))
        trained = train()
        described = describe(trained)
        if described is not None and is_first():
            self._write(self.ended, described)
            self.unfinished.unlink(missing_ok=True)
        return trained

    # -- its state while it trains: see ``skvae.models.Keeper`` ------------------------------------------------------

    def latest(self) -> dict[str, Any] | None:
        """The state that was kept last, if there is any; else a word about other fits that are unfinished."""
        if not agree_on(self.unfinished.is_file()):
            if not self.identity.beside:  # which the VAE of the same fit has been before
                self._warn_of_others()
            return None
        document, arrays = FIT.read(self.unfinished)
        state: dict[str, Any] = Reader(arrays).read(json.loads(document))
        return state

    def keep(self, state: Callable[[], dict[str, Any]]) -> None:
        """Write the state of the training if the last one is some time ago."""
        begin = time.monotonic()
        if begin < self._due or not is_first():
            return
        self._write(self.unfinished, state())
        end = time.monotonic()
        self._due = end + max(SECONDS, (end - begin) / SHARE)

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        """Write a file; a full disk does not end the fit."""
        writer = Writer(names_own=False)
        document = json.dumps(writer.write(content))
        try:
            FIT.write(path, document, writer.arrays)
        except OSError as error:
            warn_user(f"The fit goes on, but {path} cannot be written ({error}). Make room, or pass another directory.")

    def _warn_of_others(self) -> None:
        """Say which unfinished fit in the directory this one does not continue, and why."""
        for path in sorted(self.directory.glob("*.unfinished")):
            if is_locked(path.with_suffix(".lock")):
                continue
            of_file = zip(Identity._fields[:2], path.stem.split("-"), self.identity, strict=False)
            others = [what for what, theirs, own in of_file if theirs != own]
            if not others:
                continue
            warn_user(
                f"A fit goes on where it was killed if its rows, parameters and versions are the same, but {path} is "
                f"of other {' and '.join(others)}, so this fit begins anew. Pass the same ones, or delete the file."
            )
            return


def _described(fit: Fit) -> dict[str, Any]:
    """What a file holds of a fit."""
    history, extreme = fit.history.state_dict(), fit.extreme
    described = {"weights": learned(fit.vae), "history": history, "kl": fit.kl, "extreme": extreme}
    return described | {
        "online": fit.online,
        "loadings": fit.loadings and list(fit.loadings),
        "tables": fit.tables and fit.tables.flat(),
    }


def _described_beside(trained: Trained) -> dict[str, Any] | None:
    """What a file holds of a model beside the VAE."""
    if trained.history.interrupted:
        return None
    return {"weights": learned(trained.model), "history": trained.history.state_dict(), "online": trained.online}


def _fit(described: Mapping[str, Any], plan: Plan, table: Table, run: Run) -> Fit:
    """The fit again."""
    weights: Arrays = described["weights"]
    vae = rebuilt(plan.architecture, table, weights).to(run.device)
    history = History.from_state_dict(described["history"])
    loadings = described["loadings"] and Loadings(*described["loadings"])
    tables = described["tables"] and Tables.of_flat(described["tables"], vae.decoder.bias)
    return Fit(
        vae, history, described["kl"], described["extreme"], described["online"], loadings=loadings, tables=tables
    )
