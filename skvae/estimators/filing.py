"""How a fitted estimator leaves memory and comes back: files, pickles, ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from skvae.files import load, pickled, save, to_onnx, unpickled
from skvae.models import Network
from skvae.training import settings_of_its_own


class FilesMixin:
    """Adds ``save``, ``load`` and ``to_onnx`` to an estimator, and pickles that load on a machine without its GPU."""

    _date_formats: dict[str, str]  # how a file of text writes them, which the command line keeps

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted model to a file that holds numbers and text, and no code.

        The file is one of safetensors, with a document in JSON: parameters, fitted attributes, what is known of the
        columns, and the weights. Unlike a pickle it can be loaded from a stranger, and with later releases. Needs
        ``python -m pip install skvae[save]``.

        Parameters
        ----------
        path : path-like
            Where to write; a file that is there is replaced once the new one is complete.

        Raises
        ------
        ValueError
            Where a file cannot hold something, such as categories of a class of your own; nothing is written then.

        See Also
        --------
        joblib.dump : Holds anything, but runs code when it is loaded.
        skops.io.dump : Holds whole pipelines; load it with trusted=["skvae.estimators.transformer.VAETransformer"].

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn.datasets import load_iris
        >>> from skvae import VAETransformer
        >>> X = load_iris().data
        >>> vae = VAETransformer(2, max_iter=2, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     vae.save(os.path.join(folder, "iris.safetensors"))
        ...     again = VAETransformer.load(os.path.join(folder, "iris.safetensors"))
        >>> bool((again.transform(X) == vae.transform(X)).all())
        True
        """
        check_is_fitted(self)
        save(self, path)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *,
        encoder: Network | None = None,
        decoder: Network | None = None,
        classes: Sequence[type] = (),
    ) -> Self:
        """Read a model that ``save`` wrote: no code in the file is run, and nothing that it names is imported.

        Parameters
        ----------
        path : path-like
            The file.
        encoder, decoder : callable (n_in, n_out) -> torch.nn.Module, optional
            Your own networks, where the model was fitted with such: the file has their weights only.
        classes : sequence of type
            Your own likelihoods, priors or schedules, where the model was fitted with such.

        Returns
        -------
        VAETransformer
            The fitted estimator, on the CPU, bit for bit what it was.

        Raises
        ------
        ValueError
            Where the file is no model, damaged, tampered with or of a newer format, or where something of yours is
            missing.
        """
        with settings_of_its_own():
            loaded: Self = load(cls, path, {"encoder": encoder, "decoder": decoder}, classes)
        return loaded

    def to_onnx(self, path: str | PathLike[str], part: str = "encoder") -> None:
        """Write the encoder or the decoder as an ONNX graph, which runs without Python.

        The graph reads and writes one array of numbers of any number of rows, so the model must have been fitted on an
        array, or on a DataFrame of numbers and booleans. Needs ``python -m pip install skvae[onnx]``.

        Parameters
        ----------
        path : path-like
            Where to write.
        part : {"encoder", "decoder"}, default="encoder"
            "encoder" is ``transform``: from X, float32 of shape (n_rows, n_columns) in the units of the data with NaN
            for missing cells, to Z, float32 of shape (n_rows, n_components). "decoder" is ``inverse_transform``: from
            Z to X; int64 or bool where an array of whole numbers or booleans was fitted, float32 otherwise. Not for
            ``decoder="autoregressive"``.

        Raises
        ------
        ValueError
            Where columns are text or dates, or decoded one after another.

        Examples
        --------
        Run it with ``onnxruntime.InferenceSession("encoder.onnx").run(["Z"], {"X": X.astype("float32")})``.
        """
        check_is_fitted(self)
        with settings_of_its_own():
            to_onnx(self, path, part)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return pickled(dict(state))

    def __setstate__(self, state: dict[str, Any]) -> None:
        with settings_of_its_own():
            super().__setstate__(unpickled(type(self).__name__, state))  # type: ignore[misc]
