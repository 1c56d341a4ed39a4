import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skvae.identifiers import Seen, digests


def test_what_was_seen_is_never_new():
    texts = [f"name {i}" for i in range(5000)]
    assert Seen.of(digests(texts)).may_hold(texts).all()


def test_one_new_value_in_eight_may_have_been_seen():
    seen = Seen.of(digests(f"name {i}" for i in range(5000)))
    share = seen.may_hold(f"other {i}" for i in range(20_000)).mean()
    assert 1 - np.exp(-1 / 8) == pytest.approx(share, abs=0.01)


def test_a_byte_is_kept_for_each_value():
    assert len(Seen.of(digests(map(str, range(5000)))).bits) == 5000
    assert len(Seen.of(np.empty(0, dtype=np.uint64)).bits) == 1


def test_a_digest_is_that_of_the_text_alone():
    assert_array_equal(digests(["a", "b", "a"]) == digests(["a"]), [True, False, True])
    assert int(digests(["skvae"])[0]) == 0xE1721D0C8B8F8CD5  # in every release: files hold what was made of it
    assert len(set(digests(["", "\ud800", "é"]).tolist())) == 3


@pytest.mark.parametrize("bits", [[], [0, 0, 0, 255], [255] * 9])
def test_no_free_places_are_refused(bits):  # nothing new would ever be found
    with pytest.raises(ValueError, match="at most one of 8 places"):
        Seen(np.array(bits, dtype=np.uint8))
