"""The last step of an autoregressive model: its columns are drawn as often as they were seen."""

from __future__ import annotations

import torch
from torch import Tensor

from skvae.likelihoods import Block
from skvae.networks import VAE, AutoregressiveDecoder

N_ROUNDS = 10
MAX_ROWS = 20_000  # drawn at once
CELLS = 40_000_000  # of their hidden vectors


@torch.no_grad()
def match_marginals(vae: VAE, x: Tensor, generator: torch.Generator) -> None:
    r"""Shift the biases of coded columns until the probabilities of levels average to their frequencies.

    .. math:: E_{z \sim p(z), \, x_{<d} \sim p(\cdot \mid z)} \big[p(x_d = k \mid x_{<d}, z)\big] = \frac{n_k}{n}

    Rows are drawn column by column. Each column is matched by iterative proportional fitting before it is drawn, on
    the probabilities themselves and not on counts, so that there is hardly any noise. It repairs what aggregate
    posteriors that are not the prior, and errors of earlier columns, do to the frequencies of later ones. Columns with
    gaps that no indicator explains are left alone.

    Parameters
    ----------
    vae : VAE
        A stack of one with an autoregressive decoder; its biases are changed in place.
    x : Tensor of shape (N, D)
        Training rows.
    generator : torch.Generator
        Source of the drawn rows.

    References
    ----------
    Deming and Stephan (1940), On a least squares adjustment of a sampled frequency table, for the fitting.
    """
    decoder = vae.decoder
    assert isinstance(decoder, AutoregressiveDecoder), "only there are columns drawn one after another"
    n_rows = max(1, min(MAX_ROWS, CELLS // (128 * x.shape[1])))
    indicators = vae.joint.indicators

    def tune(j: int, block: Block, rows: Tensor, heads: dict[str, Tensor]) -> dict[str, Tensor]:
        cells = x[:, j][~x[:, j].isnan()]
        is_explained = len(cells) == len(x) or j in indicators
        if set(heads) != {"logits"} or not is_explained:
            return heads
        target = block.family.start(cells[:, None], block.columns)["logits"]  # log-frequencies
        seen = rows[0, :, indicators[j]] < 1 if j in indicators else slice(None)
        logits = heads["logits"][0, seen].double()
        shift = torch.zeros_like(logits[0])
        for _ in range(N_ROUNDS):
            shift += target - torch.softmax(logits + shift, dim=-1).mean(dim=0).log()
        shift = shift.to(x.dtype)
        decoder.shift_column(vae.joint, j, shift)
        return {"logits": heads["logits"] + shift}

    z = vae.prior.sample(n_rows, x, generator)
    rows = x.new_full((1, n_rows, x.shape[1]), torch.nan)
    decoder.complete(vae.joint, z, rows, generator, tune=tune)
