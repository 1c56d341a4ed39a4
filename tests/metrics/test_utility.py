import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score

from skvae.metrics import downstream_score


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 2))
    noisy = x[:, 0] + 0.5 * rng.normal(size=n_rows)
    return pd.DataFrame(
        {
            "x": x[:, 0],
            "word": np.where(x[:, 1] > 0, "up", "down"),
            "number": 3 * noisy,
            "class": np.select([noisy < -0.5, noisy > 0.5], ["low", "high"], "mid"),
            "flag": noisy > 0,
        }
    )


TRAIN, TEST = draw(400, 0), draw(300, 1)
X, X_TEST = (t.assign(word=(t["word"] == "up").astype(float))[["x", "word"]].to_numpy() for t in (TRAIN, TEST))


def score(target, train=TRAIN, test=TEST):
    return downstream_score(train[["x", "word", target]], test[["word", target, "x"]], target, random_state=0)


def test_number_is_judged_by_the_root_mean_squared_error():
    model = HistGradientBoostingRegressor(early_stopping=False).fit(X, TRAIN["number"])
    error = np.sqrt(np.mean((model.predict(X_TEST) - TEST["number"]) ** 2))
    assert score("number") == pytest.approx(error)
    assert 1.4 < error < 2  # the noise is 1.5


@pytest.mark.parametrize("target", ["flag", "class"])
def test_category_is_judged_by_roc_auc(target):
    model = HistGradientBoostingClassifier(early_stopping=False).fit(X, TRAIN[target])
    scores = model.predict_proba(X_TEST)
    auc = roc_auc_score(TEST[target], scores[:, 1] if target == "flag" else scores, multi_class="ovr")
    assert score(target) == pytest.approx(auc)
    assert auc > 0.75


def test_shuffled_columns_teach_nothing():
    rng = np.random.default_rng(0)
    shuffled = TRAIN.apply(lambda column: rng.permutation(column))
    assert abs(score("flag", train=shuffled) - 0.5) < 0.1
    assert score("number", train=shuffled) > 1.8 * score("number")


def test_a_target_may_be_any_dtype():
    train = TRAIN.astype({"number": "Float64", "flag": "category", "word": "string[pyarrow]"})
    assert score("number", train) == pytest.approx(score("number"))
    assert score("flag", train) == pytest.approx(score("flag"))
    seconds = [t.assign(number=pd.to_timedelta(t["number"], unit="s")) for t in (TRAIN, TEST)]
    assert score("number", *seconds) == pytest.approx(score("number"), rel=1e-4)


def test_rows_without_target_are_left_out():
    train, test = (pd.concat([t, t.assign(flag=None)]).astype({"flag": "boolean"}) for t in (TRAIN, TEST))
    assert score("flag", train, test) == score("flag")


def test_an_unseen_category_is_a_missing_cell():
    assert score("flag", test=TEST.assign(word="new")) == score("flag", test=TEST.assign(word=None))
    assert score("flag", train=TRAIN.assign(word=None)) > 0.75  # a column without any level


def test_a_class_that_training_lacks_is_chance():
    without = TRAIN[TRAIN["class"] != "high"]
    model = HistGradientBoostingClassifier(early_stopping=False).fit(X[TRAIN["class"] != "high"], without["class"])
    scores = dict(zip(model.classes_, model.predict_proba(X_TEST).T, strict=True))
    known = [roc_auc_score(TEST["class"] == level, scores[level]) for level in ("low", "mid")]
    assert score("class", train=without) == pytest.approx((sum(known) + 0.5) / 3)
    assert score("flag", train=TRAIN[TRAIN["flag"]]) == 0.5


@pytest.mark.parametrize(
    ("train", "test", "target", "message"),
    [
        (TRAIN, TEST, "income", r"target must be a column, but 'income' is none of \['x', 'word'.*Name one"),
        (TRAIN[["x"]], TEST[["x"]], "x", "needs other columns to predict it from, but 'x' is alone. Pass"),
        (TRAIN, TEST.assign(flag=None), "flag", "all 300 cells of 'flag' in test are missing. Pass"),
        (TRAIN, TEST.assign(flag=True), "flag", "ROC AUC needs two classes, but every row of test has 'flag' = True"),
    ],
)
def test_targets_that_cannot_be_judged_get_a_sentence(train, test, target, message):
    with pytest.raises(ValueError, match=message):
        downstream_score(train, test, target)
