import pandas as pd
import pytest

from skvae.metrics import report, rules_held
from skvae.metrics.rules import constraints_section, in_percent
from tests.tables.rules.ruled import orders

pytestmark = pytest.mark.usefixtures("small_classifiers")

RULES = ["total = net + tax", "quantity >= 1"]


def test_shares_of_rows_that_keep_rules():
    real, synthetic = orders(200), orders(300, seed=1)
    synthetic.loc[:29, "total"] += 1
    shares = rules_held(real, synthetic, RULES)
    assert shares["real"].tolist() == [1, 1]
    assert shares["synthetic"].tolist() == [pytest.approx(0.9), 1]


def test_functions_are_those_of_the_real_rows():
    real = pd.DataFrame({"a": ["x", "y"] * 5, "b": [1, 2] * 5})
    shares = rules_held(real, real.assign(b=1), ["b = f(a)"])
    assert shares.loc["b = f(a)"].tolist() == [1, 0.5]


def test_a_report_shows_them():
    real = orders(200)
    result = report(real, orders(200, seed=1), constraints=RULES, random_state=0)
    assert result.rules.index.tolist() == RULES
    assert "total = net + tax" in str(result)
    assert report(real, orders(200, seed=1), random_state=0).rules is None


def test_the_page_has_a_section_for_them():
    pytest.importorskip("matplotlib")
    page = report(orders(100), orders(100, seed=1), constraints=["discount <= net"], random_state=0).to_html()
    assert "<h2>Rules</h2>" in page
    assert "discount &lt;= net" in page
    assert constraints_section(None) == ""


def test_only_all_rows_are_a_hundred_percent():
    assert [in_percent(share) for share in (1.0, 0.999999, 0.25)] == ["100%", "99.99%", "25%"]
