"""Grid search that trains its candidates together."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from numbers import Real
from typing import Any, ClassVar, NamedTuple, Self

import joblib
import numpy as np
from joblib import parallel_config
from joblib.parallel import get_active_backend
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skvae.estimators._callbacks import has_callbacks
from skvae.estimators._compat import Documented, Interval, safe_split
from skvae.estimators.input import read_rows, unchanged_on_error
from skvae.estimators.transformer import VAETransformer
from skvae.files import fit_together_kept
from skvae.messages import each_once
from skvae.models import STACKED, Fit, Run, decide, fit_together, is_stackable, n_folds
from skvae.models.shelf import shelf, shelf_key
from skvae.models.stack import MAX_STACK
from skvae.tables import to_pandas
from skvae.training import resolve_device

Scoring = str | Callable[..., Any] | Sequence[str] | Mapping[str, Any] | None
Splitter = int | Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]] | Any  # or one of scikit-learn


Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]  # as ``delayed`` makes it

WORTH = 10.0  # seconds of training that are worth the start of processes, each of which imports torch


class VAESearchCV(Documented, GridSearchCV):
    """Exhaustive search over parameters, with all candidates on the same rows trained as one model.

    A drop-in for :class:`sklearn.model_selection.GridSearchCV` around a ``VAETransformer``, or a ``Pipeline`` that ends
    in one. Candidates that differ in ``n_components``, ``beta``, ``free_bits``, ``learning_rate`` or ``weight_decay``
    are stacked: their weights get one more axis, and each keeps the seed, the early stopping and the best weights that
    it would have alone, so the scores are those of ``GridSearchCV`` up to rounding. What else differs makes a stack of
    its own, and what cannot be stacked (``decoder="autoregressive"``, networks of your own, learned priors,
    ``dropout``, weighted rows, an estimator with callbacks of its own) is fitted as ``GridSearchCV`` would fit it.
    Candidates are compared without the models beside them that draw and fill rows of a DataFrame, of which the score
    says nothing: only the best has these. A ``scoring`` of your own judges whole fits of a DataFrame, one by one,
    unless ``decoder="factorized"``.

    Parameters
    ----------
    estimator : VAETransformer or Pipeline
        What is fitted. A pipeline is stacked if its last step is a ``VAETransformer``.
    param_grid : dict or list of dicts
        Values to try, by name.
    scoring : str, callable, list, tuple or dict, default=None
        How to judge a candidate; by default its ``score``, the mean held-out ELBO.
    n_jobs : int, default=None
        Stacks trained at the same time, in processes; scores are computed in this process. None: the first stack is
        trained here, and where the others would take longer than it takes to start processes, each core gets one. On a
        GPU, within other workers, and under ``joblib.parallel_config(n_jobs=...)``, None means what it does elsewhere.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all rows.
    cv : int, splitter or iterable, default=None
        How rows are split; five folds by default.
    verbose : int, default=0
        1 says how many candidates are trained together; more is as in ``GridSearchCV``.
    factor : float, default=None
        Successive halving while the stack trains: after 1 / ``factor`` ² of the passes and after 1 / ``factor``, one in
        ``factor`` of the candidates of a stack goes on, by its ELBO on rows that it holds out itself. The others keep
        what they have learned until then. None trains all to their end.
    error_score : "raise" or number, default=nan
        Score of a candidate whose fit fails.
    return_train_score : bool, default=False
        Whether to score the training rows too.

    Attributes
    ----------
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_, multimetric_
        What ``GridSearchCV`` has under these names. ``mean_fit_time`` is a candidate's share of the time of its stack.

    See Also
    --------
    sklearn.model_selection.GridSearchCV : Works too, one fit after another.

    Notes
    -----
    Callbacks of the search hear of a candidate that was trained in a stack when it is scored, and of no epochs of it;
    ``GridSearchCV`` shows these.

    References
    ----------
    Jamieson and Talwalkar (2016), Non-stochastic best arm identification, algorithm 1, for successive halving.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAESearchCV, VAETransformer
    >>> vae = VAETransformer(max_iter=20, random_state=0)
    >>> search = VAESearchCV(vae, {"n_components": [1, 2, 3]}, cv=3).fit(load_iris().data)
    >>> len(search.cv_results_["mean_test_score"]), search.transform(load_iris().data).shape[0]
    (3, 150)
    """

    cv: Any
    n_jobs: int | None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: rule for name, rule in GridSearchCV._parameter_constraints.items() if name != "pre_dispatch"},
        "factor": [Interval(Real, 1, None, closed="neither"), None],
    }

    def __init__(
        self,
        estimator: BaseEstimator,
        param_grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
        *,
        scoring: Scoring = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Splitter = None,
        verbose: int = 0,
        factor: float | None = None,
        error_score: str | float = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.factor = factor

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Self:
        """Train all candidates, and keep the best.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
        y : array-like of shape (n_rows,), optional
            For splitters and scorers that want it.
        **params : dict of str -> object
            ``groups`` goes to the splitter; others, such as ``sample_weight``, to the estimator, and then candidates
            are fitted one after another.

        Returns
        -------
        self
        """
        with unchanged_on_error(self), each_once():
            return self._search(X, y, params)

    def _search(self, X: ArrayLike, y: ArrayLike | None, params: Mapping[str, Any]) -> Self:
        self._validate_params()
        given, (X, y) = (self.cv, self.n_jobs), indexable(X, y)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, groups=params.get("groups")))
        self._seconds = np.zeros((len(ParameterGrid(self.param_grid)), len(splits)))
        fits = {} if set(params) - {"groups"} else self._train_together(X, y, splits)
        if fits and not get_config()["enable_metadata_routing"]:
            self.cv = splits  # a splitter without a seed would split otherwise now
        self.n_jobs = None if fits else self.n_jobs
        with shelf(fits), parallel_config("sequential") if fits else nullcontext():  # the shelf is in this process
            super().fit(X, y, **params)
        self.cv, self.n_jobs = given
        del self._seconds
        return self

    def _train_together(self, X: ArrayLike, y: ArrayLike | None, splits: list[tuple[Any, Any]]) -> dict[str, Fit]:
        """Fits of all candidates that can be stacked, by their name on the shelf."""
        families: dict[str, list[Member]] = {}
        judged_whole = self.scoring is not None and hasattr(X, "columns")  # perhaps by what models beside the VAE say
        for position, params in enumerate(ParameterGrid(self.param_grid)):
            member = Member.of(position, clone(self.estimator), params, judged_whole=judged_whole)
            if member is not None:
                families.setdefault(member.family(), []).append(member)
        n_stacked = sum(map(len, families.values()))
        n_together = max(1, MAX_STACK // (n_folds(min((len(train) for train, _ in splits), default=0)) + 1))
        if self.verbose:
            print(f"{n_stacked} of {len(self._seconds)} candidates are trained together, the others one by one.")
        stacks = []
        for members in families.values():
            members.sort(key=lambda member: int(member.vae.n_components))
            n_stacks = 1 if self.factor is not None else math.ceil(len(members) / n_together)
            stacks += [members[part[0] : part[-1] + 1] for part in np.array_split(range(len(members)), n_stacks)]
        n_rows = getattr(X, "shape", (0,))[0] if hasattr(X, "columns") else 0  # of a refit, which is to be whole
        tasks = [(members, s) for members in stacks for s, (train, _) in enumerate(splits) if len(train) != n_rows]
        calls = [
            delayed(train_members)(self.estimator, members, X, y, splits[split][0], self.factor)
            for members, split in tasks
        ]
        trained = self._in_processes(calls)
        shelved: dict[str, Fit] = {}
        for (members, split), (fits, seconds) in zip(tasks, trained, strict=True):
            shelved |= fits
            for member in members:
                self._seconds[member.position, split] = seconds / len(members)
        return shelved

    def _in_processes(self, calls: list[Call]) -> list[tuple[dict[str, Fit], float]]:
        """What the calls answer, in as many processes as ``n_jobs`` says, or as are worth their start."""
        if self.n_jobs is not None or not has_idle_cores(self.estimator):
            return list(Parallel(n_jobs=self.n_jobs)(calls))
        first = list(Parallel(n_jobs=1)(calls[:1]))
        seconds_left = sum(seconds for _, seconds in first) * (len(calls) - 1)
        n_jobs = joblib.cpu_count() if seconds_left > WORTH else 1
        return first + list(Parallel(n_jobs=n_jobs)(calls[1:]))

    def _format_results(self, candidate_params: Any, n_splits: int, out: Any, more_results: Any = None) -> Any:
        for result, seconds in zip(out, self._seconds.flat, strict=True):
            result["fit_time"] += seconds
        return super()._format_results(candidate_params, n_splits, out, more_results)

    def __sklearn_tags__(self) -> Any:
        tags, of_estimator = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.transformer_tags = of_estimator.transformer_tags
        tags.input_tags.allow_nan = of_estimator.input_tags.allow_nan
        return tags

    @available_if(lambda self: hasattr(self._best(), "transform"))
    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Any:
        """Search, and return what the best model makes of the rows."""
        return self.fit(X, y, **params).transform(X)

    @available_if(lambda self: hasattr(self._best(), "sample"))
    def sample(self, n_samples: int | None = None, **options: Any) -> Any:
        """New rows from the best model: see ``VAETransformer.sample``."""
        check_is_fitted(self)
        if not self.refit:
            raise AttributeError("sample needs the best model, but refit=False keeps none. Use refit=True.")
        return self.best_estimator_.sample(n_samples, **options)

    @available_if(lambda self: hasattr(self._best(), "get_feature_names_out"))
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Any:
        """Names of the columns of transform, as the best model has them."""
        check_is_fitted(self)
        return self.best_estimator_.get_feature_names_out(input_features)

    @available_if(lambda self: hasattr(self._best(), "set_output"))
    def set_output(self, *, transform: str | None = None) -> Self:
        """Container of transform, as in scikit-learn's transformers."""
        for estimator in {id(one): one for one in (self.estimator, self._best())}.values():
            estimator.set_output(transform=transform)
        return self

    def _best(self) -> Any:
        return getattr(self, "best_estimator_", self.estimator)


class Member(NamedTuple):
    """A candidate that can be stacked.

    Attributes
    ----------
    position : int
        In the grid.
    front : Pipeline or None
        The steps before the model.
    vae : VAETransformer
        The model, with the parameters of the candidate.
    """

    position: int
    front: Pipeline | None
    vae: VAETransformer

    @classmethod
    def of(
        cls, position: int, estimator: BaseEstimator, params: Mapping[str, Any], *, judged_whole: bool
    ) -> Self | None:
        """The candidate, or None if it has to be fitted alone, also because the search will find it faulty."""
        try:
            estimator.set_params(**clone(params, safe=False))
            is_pipeline = isinstance(estimator, Pipeline)
            vae = estimator.steps[-1][1] if is_pipeline else estimator
            if not isinstance(vae, VAETransformer):
                return None
            vae._validate_params()
        except (ValueError, TypeError):
            return None
        front = estimator[:-1] if is_pipeline and len(estimator.steps) > 1 else None
        is_alone = vae.warm_start or has_callbacks(vae) or not is_stackable(vae)
        is_alone |= judged_whole and vae.decoder != "factorized"
        return None if is_alone else cls(position, front, vae)

    def family(self) -> str:
        """Equal for those that make a stack."""
        alike = {name: value for name, value in self.vae.get_params(deep=False).items() if name not in STACKED}
        return str(joblib.hash((None if self.front is None else self.front.get_params(), alike)))


def has_idle_cores(estimator: BaseEstimator) -> bool:
    """Whether training on the CPU may take other cores: nobody said how many, and this process is no worker."""
    backend, n_jobs = get_active_backend()
    if n_jobs is not None or backend.nesting_level or multiprocessing.parent_process() is not None:
        return False
    vae = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    try:
        return resolve_device(getattr(vae, "device", "cpu")).type == "cpu"
    except ValueError:  # the search will say so
        return False


def train_members(
    estimator: BaseEstimator,
    members: list[Member],
    X: ArrayLike,
    y: ArrayLike | None,
    train: NDArray[np.intp],
    factor: float | None,
) -> tuple[dict[str, Fit], float]:
    """Fits of some candidates on the training rows of one split, by their name on the shelf, and seconds."""
    start = time.perf_counter()
    try:
        rows, targets = safe_split(estimator, X, y, train)
        if members[0].front is not None:
            rows = clone(members[0].front).fit_transform(rows, targets)
        fits = fit_on([member.vae for member in members], rows, factor)
    except (ValueError, TypeError, MemoryError):  # the search meets it too, unless one fit at a time has the memory
        fits = {}
    return fits, time.perf_counter() - start


def fit_on(estimators: Sequence[VAETransformer], X: ArrayLike, factor: float | None) -> dict[str, Fit]:
    """Fits of several estimators to the same rows, by their name on the shelf."""
    first = estimators[0]
    frame, native = to_pandas(X)
    data = first._encoded(read_rows(first, frame, None), None, native)
    members = [estimator.get_params(deep=False) for estimator in estimators]
    names = [shelf_key(parameters, data.x) for parameters in members]
    run = Run(resolve_device(first.device), first._seed())
    plans = [decide(estimator, data.table, data.n_rows, run.device) for estimator in estimators]
    if first.checkpoint_dir is None:
        fits = fit_together(plans, data, run, factor)
    else:
        fits = fit_together_kept(members, plans, data, run, factor)
    return dict(zip(names, fits, strict=True))
