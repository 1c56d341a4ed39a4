from skvae.metrics import classifier_attack
from tests.metrics.attacks.people import people

TRAIN, FRESH, REFERENCE, MORE = (people(150, seed) for seed in range(4))


def test_the_same_seed_gives_the_same_forest():
    assert classifier_attack(TRAIN, FRESH, MORE, REFERENCE, random_state=1) == classifier_attack(
        TRAIN, FRESH, MORE, REFERENCE, random_state=1
    )
