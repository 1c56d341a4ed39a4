"""The generators that `tables.py` compares: each takes training rows and returns the function that draws n new rows."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

Sampler = Callable[[int], pd.DataFrame]
GAP = "missing"  # the level that stands for a missing category where a rival refuses gaps


def ours(train: pd.DataFrame, discrete: list[str], seed: int) -> Sampler:
    from skvae import VAETransformer

    vae = VAETransformer(n_components=10, random_state=seed).fit(train)
    return lambda n: vae.sample(n, random_state=seed)


def independent(train: pd.DataFrame, discrete: list[str], seed: int) -> Sampler:
    """Bootstrap each column on its own: the shapes are right, every dependence is lost."""
    rng = np.random.default_rng(seed)
    return lambda n: pd.DataFrame({name: take(train[name], rng.integers(len(train), size=n)) for name in train})


def mixture(train: pd.DataFrame, discrete: list[str], seed: int, n_iter: int = 50, prior_rows: float = 1.0) -> Sampler:
    """EM for p(x) = Σ_k π_k Π_j θ_kj[x_j] over the codes of the cells; a code is decoded as one of its cells."""
    from scipy.sparse import csr_array
    from scipy.special import softmax

    rng = np.random.default_rng(seed)
    codes = np.column_stack([column_codes(train[name]) for name in train])
    ends = np.cumsum(codes.max(axis=0) + 1)
    spans = list(zip(np.r_[0, ends[:-1]], ends, strict=True))
    n_rows, n_columns = codes.shape
    columns = (codes + np.r_[0, ends[:-1]]).ravel()
    onehot = csr_array((np.ones(codes.size, np.float32), columns, np.arange(n_rows + 1) * n_columns))
    frequency = np.asarray(onehot.mean(axis=0))
    n_components = min(500, n_rows // 60)
    weights = np.full(n_components, 1 / n_components)
    seeds = onehot[rng.choice(n_rows, n_components, replace=False)].toarray()
    theta = 0.5 * frequency + 0.5 * seeds  # start: half a row, half the table
    for _ in range(n_iter):
        posterior = softmax(onehot @ np.log(theta.T).astype(np.float32) + np.log(weights).astype(np.float32), axis=1)
        mass = posterior.sum(axis=0)
        theta = ((onehot.T @ posterior).T + prior_rows * frequency) / (mass[:, None] + prior_rows)
        weights = (mass + 1e-3) / (mass + 1e-3).sum()

    def sample(n: int) -> pd.DataFrame:
        component = rng.choice(n_components, size=n, p=weights / weights.sum())
        cells = {}
        for j, (name, (start, end)) in enumerate(zip(train, spans, strict=True)):
            cumulated = theta[component, start:end].cumsum(axis=1)
            drawn = (rng.random((n, 1)) * cumulated[:, -1:] > cumulated[:, :-1]).sum(axis=1)
            order = np.argsort(codes[:, j])  # the cells of a code lie side by side
            first, count = np.searchsorted(codes[order, j], drawn), np.bincount(codes[:, j])[drawn]
            cells[name] = take(train[name], order[first + (rng.random(n) * count).astype(int)])
        return pd.DataFrame(cells)

    return sample


def copula(train: pd.DataFrame, discrete: list[str], seed: int) -> Sampler:
    """Gaussian copula over empirical margins; levels share out [0, 1], the most frequent first, as in SDV."""
    from copulas.multivariate import GaussianMultivariate
    from copulas.univariate import UniformUnivariate

    rng = np.random.default_rng(seed)
    uniform, cells = {}, {}
    for name in train:
        rank = train[name].map(train[name].value_counts().rank(method="first", ascending=False))
        key = rank if name in discrete else train[name]
        order = np.lexsort([rng.random(len(train)), key.fillna(np.inf)])  # equal cells in random order, gaps last
        cells[name] = take(train[name], order)
        uniform[name] = (np.argsort(order) + 0.5) / len(train)
    model = GaussianMultivariate(distribution=UniformUnivariate, random_state=seed)
    model.fit(pd.DataFrame(uniform))

    def sample(n: int) -> pd.DataFrame:
        u = model.sample(n)
        place = {name: (u[name].to_numpy() * len(train)).astype(int).clip(0, len(train) - 1) for name in train}
        return pd.DataFrame({name: cells[name][place[name]] for name in train})

    return sample


def tvae(train: pd.DataFrame, discrete: list[str], seed: int) -> Sampler:
    from ctgan import TVAE

    model = TVAE(enable_gpu=False)
    model.set_random_state(seed)
    model.fit(filled(train, discrete), discrete)
    return lambda n: restored(model.sample(n), train, discrete)


def ctgan(train: pd.DataFrame, discrete: list[str], seed: int) -> Sampler:
    from ctgan import CTGAN

    model = CTGAN(enable_gpu=False)
    model.set_random_state(seed)
    model.fit(filled(train, discrete), discrete)
    return lambda n: restored(model.sample(n), train, discrete)


def arf(train: pd.DataFrame, discrete: list[str], seed: int) -> Sampler:
    """Adversarial random forests."""
    np.in1d = np.isin  # noqa: NPY201 – arfpy 0.1.1 calls a name that NumPy 2.4 has removed
    from arfpy import arf as forests

    model = forests.arf(filled(train, discrete), verbose=False, random_state=seed)
    model.forde()
    return lambda n: restored(model.forge(n), train, discrete)


def forest_diffusion(
    train: pd.DataFrame, discrete: list[str], seed: int, n_noises: int = 10, n_levels: int = 20
) -> Sampler:
    """Flow matching with boosted trees. DIFFERS from its defaults: 10 noises a row and 20 levels, not 100 and 50."""
    from ForestDiffusion import ForestDiffusionModel

    class Writable(ForestDiffusionModel):
        def clean_onehot_data(self, X: np.ndarray) -> np.ndarray:
            return np.array(super().clean_onehot_data(X))  # pandas 3 hands out read-only arrays, into which it rounds

    target = train.columns[-1] if train.columns[-1] in discrete else None
    first = [name for name in train if name in discrete and name != target]  # its decoder confuses columns 1 and 11
    names = first + [name for name in train if name not in discrete]
    rows = filled(train, discrete)
    levels = {name: rows[name].unique() for name in discrete}
    coded = rows.assign(**{name: pd.Index(levels[name]).get_indexer(rows[name]) for name in discrete})
    model = Writable(
        coded[names].to_numpy(float),
        label_y=None if target is None else coded[target].to_numpy(),
        bin_indexes=[j for j, name in enumerate(first) if len(levels[name]) == 2],
        cat_indexes=[j for j, name in enumerate(first) if len(levels[name]) > 2],
        int_indexes=[j for j, name in enumerate(names) if pd.api.types.is_integer_dtype(train[name])],
        duplicate_K=n_noises,
        n_t=n_levels,
        n_jobs=1,
        seed=seed,
    )

    def sample(n: int) -> pd.DataFrame:
        drawn = pd.DataFrame(model.generate(n), columns=names if target is None else [*names, target])
        for name in discrete:
            drawn[name] = levels[name][drawn[name].astype(int)]
        return restored(drawn[list(train)], train, discrete)

    return sample


def cart(train: pd.DataFrame, discrete: list[str], seed: int, leaf: int = 5) -> Sampler:
    """Synthpop's method: for each column a tree of the earlier ones, whose leaves hand out cells of training rows.

    Nowok, Raab and Dibben (2016), synthpop. DIFFERS: scikit-learn's trees see levels as numbers, here in the order of
    what they say of the column, so that a cut parts levels that differ, as those of R's trees do.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rng, names = np.random.default_rng(seed), list(train)
    trees = {}
    for j, name in enumerate(names[1:], start=1):
        y, features = coded(train[name], name in discrete), Features(train, names[:j], name, discrete)
        kind = DecisionTreeClassifier if name in discrete else DecisionTreeRegressor
        tree = kind(min_samples_leaf=leaf, random_state=seed).fit(features.of(train), y)
        leaves = tree.apply(features.of(train))
        order = np.argsort(leaves, kind="stable")  # the rows of a leaf lie side by side
        trees[name] = features, tree, order, leaves[order]

    def sample(n: int) -> pd.DataFrame:
        rows = pd.DataFrame({names[0]: take(train[names[0]], rng.integers(len(train), size=n))})
        for name, (features, tree, order, leaves) in trees.items():
            found = tree.apply(features.of(rows))
            first, end = (np.searchsorted(leaves, found, side=side) for side in ("left", "right"))
            rows[name] = take(train[name], order[first + (rng.random(n) * (end - first)).astype(int)])
        return rows

    return sample


def boosting(train: pd.DataFrame, discrete: list[str], seed: int, n_bins: int = 50) -> Sampler:
    """Gradient boosting of each column given the earlier ones: probabilities of classes, numbers as quantile bins."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng, names = np.random.default_rng(seed), list(train)
    models = {}
    for j, name in enumerate(names[1:], start=1):
        codes = pd.factorize(train[name], use_na_sentinel=False)[0] if name in discrete else binned(train[name], n_bins)
        features = Features(train, names[:j], name, discrete)
        order = np.argsort(codes, kind="stable")  # the cells of a code lie side by side
        model = None
        if codes.max():
            model = HistGradientBoostingClassifier(max_iter=30, early_stopping=False, random_state=seed)
            model.fit(features.of(train), codes)
        models[name] = features, model, order, np.cumsum(np.append(0, np.bincount(codes)))

    def sample(n: int) -> pd.DataFrame:
        rows = pd.DataFrame({names[0]: take(train[names[0]], rng.integers(len(train), size=n))})
        for name, (features, model, order, ends) in models.items():
            drawn = np.zeros(n, int)
            if model is not None:
                cumulated = model.predict_proba(features.of(rows)).cumsum(axis=1)
                drawn = model.classes_[(rng.random((n, 1)) * cumulated[:, -1:] > cumulated[:, :-1]).sum(axis=1)]
            place = ends[drawn] + (rng.random(n) * (ends[drawn + 1] - ends[drawn])).astype(int)
            rows[name] = take(train[name], order[place])
        return rows

    return sample


MODELS = {
    "independent": independent,
    "mixture": mixture,
    "copula": copula,
    "tvae": tvae,
    "ctgan": ctgan,
    "arf": arf,
    "cart": cart,
    "boosting": boosting,
    "forest_diffusion": forest_diffusion,
    "ours": ours,
}
SLOW = {"forest_diffusion_defaults": partial(forest_diffusion, n_noises=100, n_levels=50)}  # run only when asked for
NEEDS = {
    "mixture": ["scipy.sparse", "scipy.special"],
    "copula": ["copulas.multivariate", "copulas.univariate"],
    "tvae": ["ctgan"],
    "ctgan": ["ctgan"],
    "arf": ["arfpy"],
    "cart": ["sklearn.tree"],
    "boosting": ["sklearn.ensemble"],
    "forest_diffusion": ["ForestDiffusion"],
    "forest_diffusion_defaults": ["ForestDiffusion"],
    "ours": ["skvae"],
}


def load(model: str) -> Callable[[pd.DataFrame, list[str], int], Sampler]:
    """A model whose packages are imported, so that the clock does not measure that."""
    for module in NEEDS.get(model, []):
        importlib.import_module(module)
    return (MODELS | SLOW)[model]


def take(values: pd.Series, rows: np.ndarray) -> pd.api.extensions.ExtensionArray | np.ndarray:
    """Cells of a column, in its dtype."""
    return values.array.take(rows)


def column_codes(values: pd.Series) -> np.ndarray:
    """Levels and repeated numbers are codes of their own, the other numbers share 100 quantile bins; so do gaps."""
    counts = values.map(values.value_counts())
    if not pd.api.types.is_numeric_dtype(values) or values.nunique() <= 100:
        return pd.factorize(values, use_na_sentinel=False)[0]
    rest = values.where(counts <= 0.01 * len(values))
    atoms = values.where(rest.isna())
    bins = pd.qcut(rest, 100, labels=False, duplicates="drop")
    return pd.factorize(pd.Series(list(zip(bins.fillna(-1), atoms.fillna(np.inf), strict=True))))[0]


def coded(values: pd.Series, is_discrete: bool) -> np.ndarray:
    """A column that a tree predicts: levels as codes, a gap as one more; numbers with gaps below all others."""
    if is_discrete:
        return pd.factorize(values, use_na_sentinel=False)[0]
    numbers = values.astype(float)
    return numbers.fillna(numbers.min() - numbers.std()).to_numpy()


def binned(values: pd.Series, n_bins: int) -> np.ndarray:
    """A number as the quantile bin that holds it: few values are bins of their own, and so is a gap."""
    if values.nunique() <= n_bins:
        return pd.factorize(values, use_na_sentinel=False)[0]
    bins = pd.qcut(values, n_bins, labels=False, duplicates="drop")
    return pd.factorize(bins, use_na_sentinel=False)[0]


class Features:
    """Earlier columns as trees read them: levels in the order of what they say of the column to predict."""

    def __init__(self, train: pd.DataFrame, names: list[str], target: str, discrete: list[str]) -> None:
        self.names, self.places = names, {}
        y = pd.Series(coded(train[target], target in discrete), index=train.index)
        if target in discrete:
            y = (y == y.mode()[0]).astype(float)  # the most frequent level against the rest
        for name in set(names) & set(discrete):
            means = y.groupby(train[name].astype(object).fillna(GAP)).mean()
            self.places[name] = means.rank(method="first")

    def of(self, rows: pd.DataFrame) -> np.ndarray:
        """Floats, a gap of a number as NaN. Shape: (N, number of names)."""
        columns = [
            rows[name].astype(object).fillna(GAP).map(self.places[name]) if name in self.places else rows[name]
            for name in self.names
        ]
        return np.column_stack([column.to_numpy(float, na_value=np.nan) for column in columns])


def filled(train: pd.DataFrame, discrete: list[str]) -> pd.DataFrame:
    """Rows without gaps, for the rivals that refuse them: medians, and one more level."""
    cells = {
        name: values.astype(str).where(values.notna(), GAP).astype(object)
        if name in discrete
        else values.astype(float).fillna(values.median())
        for name, values in train.items()
    }
    return pd.DataFrame(cells)


def restored(rows: pd.DataFrame, train: pd.DataFrame, discrete: list[str]) -> pd.DataFrame:
    """Back from ``filled``: levels as they were, numbers within the training range and with its decimals."""
    cells = {}
    for name, values in train.items():
        if name in discrete:
            levels = {str(level): level for level in values.dropna().unique()}
            cells[name] = rows[name].map(levels).astype(values.dtype)
            continue
        seen = values.dropna()
        decimals = next((d for d in range(10) if np.array_equal(seen.round(d), seen)), None)
        drawn = rows[name].astype(float).clip(seen.min(), seen.max())
        cells[name] = (drawn if decimals is None else drawn.round(decimals)).astype(values.dtype)
    return pd.DataFrame(cells)
