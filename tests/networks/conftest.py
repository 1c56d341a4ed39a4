"""Rows of several families without a table."""

import pytest
import torch

from skvae.likelihoods import Block, Columns, Joint


@pytest.fixture(scope="session")
def joint_of():
    """The likelihood of a row, from (family, its columns, their numbers of levels) for each block."""

    def joint_of(parts, indicators=None):
        blocks = []
        for family, index, n_levels in parts:
            ones = torch.ones(len(index), dtype=torch.float64)
            edges = torch.cat([torch.arange(n + 1.0).unfold(0, 2, 1) if n else torch.empty(0, 2) for n in n_levels])
            shares = torch.cat([torch.full((n,), 1 / max(n, 1)) for n in n_levels])
            columns = Columns(ones, torch.tensor(n_levels), -5 * ones, 5 * ones, edges, edges.mean(dim=1), shares)
            blocks.append(Block(family, index, columns))
        return Joint(blocks, indicators)

    return joint_of
