"""Parameters of p(x | z) that are free constants: their one address."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from skvae.likelihoods import Joint


class FreeHeads(nn.ParameterDict):
    """The heads that do not depend on z, found by the position of their block and their name.

    Parameters
    ----------
    joint : Joint
        The blocks of columns; their families say which of their heads are free.

    Shape: (S, 1, width) each.
    """

    def __init__(self, joint: Joint) -> None:
        heads = {}
        for b, block in enumerate(joint):
            for name, head in block.heads.items():
                if head.per != "cell":
                    heads[self.key(b, name)] = nn.Parameter(torch.zeros(1, 1, head.width))
        super().__init__(heads)  # which sorts them by key

    @staticmethod
    def key(block: int, name: str) -> str:
        """What a head is called among the parameters, and so in files."""
        return f"{block}/{name}"

    def at(self, block: int, name: str) -> Tensor:
        """A head that is free."""
        head: Tensor = self[self.key(block, name)]
        return head

    def find(self, block: int, name: str) -> Tensor | None:
        """A head, or None where it is not free."""
        head: Tensor | None = self.get(self.key(block, name))
        return head

    def addressed(self) -> Iterator[tuple[int, str, Tensor]]:
        """Block, name and values of every head."""
        for key, values in self.items():
            block, name = key.split("/")
            yield int(block), name, values
