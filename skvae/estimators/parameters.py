"""What the parameters of ``VAETransformer`` may be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import torch

from skvae.estimators._compat import Interval, one_of
from skvae.likelihoods import FAMILIES, Likelihood
from skvae.networks import ACTIVATIONS
from skvae.priors import PRIORS, PriorFamily
from skvae.training import BetaSchedule

AUTO = one_of("auto")

CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "ordered": ["boolean"],
    "likelihood": [one_of("auto", *sorted(FAMILIES)), Likelihood, Mapping],
    "prior": [one_of(*PRIORS), PriorFamily],
    "constraints": [AUTO, None, list, tuple],
    "add_indicator": ["boolean"],
    "protect": [AUTO, Interval(Integral, 2, None, closed="left"), None],
    "hidden_layer_sizes": [AUTO, tuple, list],
    "activation": [one_of(*ACTIVATIONS)],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "encoder": [one_of("mlp"), callable],
    "decoder": [one_of("auto", "factorized", "conditional", "autoregressive"), callable],
    "init": [one_of("auto", "linear", "random")],
    "objective": [one_of("elbo", "iwae")],
    "n_draws": [Interval(Integral, 1, None, closed="left")],
    "beta": [Interval(Real, 0, None, closed="left"), BetaSchedule],
    "free_bits": [AUTO, Interval(Real, 0, None, closed="left")],
    "input_dropout": [AUTO, Interval(Real, 0, 1, closed="left")],
    "input_noise": [Interval(Real, 0, None, closed="left")],
    "learning_rate": [AUTO, Interval(Real, 0, None, closed="neither")],
    "weight_decay": [AUTO, Interval(Real, 0, None, closed="left")],
    "batch_size": [AUTO, Interval(Integral, 1, None, closed="left")],
    "max_iter": [AUTO, Interval(Integral, 1, None, closed="left")],
    "early_stopping": [AUTO, "boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "device": [str, torch.device],
    "precision": [one_of("auto", "float32", "bfloat16")],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
    "checkpoint_dir": [str, os.PathLike, None],
}
