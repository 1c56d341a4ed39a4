import copy
from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_wine

from skvae import VAETransformer
from skvae.networks import Nested, Tables, alone, narrow, restack
from skvae.objectives import elbo

K = 3


@pytest.fixture(scope="module", params=["array", "gaps", "frame"])
def fitted(request):
    """A model of three components, and encoded rows."""
    rows = load_wine(as_frame=True).data[:80]
    if request.param == "gaps":
        rows = rows.mask(rows > rows.quantile(0.9))
    X = rows if request.param == "frame" else rows.to_numpy()
    settings = {"hidden_layer_sizes": (8,), "max_iter": 3, "decoder": "factorized", "device": "cpu", "random_state": 0}
    vae = VAETransformer(K, **settings).fit(X)
    return vae, vae.table_.encode(X)[None]


def nested_of(vae, n_models=1):
    """A nested model whose tables are all different, in double precision."""
    nested, generator = Nested(copy.deepcopy(vae.vae_)).double(), torch.Generator().manual_seed(0)
    restack(nested, [0] * n_models)
    for name, p in nested.named_parameters():
        if not name.startswith("vae."):
            p.data += 0.2 * torch.randn(p.shape, generator=generator, dtype=torch.float64)
    return nested.requires_grad_(False)


def test_levels_are_alike_in_frequency_and_begin_where_the_noise_says(fitted):
    nested = nested_of(fitted[0])
    assert nested.levels(6).tolist() == [1, 2, 3, 1, 2, 3]
    found = [nested.levels_of_step(torch.full((1, 1, 6, K), u)).tolist() for u in (-9.0, 0.0, 9.0)]
    assert found == [[1, 2, 3, 1, 2, 3], [2, 3, 1, 2, 3, 1], [3, 1, 2, 3, 1, 2]]


def test_hidden_components_rest_at_the_prior_and_are_not_read(fitted):
    vae, x = fitted
    nested = nested_of(vae)
    level = nested.at(nested.levels(x.shape[1]))
    q = level.posterior(x)
    hidden = level.is_hidden()
    assert hidden.sum(dim=1)[:3].tolist() == [2, 1, 0]
    assert (q.loc[0][hidden] == 0).all() and (q.scale[0][hidden] == 1).all()
    assert (nested.vae.prior.kl(q, q.loc)[0][hidden] == 0).all()
    z = q.loc.clone()
    before = level.log_likelihood(z, x)
    z[0][hidden] = 100.0
    torch.testing.assert_close(level.log_likelihood(z, x), before)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_level_folded_in_is_the_level(k, fitted):
    vae, x = fitted
    nested = nested_of(vae)
    levels = torch.full((x.shape[1],), k)
    noise = torch.randn(4, 1, x.shape[1], K, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    before = elbo(nested.at(levels), x, noise)
    whole, tables = nested.folded()
    torch.testing.assert_close(tables.loc[-1], torch.ones(K, dtype=torch.float64))
    again = Tables.of_flat({name: table.numpy() for name, table in tables.flat().items()}, tables.loc)
    small = replace(vae._architecture, n_components=k).build(vae.table_, 0).double()
    small = narrow(alone(copy.deepcopy(whole)), small)
    again.fold(small, k)
    after = elbo(small, x, noise[..., :k])
    torch.testing.assert_close(after.log_likelihood, before.log_likelihood)
    torch.testing.assert_close(after.kl.sum(dim=-1), before.kl.sum(dim=-1))


def test_models_of_a_stack_do_not_touch(fitted):
    vae, x = fitted
    alone_, together = nested_of(vae), nested_of(vae, 2)
    for name, p in together.named_parameters():
        p.data[1] = dict(alone_.named_parameters())[name].data[0]
        p.data[0] += 1
    levels = alone_.levels(x.shape[1])
    one, two = alone_.at(levels).posterior(x), together.at(levels).posterior(x.expand(2, -1, -1))
    torch.testing.assert_close(two.loc[1], one.loc[0])
    assert not torch.allclose(two.loc[0], one.loc[0])
