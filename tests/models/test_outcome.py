import numpy as np
import pandas as pd
import pytest
import torch

from skvae import VAETransformer
from skvae.models import Data
from skvae.models.outcome import conclude, most_extreme
from skvae.networks import restack
from skvae.tables import Table
from skvae.training import History


def test_the_most_extreme_number_is_found_beside_categories_and_gaps():
    rows = pd.DataFrame({"kind": ["a", "b"], "a": [0.0, 1.0], "b": [0.0, 1.0]})
    table = Table.fit(rows, {"a": "student_t", "b": "student_t"})
    x = torch.tensor([[1.0, np.nan, -7.0], [0.0, 3.0, 2.0]])
    assert most_extreme(table, x) == (2, 7.0)
    assert most_extreme(table, x.index_fill(0, torch.tensor(0), torch.inf))[1] == torch.inf
    assert most_extreme(Table.fit(rows), x) is None  # levels know no extremes
    assert most_extreme(Table.fit(pd.DataFrame({"kind": ["a", "b"]})), x[:, :1]) is None


@pytest.mark.parametrize("n_skipped", [0, 3])
def test_the_last_model_of_the_stack_is_kept_and_a_suspect_only_where_training_broke_down(n_skipped, tiny, iris):
    fitted = VAETransformer(**tiny).fit(iris)
    vae = fitted.vae_
    restack(vae, [0, 0, 0])
    vae.decoder.bias.data[2] += 1
    data = Data(fitted.table_, fitted.table_.encode(iris).float())
    fit = conclude(vae, History(n_skipped=n_skipped), data, torch.arange(100))
    assert len(fit.vae.decoder.bias) == 1
    assert torch.equal(fit.vae.decoder.bias[0], vae.decoder.bias[0])
    assert not any(p.requires_grad for p in fit.vae.parameters())
    assert (fit.extreme is not None) == bool(n_skipped)
    assert fit.kl.shape == (2,)
