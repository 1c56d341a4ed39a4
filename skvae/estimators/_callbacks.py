"""scikit-learn's callbacks, of version 1.9 and still experimental there: the only file that knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import sklearn
from sklearn.base import BaseEstimator

from skvae.models import Fit

try:
    import sklearn.callback as api
except ImportError:  # before 1.9
    api = None

__all__ = ["CallbackMixin", "Following", "follow", "has_callbacks", "with_callbacks"]

Attributes = Callable[[Fit], dict[str, Any]]  # from a fit to the fitted attributes of an estimator
Method = TypeVar("Method", bound=Callable[..., Any])


def with_callbacks(method: Method) -> Method:
    """The method, after which callbacks are torn down, whatever happens in it."""
    if api is None:
        return method
    wrapped: Method = api.with_callbacks(method)
    return wrapped


class CallbackMixin(getattr(api, "CallbackSupportMixin", object)):  # type: ignore[misc]
    """Adds ``set_callbacks`` to an estimator whose fit tells them."""

    def set_callbacks(self, *callbacks: Any) -> Any:
        """Choose who is told how ``fit`` and ``fit_chunks`` go; nothing changes the weights but a wish to stop.

        The fit is one task, and each epoch, never a batch, a task in it. A callback whose ``on_fit_task_end`` answers
        True after an epoch ends the training with the best weights so far. Callbacks may ask for ``X``, ``y`` (X where
        there is none) and ``fitted_estimator``, the estimator as if the fit had stopped there, but for the steps after
        training that match a learned prior and the frequencies of the chain.

        Parameters
        ----------
        *callbacks : callback instances
            Callbacks of ``sklearn.callback``, such as ``ProgressBar()`` or
            ``ScoringMonitor(scoring={"elbo": function})``, or your own; none at all removes those there are. A
            ``ProgressBar`` belongs on the outermost estimator, a ``Pipeline`` or a search, which hands it on.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            Before scikit-learn 1.9.
        TypeError
            Where something is no callback.
        """
        if api is None:
            raise ImportError(
                f"Callbacks need scikit-learn 1.9 or newer, but {sklearn.__version__} is installed. Run: pip install "
                f"'scikit-learn>=1.9', or use verbose=1."
            )
        return super().set_callbacks(*callbacks)


def has_callbacks(estimator: object) -> bool:
    """Whether anyone listens."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def follow(estimator: BaseEstimator, X: object, y: object, attributes: Attributes) -> Following | None:
    """What the callbacks of an estimator are told of its fit; None where it has none."""
    if not has_callbacks(estimator):
        return None
    return Following(estimator, X, y, attributes)


class Following:
    """Tells callbacks of a fit, which is one task, and of its epochs, which are the tasks in it.

    Parameters
    ----------
    estimator : VAETransformer
        Estimator that is being fitted.
    X, y
        What it was called with. Without a y, callbacks get X in its place, which an autoencoder aims at:
        ``ScoringMonitor`` of scikit-learn 1.9 scores nothing without one.
    attributes : callable
        From a fit to the fitted attributes of the estimator.
    """

    def __init__(self, estimator: BaseEstimator, X: object, y: object, attributes: Attributes) -> None:
        self.estimator, self.attributes = estimator, attributes
        self.rows = {"estimator": estimator, "X": X, "y": X if y is None else y}
        self.n_left = 0
        self.fit: Any = None
        self.epoch: Any = None

    def begin(self, n_epochs: int) -> None:
        """Training starts, and takes so many epochs at most; 0 where it was done ahead."""
        self.fit = self.estimator._init_callback_context(max_subtasks=n_epochs)
        self.fit.call_on_fit_task_begin(**self.rows)
        self.n_left = n_epochs
        self._begin_epoch()

    def after_epoch(self, *, goes_on: bool, fit: Callable[[], Fit]) -> bool:
        """An epoch has ended; the answer is whether a callback wants to stop."""
        if self.epoch is None:  # of another training
            self._begin_epoch()
        if self.epoch is None:  # it began again with a smaller batch, and takes more epochs than were announced
            return False
        stops = self.epoch.call_on_fit_task_end(**self.rows, reconstruction_attributes=lambda: self.attributes(fit()))
        self.epoch = None
        if goes_on and not stops:
            self._begin_epoch()
        return bool(stops)

    def end(self) -> None:
        """The estimator is fitted."""
        if self.fit is None:  # the fit was trained ahead
            self.begin(0)
        if self.epoch is not None:  # Ctrl-C
            self.epoch.call_on_fit_task_end(**self.rows)
        self.fit.call_on_fit_task_end(**self.rows, reconstruction_attributes={})

    def _begin_epoch(self) -> None:
        if self.n_left:
            self.n_left -= 1
            self.epoch = self.fit.subcontext(task_name="epoch").call_on_fit_task_begin(**self.rows)
