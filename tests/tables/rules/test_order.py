from skvae.tables.rules.constraints import read_rules
from skvae.tables.rules.order import Order, closed


def test_what_follows_comes_after_what_it_follows_from():
    rules = [rule for text in ("a = b * c", "b = f(d)", "e <= a") for rule in read_rules(text)]
    order = Order.of(rules, list("abcde"))
    assert order.names.index("a") > max(map(order.names.index, "bc"))
    assert order.names.index("b") > order.names.index("d")
    assert list(map(str, order.exact)) == ["b = f(d)", "a = b * c"]


def test_bounds_that_follow_from_others_are_known():
    (first,), (second,) = read_rules("a <= b"), read_rules("c > b")
    assert list(map(str, closed([first, second]))) == ["a <= b", "c > b", "a < c"]
