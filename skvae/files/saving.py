"""Fitted models outside of memory: the state of a pickle, and files that hold numbers and text but no code."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import InconsistentVersionWarning
from torch import nn
from torch.overrides import TorchFunctionMode

from skvae.files.document import Arrays, Reader, Writer, import_path
from skvae.files.hints import conforms
from skvae.models.fitting import Network, build_vae
from skvae.models.online import Online
from skvae.networks import MLP, VAE, Linear
from skvae.tables import Table, check_levels
from skvae.training import isolated_rng

FORMAT = 1  # of the files; a newer one is refused
HEADER = 90_000_000  # bytes of a document, at most: safetensors reads headers of up to 100 MB
NETWORKS = ("encoder", "decoder")  # the parameters that may be a user's own network
OWN_WEIGHTS = tuple(f"{side}.network.replicas" for side in NETWORKS)

FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange)

ATTRIBUTES: dict[str, Any] = {
    "n_features_in_": int,
    "n_iter_": int,
    "best_iter_": int,
    "history_": dict[str, list[float]],
    "kl_per_component_": NDArray[np.float64],
    "active_components_": NDArray[np.bool_],
    "table_": Table,
    "_fitted_with": dict[str, Any],
    "_online": Online | None,
}
"""Types of the fitted attributes that a file holds, beside the weights."""

MORE_ATTRIBUTES: dict[str, Any] = {
    "feature_names_in_": NDArray[np.object_],
    "noise_variance_": float | NDArray[np.float64],
    "_sklearn_output_config": dict[str, str],
}
"""Types of those that a file may hold."""

Own = Mapping[str, Network | None]


# -- files -----------------------------------------------------------------------------------------------------------


def save(estimator: Any, path: Any) -> None:
    """Write a fitted estimator to a file, all of it or nothing.

    Raises
    ------
    ValueError
        Where there is something that a file cannot hold.
    ImportError
        Where safetensors is missing.
    """
    from_numpy = _safetensors().numpy.save
    writer = Writer(names_own=True)
    document = json.dumps(_described(estimator, writer))
    if len(document) > HEADER:
        raise ValueError(
            f"A file holds up to {HEADER:,} characters of names and categories, but this model has {len(document):,}. "
            f"Fit it with fewer categories, or use joblib.dump."
        )
    arrays = writer.arrays | {f"weights/{name}": array for name, array in learned(estimator.vae_).items()}
    metadata = {"format": f"skvae {FORMAT}", "document": document, "sha256": _digest(document, arrays)}
    write_whole(Path(path), from_numpy(arrays, metadata))


def load(cls: Any, path: Any, own: Own, classes: Sequence[type]) -> Any:
    """Read what ``save`` wrote.

    Parameters
    ----------
    cls : type
        The class of the estimator.
    path : path-like
        The file.
    own : dict
        A user's own encoder and decoder, where there are any.
    classes : sequence of type
        A user's own likelihoods, priors and schedules.
    """
    document, arrays = _read(Path(path))
    try:
        described = json.loads(document)
        _check_networks(described["networks"], own)
        return _restored(cls, described, arrays, own, classes)
    except ImportError:
        raise
    except Exception as error:  # whatever goes wrong, the file is not as save wrote it, or classes are missing
        what = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(f"{path} cannot be loaded. {what}") from error


def _described(estimator: Any, writer: Writer) -> dict[str, Any]:
    """The document of a fitted estimator."""
    values = vars(estimator)
    parameters = dict.fromkeys(estimator.get_params(deep=False))
    kept = parameters | ATTRIBUTES | MORE_ATTRIBUTES
    unknown = [name for name in values if name not in kept and name not in ("vae_", "device_")]
    if unknown:
        raise ValueError(
            f"A file holds the parameters and fitted attributes of a {type(estimator).__name__}, but this one also has "
            f"{unknown[0]!r}. Delete that attribute, or use joblib.dump."
        )
    before, networks = dict(values["_fitted_with"]), {}
    values = values | {"_fitted_with": before}
    for side in NETWORKS:
        if callable(before[side]):
            networks[side] = import_path(before[side])
            before[side] = None
            values[side] = None if callable(values[side]) else values[side]

    def written(name: str) -> Any:
        try:
            return writer.write(values[name])
        except ValueError as error:
            raise ValueError(
                f"A file holds numbers, text, dates and what skvae and pandas make of them, but {name} of this "
                f"{type(estimator).__name__} holds {error}. Convert it and fit again, or use joblib.dump."
            ) from error

    return {
        "skvae": version(),
        "parameters": {name: written(name) for name in parameters},
        "attributes": {name: written(name) for name in ATTRIBUTES | MORE_ATTRIBUTES if name in values},
        "networks": networks,
        "hidden_layer_sizes": hidden_layer_sizes(estimator.vae_),
    }


def _restored(cls: Any, described: Any, arrays: Arrays, own: Own, classes: Sequence[type]) -> Any:
    """The estimator of a document."""
    reader = Reader(arrays, classes)
    parameters, attributes = reader.read(described["parameters"]), reader.read(described["attributes"])
    known = inspect.signature(cls).parameters
    for name in [*parameters, *attributes]:
        if name not in known and name not in ATTRIBUTES | MORE_ATTRIBUTES:
            raise ValueError(f"It holds {name!r}, which this version of skvae does not know")
    for name in ATTRIBUTES:
        if name not in attributes:
            raise ValueError(f"It lacks {name!r}")
    for name, value in attributes.items():
        if not conforms(value, (ATTRIBUTES | MORE_ATTRIBUTES)[name]):
            raise ValueError(f"Its {name!r} is a {type(value).__name__}, which it cannot be")
    check_levels(attributes["table_"])
    if len(described["hidden_layer_sizes"]) > len(arrays):
        raise ValueError("It has more layers than weights")
    if attributes["n_features_in_"] != len(attributes["table_"].data_columns):
        raise ValueError("Its number of columns is not that of its table")
    for values in (parameters, attributes["_fitted_with"]):
        values.update({side: network for side, network in own.items() if network is not None and values[side] is None})
    cls(**attributes["_fitted_with"])._validate_params()
    estimator = cls(**parameters)
    vars(estimator).update(attributes)
    weights = {name.removeprefix("weights/"): array for name, array in arrays.items() if name.startswith("weights/")}
    with SizeLimit(sum(array.size for array in arrays.values())):
        estimator.vae_ = rebuilt(attributes, described["hidden_layer_sizes"], weights)
    estimator.device_ = torch.device("cpu")
    return estimator


def _check_networks(named: Any, own: Own) -> None:
    """Refuse a network of the user's that the file has and the user has not passed, and the reverse."""
    for side in NETWORKS:
        network = own[side]
        if side in named and not callable(network):
            raise ValueError(
                f"A file holds the weights of a network of your own but not its code, and the {side} of this model is "
                f"{str(named[side])!r}. Import that and pass it: load(path, {side}=…)."
            )
        if side not in named and network is not None:
            raise ValueError(f"Its {side} is one of skvae's own, but load was passed another. Leave {side} out.")


def _safetensors() -> Any:
    """The library, which is optional."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"save and load write and read files through safetensors ({error}). "
            f"Install it with: python -m pip install skvae[save]"
        ) from error
    return safetensors


def _read(path: Path) -> tuple[str, Arrays]:
    """Document and arrays of a file, as they were written."""
    library = _safetensors()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Pass the path that save was given.")
    try:
        with library.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except Exception as error:  # its own, and those of NumPy where it has no such dtype
        raise ValueError(
            f"load reads files that save wrote, but {path} is none, or only a part of one ({error}). Save again."
        ) from error
    name, _, number = metadata.get("format", "").partition(" ")
    if name != "skvae" or not number.isdecimal():
        raise ValueError(f"load reads files that save wrote, but {path} holds no model of skvae. Pass another path.")
    if int(number) > FORMAT:
        raise ValueError(
            f"{path} was written in format {number} by a newer release, and this is skvae {version()}, which reads "
            f"formats up to {FORMAT}. Upgrade with: python -m pip install --upgrade skvae"
        )
    document = metadata.get("document", "")
    if metadata.get("sha256") != _digest(document, arrays):
        raise ValueError(f"{path} has changed since save wrote it: its checksum is another. Copy or save it again.")
    return document, arrays


def _digest(document: str, arrays: Arrays) -> str:
    """A checksum against accidents: it says nothing of who wrote a file."""
    digest = hashlib.sha256(document.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that there is never half of one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


# -- pickles ---------------------------------------------------------------------------------------------------------


class SkvaeVersionWarning(InconsistentVersionWarning):
    """A pickle was written by another version of skvae."""

    def __str__(self) -> str:
        return (
            f"A {self.estimator_name} pickled by skvae {self.original_sklearn_version} is read by skvae "
            f"{self.current_sklearn_version}, which may break or change results. Fit it again, or move models between "
            f"versions with save and load."
        )


def version() -> str:
    """That of the package, which is written in its root, and which nothing below imports."""
    return str(sys.modules["skvae"].__version__)


def pickled(state: dict[str, Any]) -> dict[str, Any]:
    """Attributes of an estimator as a pickle holds them.

    A fitted model becomes text and NumPy arrays, which joblib can memory-map and skops trusts, and which load on a
    machine without its GPU. What a document cannot hold, such as a function that makes a network, stays as it is.
    """
    state = state | {"_skvae_version": version()}
    if "vae_" not in state:
        return state
    vae = state.pop("vae_")
    del state["device_"]
    state["_hidden_layer_sizes"] = hidden_layer_sizes(vae)
    document: dict[str, Any] = {}
    arrays: Arrays = {}
    for name in list(state):
        with suppress(ValueError):
            writer = Writer(names_own=False, first=len(arrays))
            document[name] = writer.write(state[name])
            arrays |= writer.arrays
            del state[name]
    return state | {"_document": json.dumps(document), "_arrays": arrays, "_weights": learned(vae)}


def unpickled(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """Undo ``pickled``, without copying the weights; the module is then on the CPU."""
    state = dict(state)
    document = state.pop("_document", None)
    if document is not None:
        arrays, weights = state.pop("_arrays"), state.pop("_weights")
        state |= Reader(arrays).read(json.loads(document))
        state["vae_"] = rebuilt(state, state.pop("_hidden_layer_sizes"), weights)
        state["device_"] = torch.device("cpu")
    before = state.pop("_skvae_version", "of an unknown version")
    if before != version():
        warnings.warn(
            SkvaeVersionWarning(
                estimator_name=name, current_sklearn_version=version(), original_sklearn_version=before
            ),
            stacklevel=3,
        )
    return state


# -- modules ---------------------------------------------------------------------------------------------------------


def hidden_layer_sizes(vae: VAE) -> list[int]:
    """Widths of the encoder's hidden layers, or the decoder's in reverse; none if both networks are a user's own."""
    for network, step in ((vae.encoder.network, 1), (vae.decoder.network, -1)):
        if isinstance(network, MLP):
            return [layer.bias.shape[-1] for layer in network if isinstance(layer, Linear)][:-1][::step]
    return []


def learned(vae: VAE) -> Arrays:
    """What the table does not say: parameters, floating-point buffers, and all that a user's network has."""
    named = itertools.chain(vae.named_parameters(), vae.named_buffers())
    return {name: tensor.detach().cpu().numpy() for name, tensor in named if _is_learned(name, tensor)}


def _is_learned(name: str, tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or name.startswith(OWN_WEIGHTS)


def _tensors(vae: VAE) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors by all of their names."""
    yield from vae.named_parameters(remove_duplicate=False)
    yield from vae.named_buffers(remove_duplicate=False)


def rebuilt(attributes: Mapping[str, Any], sizes: Sequence[int], weights: Arrays) -> VAE:
    """The module that was fitted, made anew and given its weights."""
    parameters = SimpleNamespace(**attributes["_fitted_with"])
    with isolated_rng(0, torch.device("cpu"), lends_global=True):
        vae = build_vae(parameters, attributes["table_"], sizes, 0)
    return attached(vae.requires_grad_(False).eval(), weights)


def attached(vae: VAE, weights: Arrays) -> VAE:
    """The module with these arrays as its tensors, uncopied. Tensors that are one stay one."""
    names_of: dict[int, list[str]] = {}
    tensors = dict(_tensors(vae))
    for name, tensor in tensors.items():
        names_of.setdefault(id(tensor), []).append(name)
    expected = {names[0]: names for names in names_of.values() if _is_learned(names[0], tensors[names[0]])}
    expected |= {name: names for names in names_of.values() for name in names[:1] if name in weights}
    if expected.keys() != weights.keys():
        odd = sorted(expected.keys() ^ weights.keys())[0]
        raise ValueError(f"Its weights are not those of its model: {odd!r} is in one of them only")
    for name, names in expected.items():
        new: Any = _as_tensor(weights[name])
        old = tensors[name]
        if new.shape != old.shape or new.dtype != old.dtype:
            raise ValueError(f"Its {name!r} is {new.dtype} {tuple(new.shape)}, not {old.dtype} {tuple(old.shape)}")
        new = nn.Parameter(new, requires_grad=False) if isinstance(old, nn.Parameter) else new
        for place in names:
            owner, _, leaf = place.rpartition(".")
            module = vae.get_submodule(owner)
            (module._parameters if leaf in module._parameters else module._buffers)[leaf] = new
    return vae


def _as_tensor(array: NDArray[Any]) -> torch.Tensor:
    with warnings.catch_warnings():  # a memory-mapped array is read-only; so are fitted weights
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


class SizeLimit(TorchFunctionMode):
    """Within it, no more numbers are made than a model with this many would need.

    Parameters
    ----------
    n_numbers : int
        In the file.
    """

    def __init__(self, n_numbers: int) -> None:
        super().__init__()
        self.left = 4 * n_numbers + 1_000_000

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count what ``torch.empty(…)`` and its like make."""
        if func in FACTORIES:
            size = args[0] if args and isinstance(args[0], tuple | list) else args
            self.left -= math.prod(size)
        if self.left < 0:
            raise ValueError("Its sizes are far beyond what it holds")
        return func(*args, **(kwargs or {}))
