import pytest
import torch

from skvae.training.noise import Noise, noise_by_model

LIKE, CPU = torch.empty(0, dtype=torch.float64), torch.device("cpu")


def test_a_seed_decides_every_generator_and_no_two_are_alike():
    one, same, other = Noise(0, CPU), Noise(0, CPU), Noise(1, CPU)
    draws = [[torch.rand(8, generator=g).tolist() for g in (s.rows, s.cells)] for s in (one, same, other)]
    assert draws[0] == draws[1] != draws[2]
    assert draws[0][0] != draws[0][1]
    assert torch.equal(one.normal(2, 5, [3], LIKE)[3], same.normal(2, 5, [3], LIKE)[3])


def test_noise_depends_on_the_own_number_of_components_only():
    alone, together = Noise(0, CPU), Noise(0, CPU)
    for step in range(3):
        if step == 1:  # what else is drawn does not matter
            torch.rand(7, generator=together.rows)
        own, all_of_them = alone.normal(1, 4, [3], LIKE), together.normal(1, 4, [5, 3, 3], LIKE)
        assert torch.equal(own[3], all_of_them[3])
        assert all_of_them[5].shape == (1, 1, 4, 5)


def test_fits_get_their_noise_padded_with_zeros():
    draws = Noise(0, CPU).normal(2, 4, [1, 3], LIKE)
    noise = noise_by_model(draws, [1, 3, 1], 2, width=3)
    assert noise.shape == (2, 6, 4, 3)
    for s, k in enumerate([1, 1, 3, 3, 1, 1]):
        assert torch.equal(noise[:, s, :, :k], draws[k][:, 0])
        assert (noise[:, s, :, k:] == 0).all()


@pytest.mark.parametrize("width", [3, 4])
def test_one_fit_shares_its_noise_among_its_models(width):
    draws = Noise(0, CPU).normal(1, 4, [3], LIKE)
    noise = noise_by_model(draws, [3], 2, width)
    assert noise.shape == ((1, 1, 4, 3) if width == 3 else (1, 2, 4, 4))
