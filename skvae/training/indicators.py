r"""Categories in a linear model of z: an indicator for each level, as in multiple correspondence analysis.

A row has 1 / √p in the indicator of its level, of frequency p, and 0 in those of the other levels of the column: their
covariance is 1 − √p √p', so that under unit noise a linear model of z is, to first order, the multinomial one,

.. math:: \frac{1[x_d = c]}{\sqrt{p_c}} \approx \sqrt{p_c} + W_c z + \epsilon
          \qquad \leftrightarrow \qquad \text{logit}_c = \log p_c + \frac{W_c z}{\sqrt{p_c}}.

References
----------
Greenacre (2017), Correspondence Analysis in Practice; Pagès (2004), Analyse factorielle de données mixtes, for numbers
beside categories.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from skvae.likelihoods import Categorical, Likelihood
from skvae.networks import MLP, VAE

RARE = 5.0  # rows that count for each level beside its own: few of them must not set a component


class Levels(NamedTuple):
    """Where the levels of one block of categories lie.

    Attributes
    ----------
    cells : slice or Tensor of int
        Its columns in the row.
    first, column : Tensor of shape (D,), Tensor of shape (T,)
        First level of each column, and whose level each is.
    logits, vectors : slice
        The levels among the outputs of the decoder, and in the embedding of the encoder.
    """

    cells: slice | Tensor
    first: Tensor
    column: Tensor
    logits: slice
    vectors: slice

    def one_hot(self, x: Tensor) -> Tensor:
        """1 where a row has a level, 0 where it has another of the column, NaN for a gap. Shape: (N, D) -> (N, T)."""
        cells = x[:, self.cells]
        codes = cells.nan_to_num(nan=0.0).long() + self.first
        has_level = torch.zeros(len(x), len(self.column), dtype=torch.float64, device=x.device).scatter_(1, codes, 1.0)
        return has_level.masked_fill(cells.isnan()[:, self.column], torch.nan)


class Indicators(NamedTuple):
    """The indicators of all levels in some rows.

    Attributes
    ----------
    blocks : list of Levels
        Where they belong.
    cells : Tensor of shape (N, T)
        The indicators.
    unit : Tensor of shape (T,)
        √p of each level.
    """

    blocks: list[Levels]
    cells: Tensor
    unit: Tensor

    @classmethod
    def of(cls, blocks: list[Levels], x: Tensor, weights: Tensor) -> Indicators:
        """Those of rows with weights. Shape: (N, D), (N,)."""
        one_hot = torch.cat([block.one_hot(x) for block in blocks], dim=1)
        weights = weights.double()[:, None]
        n = (weights * ~one_hot.isnan()).sum(dim=0)
        frequency = (weights * one_hot).nansum(dim=0) / n.clamp(min=1e-9)
        unit = (frequency + RARE / len(x)).sqrt()
        return cls(blocks, one_hot / unit, unit)

    def decode(self, vae: VAE, s: int, loadings: Tensor) -> None:
        """Give the decoder of model s the logits of a linear model. Shape: (T, K)."""
        logits = loadings.new_zeros(loadings.shape[1], vae.decoder.n_outputs)
        for block, of_block in self._by_block(loadings / self.unit[:, None]):
            logits[:, block.logits] = of_block.T
        n_carried = self.room(vae)
        perceptron(vae.decoder.network).carry(s, slice(0, n_carried), logits[:n_carried])

    def recognise(self, vae: VAE, s: int, mean: Tensor, mean_map: Tensor, log_var: Tensor) -> None:
        """Give the encoder of model s the posterior mean of a linear model, and what it adds to the log-variance.

        Shape: mean (T,), mean_map (T, K), log_var (K,).
        """
        deviations = (self.cells - mean).nan_to_num(nan=0.0)
        size = (deviations @ mean_map).std(dim=0, correction=0).clamp(min=1e-6)  # the network's inputs are of size one
        n_carried, embedding = self.room(vae), vae.encoder.embedding
        assert embedding is not None, "categories have one"
        embedding.vectors[s, :, :n_carried] = 0.0
        frequency, first = mean * self.unit, 0
        for block, of_block in self._by_block(mean_map / self.unit[:, None] / size):
            p = frequency[first : first + len(of_block), None]
            first += len(of_block)
            center = torch.zeros_like(of_block[: len(block.first)]).index_add(0, block.column, p * of_block)
            of_block = of_block - center[block.column]  # a gap, whose vector is zero, says what an average row does
            embedding.vectors[s, block.vectors, :n_carried] = of_block[:, :n_carried].to(embedding.vectors.dtype)
        to_loc = torch.cat([size.diag(), torch.zeros_like(size.diag())], dim=1)
        inputs = vae.encoder.level_inputs.start
        bias = torch.cat([torch.zeros_like(log_var), log_var])
        perceptron(vae.encoder.network).carry(s, slice(inputs, inputs + n_carried), to_loc[:n_carried], bias)

    def room(self, vae: VAE) -> int:
        """For how many components embedding and networks have room."""
        embedding, networks = vae.encoder.embedding, (vae.encoder.network, vae.decoder.network)
        assert embedding is not None, "categories have one"
        return min(vae.n_components, embedding.width, *(perceptron(network).room for network in networks))

    def _by_block(self, by_level: Tensor) -> list[tuple[Levels, Tensor]]:
        """Each block and its part of something by level. Shape: (T, K)."""
        parts = torch.split(by_level, [len(block.column) for block in self.blocks])
        return list(zip(self.blocks, parts, strict=True))


def perceptron(network: nn.Module) -> MLP:
    """The network, which is one."""
    assert isinstance(network, MLP), "a linear start of categories is carried by perceptrons"
    return network


def can_begin(family: Likelihood) -> bool:
    """Whether columns of a family can start at a linear model of indicators: their levels have logits and no order."""
    return isinstance(family, Categorical)


def levels_to_start(vae: VAE) -> list[Levels]:
    """The blocks of categories of a model whose networks can carry them: that they can, a plan has made sure."""
    blocks, n_levels = list[Levels](), 0
    for b, block in enumerate(vae.joint):
        if block.family.levels == "none":
            continue
        first = n_levels
        n_levels += int(block.columns.n_levels.sum())
        if can_begin(block.family):
            known, logits = block.constants(), vae.decoder.output_slice(b, "logits")
            vectors = slice(first, n_levels)
            blocks.append(Levels(block.position, known["first_level"], known["column"], logits, vectors))
    return blocks
