import copy
import pickle

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from skvae.networks import restack


def rows(n_models):
    return torch.linspace(-3, 3, n_models * 10, dtype=torch.float64).reshape(n_models, 5, 2)


def test_log_prob_is_the_mixture_of_the_posteriors_of_its_pseudo_inputs(build):
    vae, z = build("vamp", n_models=2), rows(2)
    q = vae["encoder"].from_features(vae["prior"].pseudo_inputs)
    modes = Independent(Normal(q.loc[:, None], q.scale[:, None]), 1)
    by_hand = MixtureSameFamily(Categorical(logits=vae["prior"].logits[:, None]), modes)
    torch.testing.assert_close(vae["prior"].log_prob(z), by_hand.log_prob(z))


def test_the_encoder_learns_through_the_prior_but_is_no_part_of_it(build):
    vae = build("vamp")
    assert {name for name, _ in vae["prior"].named_parameters()} == {"logits", "pseudo_inputs"}
    assert not any("prior" in name and "network" in name for name in vae.state_dict())
    vae["prior"].log_prob(rows(1)).sum().backward()
    assert all((p.grad != 0).any() for p in vae["encoder"].parameters())


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda vae: pickle.loads(pickle.dumps(vae))])
def test_a_copy_looks_through_its_own_encoder(build, duplicate):
    vae = build("vamp")
    before = vae["prior"].log_prob(rows(1)).detach()
    twin = duplicate(vae)
    twin["encoder"].network[-1].bias.data += 1.0
    assert not torch.allclose(twin["prior"].log_prob(rows(1)), before)
    assert torch.equal(vae["prior"].log_prob(rows(1)), before)


def test_restacking_takes_the_encoder_once(build):
    vae = build("vamp", n_models=3)
    expected = vae["prior"].log_prob(rows(3)).detach()
    restack(vae, [2, 0, 2, 2])
    chosen = vae["prior"].log_prob(rows(3)[[2, 0, 2, 2]])
    torch.testing.assert_close(chosen, expected[[2, 0, 2, 2]])
