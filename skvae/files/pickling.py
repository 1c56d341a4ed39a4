"""The state of a pickle: text and arrays, which load on a machine without the GPU of the model."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import torch
from sklearn.exceptions import InconsistentVersionWarning

from skvae.files.document import Reader, Writer
from skvae.files.weights import Arrays, learned, rebuilt
from skvae.messages import warn_user
from skvae.models import Architecture


class SkvaeVersionWarning(InconsistentVersionWarning):
    """A pickle was written by another version of skvae."""

    def __str__(self) -> str:
        return (
            f"A {self.estimator_name} pickled by skvae {self.original_sklearn_version} is read by skvae "
            f"{self.current_sklearn_version}, which may break or change results. Fit it again, or move models between "
            f"versions with save and load."
        )


def version() -> str:
    """Version of the package, which is written in its root, and which nothing below imports."""
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
    architecture = state.pop("_architecture")
    state["_sizes"] = [list(architecture.hidden_layer_sizes), list(architecture.sizes_beside)]
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
        sizes = state.pop("_sizes", None) or [state.pop("_hidden_layer_sizes")]  # as earlier releases had it
        state["_architecture"] = Architecture.of(state["_fitted_with"], *sizes)
        state["vae_"] = rebuilt(state["_architecture"], state["table_"], weights)
        state["device_"] = torch.device("cpu")
    before = state.pop("_skvae_version", "of an unknown version")
    if before != version():
        warn_user(
            SkvaeVersionWarning(estimator_name=name, current_sklearn_version=version(), original_sklearn_version=before)
        )
    return state
