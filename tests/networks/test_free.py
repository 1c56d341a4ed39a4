import copy
import pickle

import pytest
import torch

from skvae.likelihoods import Bernoulli, Gaussian, Ordinal, StudentT
from skvae.networks import restack
from skvae.networks.free import FreeHeads

PARTS = [(StudentT(), [0, 2], [0, 0]), (Bernoulli(), [1], [0]), (Gaussian(), [4], [0]), (Ordinal(), [3], [4])]


def test_only_what_does_not_depend_on_z_is_free(joint_of):
    free = FreeHeads(joint_of(PARTS))
    shapes = {(block, name): tuple(values.shape) for block, name, values in free.addressed()}
    assert shapes == {
        (0, "log_scale"): (1, 1, 2),
        (0, "log_df"): (1, 1, 2),
        (2, "log_scale"): (1, 1, 1),
        (3, "thresholds"): (1, 1, 3),
        (3, "log_scale"): (1, 1, 1),
    }
    assert all(free.at(block, name) is values is free.find(block, name) for block, name, values in free.addressed())


@pytest.mark.parametrize(("block", "name"), [(0, "loc"), (1, "logit"), (9, "log_scale")])
def test_what_is_not_free_is_not_found(joint_of, block, name):
    free = FreeHeads(joint_of(PARTS))
    assert free.find(block, name) is None


def test_names_in_files_are_block_and_head(joint_of):
    free = FreeHeads(joint_of(PARTS))
    assert list(free.state_dict()) == ["0/log_df", "0/log_scale", "2/log_scale", "3/log_scale", "3/thresholds"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda free: pickle.loads(pickle.dumps(free))])
def test_a_copy_is_independent(joint_of, duplicate):
    free = FreeHeads(joint_of(PARTS))
    twin = duplicate(free)
    twin.at(0, "log_df").data += 1.0
    assert isinstance(twin, FreeHeads)
    assert torch.equal(free.at(0, "log_df"), torch.zeros(1, 1, 2))


def test_stacks_have_them_for_each_model(joint_of):
    free = FreeHeads(joint_of(PARTS))
    restack(free, [0, 0, 0])
    assert free.at(3, "thresholds").shape == (3, 1, 3)
