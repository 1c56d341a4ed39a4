"""Files that hold numbers and text but no code."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skvae.files.atomic import path_of
from skvae.files.container import Container, safetensors
from skvae.files.document import Reader, Writer, import_path
from skvae.files.finite import check_finite_attributes, check_finite_weights
from skvae.files.hints import conforms
from skvae.files.pickling import version
from skvae.files.weights import SPARE, Arrays, SizeLimit, learned, rebuilt
from skvae.models import Architecture, Network, Online
from skvae.tables import Rulebook, Table, check_levels

MODEL = Container("skvae", 1, "model", "Save it again.")
NETWORKS = ("encoder", "decoder")  # the parameters that may be a user's own network

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
    "history_beside_": dict[str, dict[str, list[float]]],
    "feature_names_in_": NDArray[np.object_],
    "components_": NDArray[np.float64],
    "strength_": NDArray[np.float64],
    "explained_variance_ratio_": NDArray[np.float64],
    "explained_variance_by_column_": NDArray[np.float64],
    "noise_variance_": float | NDArray[np.float64],
    "_sklearn_output_config": dict[str, str],
    "_date_formats": dict[str, str],
    "_levels": dict[str, NDArray[np.float64]],
    "constraints_": list[str],
    "_rules": Rulebook | None,
}
"""Types of those that a file may hold."""

NOT_WRITTEN = dict.fromkeys(  # a file has the parts of the first three, and may be read on another machine
    ("vae_", "device_", "_architecture", "checkpoint_dir")
)

Own = Mapping[str, Network | None]


def save(estimator: Any, path: Any) -> None:
    """Write a fitted estimator to a file, all of it or nothing.

    Raises
    ------
    ValueError
        Where there is something that a file cannot hold, or that is not finite.
    ImportError
        Where safetensors is missing.
    """
    safetensors()
    check_finite_attributes(vars(estimator))
    check_finite_weights(estimator.vae_)
    writer = Writer(names_own=True)
    document = json.dumps(_described(estimator, writer))
    arrays = writer.arrays | {f"weights/{name}": array for name, array in learned(estimator.vae_).items()}
    MODEL.write(path_of(path), document, arrays)


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
    document, arrays = MODEL.read(path_of(path))
    try:
        described = json.loads(document)
        _check_networks(described["networks"], own)
        reader = Reader(arrays, classes, room=len(document) + sum(array.size for array in arrays.values()) + SPARE)
        return _restored(cls, described, arrays, own, reader)
    except ImportError:
        raise
    except Exception as error:  # whatever goes wrong, the file is not as save wrote it, or classes are missing
        what = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        if not what.endswith("."):  # it has no remedy of its own
            what += ". It is not as save wrote it: save the model again."
        raise ValueError(f"{path} cannot be loaded. {what}") from error


def _described(estimator: Any, writer: Writer) -> dict[str, Any]:
    """The document of a fitted estimator."""
    values = vars(estimator)
    parameters = dict.fromkeys(name for name in estimator.get_params(deep=False) if name not in NOT_WRITTEN)
    kept = parameters | ATTRIBUTES | MORE_ATTRIBUTES
    unknown = [name for name in values if name not in kept | NOT_WRITTEN.keys()]
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
        "hidden_layer_sizes": list(estimator._architecture.hidden_layer_sizes),
        "sizes_beside": list(estimator._architecture.sizes_beside),
    }


def _restored(cls: Any, described: Any, arrays: Arrays, own: Own, reader: Reader) -> Any:
    """The estimator of a document."""
    parameters, attributes = reader.read(described["parameters"]), reader.read(described["attributes"])
    _check_names(cls, parameters, attributes)
    _check_values(attributes)
    sizes = described["hidden_layer_sizes"], described.get("sizes_beside", [])  # which earlier releases had not
    if sum(map(len, sizes)) > len(arrays):
        raise ValueError("It has more layers than weights")
    _check_columns(attributes)
    for values in (parameters, attributes["_fitted_with"]):
        values.update({side: network for side, network in own.items() if network is not None and values[side] is None})
    cls(**attributes["_fitted_with"])._validate_params()
    estimator = cls(**parameters)
    vars(estimator).update({"constraints_": [], "_rules": None} | attributes)  # which earlier releases had not
    architecture = Architecture.of(attributes["_fitted_with"], *sizes)
    weights = {name.removeprefix("weights/"): array for name, array in arrays.items() if name.startswith("weights/")}
    with SizeLimit(sum(array.size for array in arrays.values())):
        estimator.vae_ = rebuilt(architecture, attributes["table_"], weights)
    check_finite_weights(estimator.vae_)
    estimator._architecture = architecture
    estimator.device_ = torch.device("cpu")
    return estimator


def _check_names(cls: Any, parameters: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Refuse parameters and attributes that there are not, and that lack one."""
    known = inspect.signature(cls).parameters
    for name in [*parameters, *attributes]:
        if name not in known and name not in ATTRIBUTES | MORE_ATTRIBUTES:
            raise ValueError(f"It holds {name!r}, which this version of skvae does not know")
    for name in ATTRIBUTES:
        if name not in attributes:
            raise ValueError(f"It lacks {name!r}")


def _check_values(attributes: dict[str, Any]) -> None:
    """Refuse attributes that are not what they should be."""
    for name, value in attributes.items():
        if not conforms(value, (ATTRIBUTES | MORE_ATTRIBUTES)[name]):
            raise ValueError(f"Its {name!r} is a {type(value).__name__}, which it cannot be")
    check_finite_attributes(attributes)
    check_levels(attributes["table_"])
    for levels in attributes.get("_levels", {}).values():
        if levels.shape[:1] != attributes["kl_per_component_"].shape:
            raise ValueError("Its tables of levels are not those of its components")


def _check_columns(attributes: dict[str, Any]) -> None:
    """Refuse a number of columns, or rules, that are not those of the table."""
    if attributes["n_features_in_"] != attributes["table_"].n_columns:
        raise ValueError("Its number of columns is not that of its table")
    rules = attributes.get("_rules")
    if rules is not None and (
        len(rules.names) != attributes["n_features_in_"] or attributes["constraints_"] != rules.texts
    ):
        raise ValueError("Its rules are not those of its columns")


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
