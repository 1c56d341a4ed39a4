"""What the training loop asks of a model."""

from __future__ import annotations

from typing import Any

Trainee = Any
"""A stack of models: a ``VAE``, or a model beside it. It has the members

- ``n_models``, ``n_components`` and ``n_outputs``: models S of the stack, latent variables K, outputs of each row;
- ``joint``: the likelihood of a row;
- ``assume_complete(cells=…, seen=…)``: see ``VAE``;

and those that the objective asks for.
"""
