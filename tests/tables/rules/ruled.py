"""Tables with rules, of any number of rows."""

import numpy as np
import pandas as pd

from skvae.tables.rules.draft import Draft
from skvae.tables.rules.rulebook import quantities_of


def stays(n, seed=0):
    """Dates in order, a number of days between two, and the quarter of one."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 2500, n), "D")
    length = rng.gamma(1.5, 20, n).round().astype(int)
    end = start + pd.to_timedelta(length, "D")
    return pd.DataFrame(
        {
            "region": rng.choice(["north", "south", "east"], n),
            "start": start,
            "end": end,
            "paid": end + pd.to_timedelta(rng.gamma(2, 15, n).round(), "D"),
            "length of stay": length,
            "quarter": "Q" + pd.Series(start).dt.quarter.astype(str),
        }
    )


def orders(n, seed=0):
    """A total, of a product less a discount, and a tax, in cents."""
    rng = np.random.default_rng(seed)
    quantity, price = rng.poisson(3, n) + 1, rng.lognormal(2, 0.6, n).round(2)
    discount = np.where(rng.random(n) < 0.3, (price * quantity * rng.choice([0.1, 0.2], n)).round(2), 0.0)
    net = (price * quantity - discount).round(2)
    tax = (net * 0.19).round(2)
    kind = rng.choice(["web", "shop"], n)
    columns = {"quantity": quantity, "price": price, "discount": discount, "net": net, "tax": tax}
    return pd.DataFrame(columns | {"total": (net + tax).round(2), "kind": kind})


def purchases(n, seed=0):
    """Numbers that are computed from one another: a product, a tax and a total in cents."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"pieces": rng.integers(1, 12, n), "price": (rng.gamma(3, 20, n) + 1).round(2)})
    X["net"] = (X["price"] * X["pieces"]).round(2)
    X["tax"] = (0.2 * X["net"]).round(2)
    return X.assign(total=(X["net"] + X["tax"]).round(2), kind=rng.choice(["a", "b"], n))


def budgets(n, seed=0):
    """Shares that sum to 1."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([2, 3, 4, 1.0], n)
    return pd.DataFrame(
        {"age": rng.integers(18, 90, n)} | dict(zip(["rent", "food", "fun", "saved"], shares.T, strict=True))
    )


def weather(n, seed=0):
    """Smallest, mean and largest value, and their range."""
    rng = np.random.default_rng(seed)
    low, mean, high = np.sort(rng.normal(20, 5, (n, 3)) + rng.normal(0, 6, (n, 1)), axis=1).round(1).T
    columns = {"mean": mean, "min": low, "max": high, "range": (high - low).round(1)}
    return pd.DataFrame({"station": rng.choice(list("ABCD"), n)} | columns)


def people(n, seed=0):
    """A country that follows from a city, and a currency that follows from the country."""
    rng = np.random.default_rng(seed)
    city = rng.choice(40, n, p=np.random.default_rng(1).dirichlet(np.full(40, 3.0)))
    country = np.array(["DE", "FR", "IT", "ES", "PL"])[city % 5]
    income = (rng.lognormal(10, 0.4, n) * (1 + city % 5 / 5)).round()
    return pd.DataFrame(
        {
            "country": country,
            "city": np.char.add("city ", city.astype(str)),
            "income": income,
            "currency": np.where(country == "PL", "PLN", "EUR"),
            "member": rng.random(n) < 0.4,
        }
    )


def patients(n, seed=0):
    """An age that follows from a day of birth, a body mass index, and groups of both."""
    rng = np.random.default_rng(seed)
    born = pd.Series(pd.Timestamp("1940-05-18") + pd.to_timedelta(rng.integers(0, 24_837, n), "D"))
    age = 2024 - born.dt.year - (born.dt.month * 100 + born.dt.day > 517)
    height, weight = rng.uniform(1.55, 1.9, n).round(3), rng.gamma(25, 3, n).round(1)
    bmi = (weight / height**2).round(1)
    columns = {
        "born": born,
        "age": age,
        "age group": np.array(["young", "adult", "old"])[(age >= 30) + 1 * (age >= 65)],
    }
    classes = np.array(["under", "normal", "over", "obese"])[np.searchsorted([18.5, 25, 30], bmi, side="right")]
    return pd.DataFrame(columns | {"height": height, "weight": weight, "bmi": bmi, "weight_class": classes})


def jumps(n, seed=0):
    """The best and the worst of three attempts, and the later of two days."""
    rng = np.random.default_rng(seed)
    attempts = (rng.normal(6, 0.6, (n, 1)) + rng.normal(0, 0.3, (n, 3))).round(2)
    X = pd.DataFrame(attempts, columns=["first", "second", "third"])
    X = X.assign(best=attempts.max(axis=1), worst=attempts.min(axis=1))
    X["sent"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D")
    X["seen"] = X["sent"] + pd.to_timedelta(rng.integers(-90, 90, n), "D")
    return X.assign(closed=X[["sent", "seen"]].max(axis=1))


TABLES = {
    "stays": stays,
    "orders": orders,
    "budgets": budgets,
    "weather": weather,
    "people": people,
    "patients": patients,
    "jumps": jumps,
}
FOUND = {
    "stays": ["`length of stay` = days(end - start)", "quarter = f(quarter(start))", "start <= end", "end <= paid"],
    "orders": ["total = net + tax", "tax = 0.19 * net"],
    "budgets": ["rent + food + fun + saved = 1"],
    "weather": ["max = min + range", "mean <= max", "min <= mean"],
    "people": ["country = f(city)", "currency = f(country)"],
    "jumps": ["best = max(first, second, third)", "worst = min(first, second, third)", "closed = max(sent, seen)"],
    "patients": [
        "bmi = weight / height / height",
        "age = step(born)",
        "`age group` = step(age)",
        "weight_class = step(bmi)",
    ],
}


def with_gaps(X, share, seed=0):
    """X with a share of its cells missing, whole numbers in a dtype that can miss some."""
    whole = {name: "Int64" for name in X if pd.api.types.is_integer_dtype(X[name])}
    is_gap = np.random.default_rng(seed).random(X.shape) < share
    return X.astype(whole).mask(is_gap)


def shuffled(X, seed=0):
    """Columns that say nothing of one another."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: X[name].to_numpy()[rng.permutation(len(X))] for name in X}).astype(X.dtypes)


def draft_of(rows, *rules):
    """Rows all of whose cells are free, as rules read them."""
    return Draft(rows, quantities_of(rows, rules))
