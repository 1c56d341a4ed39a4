"""Nested components: the first k of them are themselves a model, for every k up to K."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from skvae.likelihoods import Block, Joint, LocationFamily, Parameters
from skvae.networks.decoder import Decoder
from skvae.networks.mlp import MLP
from skvae.networks.vae import VAE
from skvae.objectives import DiagonalNormal
from skvae.priors import Prior

TINY = 1e-8  # of a variance that a component has no part in


class Nested(nn.Module):
    r"""A stack of VAEs that speak with their first k components, and what differs from one level k to another.

    At level k the components beyond the k-th rest at the prior: q(z_j | x) = p(z_j), and the decoder reads 0 for them.
    A model of few components is noisier and less sure of z. Small tables, with a row for each level, say so:

    .. math:: \mu_{kj} = \mu_j (1 + l_{kj}), \quad \log \sigma_{kj} = \log \sigma_j + s_{kj}, \quad
              p_k(x \mid z) = p(x \mid z_j (1 + g_{kj}), \; \theta + n_k)

    with θ the parameters that do not depend on z. Level K is what is kept: its rows are folded into the weights.

    Parameters
    ----------
    vae : VAE
        A stack of S models at their start, whose encoder and decoder are networks of ours.

    References
    ----------
    Rippel, Gelbart and Adams (2014), Learning ordered representations with nested dropout. DIFFERS in the tables, in
    levels that are alike in frequency, and in the bound: what is hidden costs no KL.
    """

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae
        size = (vae.n_models, vae.n_components, vae.n_components)  # model, level, component
        device = vae.decoder.bias.device
        self.loc, self.scale, self.gain = (nn.Parameter(torch.zeros(size, device=device)) for _ in range(3))
        widths = {key: head.shape[-1] for key, head in vae.decoder.free.items()}
        self.noise = nn.ParameterDict(
            {key: nn.Parameter(torch.zeros(*size[:2], width, device=device)) for key, width in widths.items()}
        )

    @property
    def n_models(self) -> int:
        """Models S of the stack."""
        return self.vae.n_models

    @property
    def n_components(self) -> int:
        """Dimension K of z."""
        return self.vae.n_components

    @property
    def n_outputs(self) -> int:
        """Outputs of the decoder, for each row."""
        return self.vae.n_outputs

    @property
    def joint(self) -> Joint:
        """The likelihood of a row."""
        return self.vae.joint

    def assume_complete(self, *, cells: bool, seen: bool) -> None:
        """See ``VAE``."""
        self.vae.assume_complete(cells=cells, seen=seen)

    def at(self, levels: Tensor) -> Level:
        """The models in which each row has so many components. Shape: (B,), from 1 to K."""
        return Level(self, levels)

    def levels(self, n_rows: int, shift: Tensor | int = 0) -> Tensor:
        """A level for each row of a batch, as many rows at one as at another. Shape: (n_rows,)."""
        return (torch.arange(n_rows, device=self.gain.device) + shift) % self.n_components + 1

    def levels_of_step(self, noise: Tensor) -> Tensor:
        """Those of the rows of a step, which come in random order; its noise says where to begin. Shape: (B,)."""
        u = torch.special.ndtr(noise.flatten()[0])
        return self.levels(noise.shape[2], (u * self.n_components).long().clamp(max=self.n_components - 1))

    @torch.no_grad()
    def start_linearly(self) -> None:
        """Have the tables that the linear model of the start implies for every level.

        For probabilistic PCA, level k is that of k components, exactly: the noise is the mean of the eigenvalues that
        are left out. A factor analysis is not nested; what is left out goes to the noise of each column.
        """
        for b, block, family in self.joint.linear_blocks():
            key = f"{b}/log_scale"
            if key not in self.noise:
                continue
            part = self.vae.decoder.output_slice(b, "loc")
            loadings = self.vae.decoder.loadings[:, :, part].double()
            noise = _variance(block, family, self.vae.decoder.free[key])
            if family.scaling == "shared":
                self._start_as_pca(key, loadings, noise)
            else:
                left_out = loadings.square().flip(1).cumsum(1).flip(1)  # of components from the j-th on: (S, K, D)
                self.noise[key][:, :-1] = (0.5 * (1 + left_out[:, 1:] / noise).log()).to(self.gain.dtype)

    def _start_as_pca(self, key: str, loadings: Tensor, noise: Tensor) -> None:
        """Levels of probabilistic PCA. Shape: loadings (S, K, D), noise (S, 1, 1)."""
        size = loadings.square().sum(dim=2).clamp(min=TINY)  # eigenvalues less the noise, (S, K)
        n_columns = loadings.shape[2]
        for k in range(1, self.n_components):
            left_out = size[:, k:].sum(dim=1, keepdim=True)
            noise_k = noise[:, 0] + left_out / max(n_columns - k, 1)  # (S, 1)
            gain = ((size[:, :k] + noise[:, 0] - noise_k).clamp(min=TINY) / size[:, :k]).sqrt().clamp(max=1.0)
            more = 0.5 * (noise_k / noise[:, 0]).log()
            self.loc[:, k - 1, :k] = self.gain[:, k - 1, :k] = (gain - 1).to(self.gain.dtype)
            self.scale[:, k - 1, :k] = more.to(self.gain.dtype)
            self.noise[key][:, k - 1] = more.to(self.gain.dtype)

    @torch.no_grad()
    def folded(self) -> tuple[VAE, Tables]:
        """The ordinary model of level K, and the tables of the others relative to it, of a stack of one."""
        tables = Tables(
            1 + self.loc[0], self.scale[0], 1 + self.gain[0], {key: table[0] for key, table in self.noise.items()}
        )
        tables.fold(self.vae, self.n_components)
        return self.vae, tables.relative()


@dataclass(frozen=True)
class Level:
    """A ``Nested`` in which each row has its own number of components: it answers as a ``VAE`` does.

    Attributes
    ----------
    nested : Nested
        The models.
    levels : Tensor of int of shape (B,)
        How many components each row has.
    """

    nested: Nested
    levels: Tensor

    @property
    def prior(self) -> Prior:
        """The distribution of z."""
        return self.nested.vae.prior

    @property
    def joint(self) -> Joint:
        """The likelihood of a row."""
        return self.nested.joint

    @property
    def decoder(self) -> Decoder:
        """The decoder of all levels."""
        return self.nested.vae.decoder

    @property
    def n_components(self) -> int:
        """Dimension K of z, of which some are hidden."""
        return self.nested.n_components

    def is_hidden(self) -> Tensor:
        """Which components rest at the prior. Shape: (B, K)."""
        return torch.arange(self.n_components, device=self.levels.device) >= self.levels[:, None]

    def posterior(self, x: Tensor, noise: Tensor | None = None) -> DiagonalNormal:
        """q(z | x), in training with noise on what the encoder sees of numbers. Shape: (S, B, D) -> (S, B, K)."""
        q, row = self.nested.vae.posterior(x, noise), self.levels - 1
        loc, scale = q.loc * (1 + self.nested.loc[:, row]), q.scale * self.nested.scale[:, row].exp()
        hidden = self.is_hidden()
        if q.is_blank is not None:
            hidden = hidden | q.is_blank.unsqueeze(-1)
        return DiagonalNormal(loc.masked_fill(hidden, 0.0), scale.masked_fill(hidden, 1.0), q.is_blank)

    def decode(self, z: Tensor) -> Parameters:
        """Parameters of p(x | z), for each block by name. Shape: (S, B, K)."""
        row = self.levels - 1
        z = (z * (1 + self.nested.gain[:, row])).masked_fill(self.is_hidden(), 0.0)
        parameters = self.nested.vae.decode(z)
        for key, table in self.nested.noise.items():
            block, name = key.split("/")
            parameters[int(block)][name] = parameters[int(block)][name] + table[:, row]
        return parameters

    def log_likelihood(self, z: Tensor, x: Tensor) -> Tensor:
        """Log p(x | z) over the observed cells, nats. Shape: (S, B, K), (S, B, D) -> (S, B)."""
        return self.joint.log_prob(x, self.decode(z))


@dataclass(frozen=True)
class Tables:
    """What differs from level to level of one model, as factors and addends of its weights.

    Attributes
    ----------
    loc, gain : Tensor of shape (K, K)
        Factor of the posterior mean of each component at each level, and of z_j in the decoder.
    scale : Tensor of shape (K, K)
        What is added to the log standard deviation of q(z_j | x).
    noise : dict of Tensors of shape (K, width)
        What is added to each free head of the decoder.
    """

    loc: Tensor
    scale: Tensor
    gain: Tensor
    noise: dict[str, Tensor]

    def relative(self) -> Tables:
        """The same tables for a model into which level K has been folded."""
        noise = {key: table - table[-1] for key, table in self.noise.items()}
        return Tables(self.loc / self.loc[-1], self.scale - self.scale[-1], self.gain / self.gain[-1], noise)

    def flat(self) -> dict[str, Tensor]:
        """All tables by name, as files hold them."""
        own = {"loc": self.loc, "scale": self.scale, "gain": self.gain}
        return own | {f"noise/{key}": table for key, table in self.noise.items()}

    @classmethod
    def of_flat(cls, flat: Mapping[str, Any], like: Tensor) -> Tables:
        """Tables from what ``flat`` gave, as tensors or arrays, in the precision and on the device of a tensor."""
        tables = {name: torch.as_tensor(table).to(like) for name, table in flat.items()}
        noise = {name.removeprefix("noise/"): table for name, table in tables.items() if name.startswith("noise/")}
        return cls(tables["loc"], tables["scale"], tables["gain"], noise)

    @torch.no_grad()
    def fold(self, vae: VAE, k: int) -> None:
        """Make a stack of one with the first k components, in place, what it is at level k."""
        loc, scale, gain = (table[k - 1, :k] for table in (self.loc, self.scale, self.gain))
        encoder, decoder = vae.encoder, vae.decoder
        assert isinstance(encoder.network, MLP), "components of a network of the user's are not nested"
        last = encoder.network.last
        for p in (last.weight, last.bias):
            p[..., :k] *= loc
        last.bias[..., k : 2 * k] += 2 * scale
        if encoder.linear:
            for p in (encoder.evidence, encoder.bias):
                p.copy_(p * loc)
        for weight in decoder.weights_of_z():
            weight.copy_(weight * gain[:, None])
        for key, table in self.noise.items():
            decoder.free[key] += table[k - 1]


def _variance(block: Block, family: LocationFamily, head: Tensor) -> Tensor:
    """Variance around the location that a head of the noise stands for. Shape: (S, 1, width), kept."""
    of_one = family.noise(torch.ones(len(block.index), dtype=torch.float64, device=head.device))["log_scale"]
    return (2 * (head.double() - of_one)).exp()
