from skvae.tables.rules.order import Order, closed
from skvae.tables.rules.reading import read_rules


def test_what_follows_comes_after_what_it_follows_from():
    rules = [rule for text in ("a = b * c", "b = f(d)", "e <= a") for rule in read_rules(text)]
    order = Order.of(rules, list("abcde"))
    assert order.names.index("a") > max(map(order.names.index, "bc"))
    assert order.names.index("b") > order.names.index("d")
    assert list(map(str, order.exact)) == ["b = f(d)", "a = b * c"]


def test_bounds_that_follow_from_others_are_known():
    (first,), (second,) = read_rules("a <= b"), read_rules("c > b")
    assert list(map(str, closed([first, second]))) == ["a <= b", "c > b", "a < c"]


def test_a_strict_bound_stays_strict_however_often_it_is_said():
    for texts in (["a < b", "`a` <= b", "b <= c"], ["b <= c", "`a` <= b", "a < b"]):
        rules = [rule for text in texts for rule in read_rules(text)]
        assert list(map(str, closed(rules))) == [*texts, "a < c"]
