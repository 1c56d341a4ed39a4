"""Where the randomness of training comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad


class Noise:
    """Independent generators, so that what one purpose draws does not move the others.

    Fits that are trained in one stack draw then what each would draw alone: the same order of rows, the same hidden
    cells, and posterior draws that depend on their own number of components only.

    Parameters
    ----------
    seed : int
        Seed of all generators.
    device : torch.device
        Device of the generators and of what they draw.

    Attributes
    ----------
    rows, cells, inputs : torch.Generator
        Sources of the order of rows, of what befalls their cells, and of the noise on what the encoder sees of them.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        seeds = torch.randint(2**62, (4,), generator=torch.Generator().manual_seed(seed))
        rows, cells, normal, inputs = seeds.tolist()
        self.rows = torch.Generator(device).manual_seed(rows)
        self.cells = torch.Generator(device).manual_seed(cells)
        self.inputs = torch.Generator(device).manual_seed(inputs)
        self._normal_seed = normal
        self._normal: dict[int, torch.Generator] = {}

    def normal(self, n_draws: int, n_rows: int, n_components: list[int], like: Tensor) -> dict[int, Tensor]:
        """Standard normal draws for each number of components K that occurs. Shape: (L, 1, B, K) each."""
        draws = {}
        for k in dict.fromkeys(n_components):
            if k not in self._normal:
                self._normal[k] = torch.Generator(like.device).manual_seed(self._normal_seed)
            size = (n_draws, 1, n_rows, k)
            draws[k] = torch.randn(size, generator=self._normal[k], dtype=like.dtype, device=like.device)
        return draws

    def state_dict(self) -> dict[str, Any]:
        """How far each generator has come."""
        normal = {k: generator.get_state() for k, generator in self._normal.items()}
        rows, cells, inputs = (generator.get_state() for generator in (self.rows, self.cells, self.inputs))
        return {"rows": rows, "cells": cells, "inputs": inputs, "normal": normal}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.rows.set_state(state["rows"])
        self.cells.set_state(state["cells"])
        self.inputs.set_state(state["inputs"])
        for k, of_generator in state["normal"].items():
            self._normal[k] = torch.Generator(self.rows.device)
            self._normal[k].set_state(of_generator)


def noise_by_model(draws: dict[int, Tensor], n_components: list[int], n_models: int, width: int) -> Tensor:
    """The draws of several fits of ``n_models`` models each, padded with zeros.

    Shape: (L, 1, B, K) for one fit, shared by its models; (L, S, B, K) for several.
    """
    if len(n_components) == 1 and n_components[0] == width:
        return draws[width]
    of_fit = [pad(draws[k], (0, width - k)) for k in n_components]
    return torch.cat(of_fit, dim=1).repeat_interleave(n_models, dim=1)
