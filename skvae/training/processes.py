"""One model trained by several processes, each on its share of every batch.

Under ``torchrun``, with ``torch.distributed`` initialised, every process calls fit with the same rows. All draw the
same batches and the same noise, take every n-th row of them, and add up their gradients: each ends with the model that
one process would have found.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributed as dist


def n_processes() -> int:
    """How many train together."""
    if not (dist.is_available() and dist.is_initialized()):
        return 1
    return dist.get_world_size()


def share_of(rows: Tensor, dim: int) -> Tensor:
    """The part of the rows along an axis that is for this process."""
    n = n_processes()
    if n == 1:
        return rows
    return rows.index_select(dim, torch.arange(dist.get_rank(), rows.shape[dim], n, device=rows.device))


def add_up(tensor: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    if n_processes() > 1:
        dist.all_reduce(tensor)
    return tensor


def agree_on(number: int) -> int:
    """The number of the first process, on the device that the processes speak through."""
    if n_processes() == 1:
        return number
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    said = torch.tensor([number], device=device)
    dist.broadcast(said, 0)
    return int(said)


def is_first() -> bool:
    """Whether this process speaks for all."""
    return n_processes() == 1 or dist.get_rank() == 0


def check_shares(batch_size: int) -> None:
    """Refuse batches of which a process would have nothing."""
    if batch_size < n_processes():
        raise ValueError(
            f"{n_processes()} processes share every batch, but a batch has only {batch_size} row(s). Use a larger "
            f"batch_size, or fewer processes."
        )
