import numpy as np
import pytest
import torch

from skvae import VAETransformer
from skvae.models.memory import within_memory


@pytest.mark.parametrize("n", [2**50, 2**62, 10**30])
def test_what_does_not_fit_gets_a_sentence_by_whoever_it_is_asked(n):
    for ask in (lambda: torch.empty(n, 4), lambda: np.empty(min(n, 2**50), dtype=np.int64)):
        with pytest.raises(MemoryError, match=r"not enough memory.*Ask for fewer"), within_memory():
            ask()


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match="shapes"), within_memory():
        torch.ones(2, 3) @ torch.ones(2, 3)


@pytest.mark.parametrize("n", [10**15, 10**30])
def test_rows_and_draws_that_do_not_fit(n, tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    for ask in (
        lambda: vae.sample(n),
        lambda: vae.impute(iris, n_draws=n),
        lambda: vae.log_likelihood(iris, n_draws=n),
    ):
        with pytest.raises(MemoryError, match="Ask for fewer"):
            ask()
