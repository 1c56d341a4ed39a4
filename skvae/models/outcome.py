"""What training leaves behind, and the steps that end a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from skvae.models.data import Data
from skvae.models.floor import Floor
from skvae.models.kl import every_nth, mean_kl, posterior_of_rows
from skvae.models.loadings import N_ROWS, Loadings, loadings_of
from skvae.models.online import Online
from skvae.models.ordering import Turn, put_in_order
from skvae.networks import VAE, AutoregressiveDecoder, Tables, restack
from skvae.priors import fit_prior
from skvae.tables import Table
from skvae.tables.bins import Floats
from skvae.training import History, ends_the_fit_alone, match_marginals


class Levels(NamedTuple):
    """What is left of nested components.

    Attributes
    ----------
    tables : Tables
        What differs at each level from the model that is kept.
    explained : ndarray of shape (K, D)
        Share of the variance that each component adds to those before it, by column.
    """

    tables: Tables
    explained: Floats


class Fit(NamedTuple):
    """What training leaves behind.

    Attributes
    ----------
    vae : VAE
        The trained model, a stack of one.
    history : History
        Record of its training.
    kl : Tensor of shape (K,)
        Mean KL of each component over up to 10,000 training rows.
    extreme : tuple of int and float, or None
        Column of the number that lies farthest out, and where, encoded; the first suspect where training broke down.
    online : Online or None
        What more training goes on from.
    beside : dict of Histories
        Records of the training of the models beside the VAE, by their names.
    loadings : Loadings or None
        What each component does to each column.
    turn : Turn or None
        How the components were rearranged after training, if they were.
    tables : Tables or None
        What the first k components are alone, if they were trained to be a model.
    """

    vae: VAE
    history: History
    kl: Tensor
    extreme: tuple[int, float] | None
    online: Online | None = None
    beside: Mapping[str, History] = {}
    loadings: Loadings | None = None
    turn: Turn | None = None
    tables: Tables | None = None

    @property
    def is_interrupted(self) -> bool:
        """Whether Ctrl-C ended a training."""
        return any(history.interrupted for history in [self.history, *self.beside.values()])


def conclude(
    vae: VAE,
    history: History,
    data: Data,
    rows: Tensor,
    generator: torch.Generator | None = None,
    floor: Floor | None = None,
    levels: Levels | None = None,
) -> Fit:
    """The model of all training rows, refined if there is a generator, its components in order, and what it says.

    Parameters
    ----------
    vae : VAE
        A stack whose last model is the one of all training rows; becomes a stack of one.
    history : History
        Record of its training.
    data : Data
        All rows, in the precision of training.
    rows : Tensor of int
        Positions of the training rows among them.
    generator : torch.Generator, optional
        Source of the draws of the last steps; None leaves these out.
    floor : Floor, optional
        What the model must not end below.
    levels : Levels, optional
        What is left of nested components, which have an order of their own.
    """
    restack(vae, [vae.n_models - 1])
    if floor is not None:
        floor.hold(vae, history, data)
    try:
        if generator is not None:
            refine(vae, data.take(rows), generator)
    except KeyboardInterrupt:  # the trained weights are as good as without
        if not ends_the_fit_alone():
            raise
        history.interrupted = True
    vae.requires_grad_(False)
    return fit_of(vae, history, data, rows, levels=levels)


def fit_of(
    vae: VAE, history: History, data: Data, rows: Tensor, n_decoded: int = N_ROWS, levels: Levels | None = None
) -> Fit:
    """The fit, its components in order, with the first suspect where training broke down.

    Loadings and KL are those of up to 10,000 of the rows at these positions, of which so many are decoded.
    """
    some = data.take(rows[:: every_nth(len(rows))])
    q = posterior_of_rows(vae, some.x)
    loadings = loadings_of(vae, data.table, some.x, q, some.weights, n_decoded)
    if levels is not None:
        loadings = loadings._replace(explained=levels.explained)
    turn = put_in_order(vae, loadings, keeps_order=levels is not None)
    if turn is not None:
        loadings, q = turn.of_loadings(loadings), turn.of_posterior(q)
    extreme, kl = None, mean_kl(vae, some.x, some.weights, q)
    if history.n_skipped or history.n_rollbacks:
        extreme = most_extreme(data.table, data.x)
    tables = None if levels is None else levels.tables
    return Fit(vae, history, kl, extreme, loadings=loadings, turn=turn, tables=tables)


def refine(vae: VAE, data: Data, generator: torch.Generator) -> None:
    """The steps after training: a learned prior is matched to the posteriors, the columns to their frequencies."""
    if vae.prior.is_learned:
        refit_prior(vae, data, generator)
    if isinstance(vae.decoder, AutoregressiveDecoder):
        match_marginals(vae, data.x, generator, data.weights)


def refit_prior(vae: VAE, data: Data, generator: torch.Generator) -> None:
    """Match a learned prior to the posteriors that training left."""
    x = data.x
    if data.weights is not None:
        x = x[torch.multinomial(data.weights.float(), len(x), replacement=True, generator=generator)]
    fit_prior(vae.prior, posterior_of_rows(vae, x), generator=generator)


def most_extreme(table: Table, x: Tensor) -> tuple[int, float] | None:
    """Position of the column whose number lies farthest out, and where, encoded. Shape: (N, D)."""
    numbers = [j for j, family in enumerate(table.families) if family.cells == "numbers"]
    if not numbers:
        return None
    size = x[:, numbers].abs().nan_to_num(nan=0.0, posinf=torch.inf).amax(dim=0)
    return numbers[int(size.argmax())], float(size.max())
