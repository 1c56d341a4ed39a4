import numpy as np
import pandas as pd
import pytest

from skvae.metrics import two_sample_auc, two_sample_score
from skvae.metrics.detection import score_of


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    return pd.DataFrame({"x": x, "y": x + 0.1 * rng.normal(size=n_rows), "word": rng.choice(["a", "b", None], n_rows)})


def test_tables_of_one_distribution_cannot_be_told_apart():
    auc = two_sample_auc(draw(800, 0), draw(600, 1), random_state=0)
    assert auc.shape == (3,)
    assert abs(auc.mean() - 0.5) < 0.04
    assert two_sample_score(draw(800, 0), draw(600, 1), random_state=0) > 0.9


def test_independent_columns_give_themselves_away():
    real, rng = draw(600, 0), np.random.default_rng(1)
    independent = real.apply(lambda column: rng.permutation(column))
    assert two_sample_score(real, independent, random_state=0) < 0.3


def test_one_category_apart_is_enough():
    real = draw(300, 0)
    assert two_sample_score(real, real.assign(word="c"), random_state=0) == 0
    assert two_sample_auc(real, draw(300, 1).assign(word=None), random_state=0).mean() > 0.75  # two thirds are observed


def test_columns_with_hardly_a_cell_are_no_obstacle():
    tables = [draw(60, seed).assign(gone=np.nan, rare=np.nan) for seed in (0, 1)]
    tables[0].loc[7, "rare"] = 1.0
    assert 0.3 < two_sample_auc(*tables, random_state=0).mean() < 0.7


def test_rows_of_a_sorted_table_do_not_make_folds():
    # one seed for rows and folds would make folds of blocks of rows, which the classifier has not seen
    real, rng = draw(600, 0).sort_values("x"), np.random.default_rng(1)
    independent = real.apply(lambda column: rng.permutation(column))
    scores = [two_sample_score(table, independent, random_state=0) for table in (real, draw(600, 0))]
    assert abs(scores[0] - scores[1]) < 0.1


def test_score_is_clipped_and_auc_is_not():
    assert score_of(np.array([0.2, 0.5, 0.9])) == pytest.approx(1 - 0.8 / 3)
    real = draw(200, 0)
    assert two_sample_auc(real, real.sample(frac=1, random_state=1), random_state=0).mean() < 0.4  # remembered rows
    assert two_sample_score(real, real, random_state=0) == 1


def test_the_same_seed_gives_the_same_folds():
    tables = draw(100, 0), draw(150, 1)
    first, second = (two_sample_auc(*tables, n_splits=2, random_state=3) for _ in range(2))
    assert first.shape == (2,)
    assert (first == second).all()


@pytest.mark.parametrize("n_splits", [1, 4])
def test_folds_need_rows(n_splits):
    with pytest.raises(ValueError, match=f"between 2 and the rows of the smaller table, 3, but is {n_splits}. Pass"):
        two_sample_auc(draw(3, 0), draw(9, 1), n_splits=n_splits)
