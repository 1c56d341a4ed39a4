"""The contestants of `speed.py`: each trains on the rows of x and calls ``clock.tick`` after every pass over them.

All but "ours" with its defaults and `MLPRegressor`, which has neither noise nor KL, train the same network, D – hidden
layer – K – hidden layer – D with ReLU, in float32, by Adam. (For Gaussian columns ours has its linear path beside it.)
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch._dynamo  # every first optimiser imports it, which takes longer than a small fit
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from speed import Setting

Epoch = Callable[[], Iterable[Tensor]]  # begins a pass over the rows, batch by batch


class Done(Exception):
    """Raised out of a training loop that has gone far enough."""


class Clock:
    """Seconds since the start and held-out ELBO after each pass; what looking at the ELBO takes does not count.

    Parameters
    ----------
    max_iter : int
        Passes after which training ends.
    held_out : ndarray of shape (V, D), optional
        Rows on which the ELBO is judged.
    goal, limit : float
        ELBO and seconds at which training ends as well.
    """

    def __init__(
        self, max_iter: int, held_out: np.ndarray | None = None, goal: float = math.inf, limit: float = math.inf
    ) -> None:
        self.max_iter, self.held_out, self.goal, self.limit = max_iter, held_out, goal, limit
        self.seconds: list[float] = []
        self.elbo: list[float] = []

    def start(self) -> None:
        """Begin: everything is imported."""
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        self.megabytes = megabytes("VmRSS")
        self.origin = time.perf_counter()

    def tick(self, vae: VAE | None = None) -> None:
        """End a pass."""
        now = time.perf_counter()
        self.seconds.append(now - self.origin)
        if vae is not None and self.held_out is not None:
            self.elbo.append(mean_elbo(vae, torch.from_numpy(self.held_out)))
        is_late = self.seconds[-1] > self.limit
        if is_late or len(self.seconds) >= self.max_iter or (self.elbo and self.elbo[-1] >= self.goal):
            raise Done
        self.origin += time.perf_counter() - now

    def read(self, history: dict[str, list[float]]) -> None:
        """Take over the history of a fit that has just ended; its time outside the passes counts as the first."""
        before = time.perf_counter() - self.origin - history["seconds"][-1]
        self.seconds = [before + seconds for seconds in history["seconds"][1:]]
        self.elbo = history["validation_elbo"][1:] if self.held_out is not None else []


def megabytes(which: str) -> float:
    """What Linux says of this process: VmRSS, the memory it holds, or VmHWM, the peak of that."""
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[which].removesuffix("kB")) / 1024


class VAE(nn.Module):
    """The network and its ELBO, as one writes them by hand. Shape: (B, D) -> nats of each row, (B,)."""

    def __init__(self, n_columns: int, setting: Setting) -> None:
        super().__init__()
        n_hidden, n_components = setting.n_hidden, setting.n_components
        self.is_binary = setting.likelihood == "bernoulli"
        self.encoder = nn.Sequential(nn.Linear(n_columns, n_hidden), nn.ReLU(), nn.Linear(n_hidden, 2 * n_components))
        self.decoder = nn.Sequential(nn.Linear(n_components, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_columns))
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """The ELBO from one posterior draw."""
        if self.is_binary and self.training:
            x = torch.bernoulli(x)  # dynamic binarisation
        loc, log_var = self.encoder(x).chunk(2, dim=-1)
        z = loc + (0.5 * log_var).exp() * torch.randn_like(loc)
        kl = 0.5 * (loc.square() + log_var.exp() - 1 - log_var).sum(dim=-1)
        return self.log_likelihood(x, self.decoder(z)).sum(dim=-1) - kl

    def log_likelihood(self, x: Tensor, output: Tensor) -> Tensor:
        """Of each cell. Shape: (B, D)."""
        if self.is_binary:
            return -binary_cross_entropy_with_logits(output, x, reduction="none")
        return -0.5 * ((x - output) * (-self.log_scale).exp()).square() - self.log_scale - 0.5 * math.log(2 * math.pi)


def mean_elbo(vae: VAE, x: Tensor) -> float:
    """One posterior draw of each row, the same noise every time; the random state is put back."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        elbo = vae.eval()(x).mean().item()
    vae.train()
    return elbo


def ours(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """At the settings of the rivals."""
    parameters = {
        "hidden_layer_sizes": (setting.n_hidden,),
        "activation": "relu",
        "learning_rate": setting.learning_rate,
        "weight_decay": 0.0,
        "input_dropout": 0.0,
        "batch_size": setting.batch_size,
        "max_iter": setting.max_iter,
        "early_stopping": False,
        "precision": "float32",
    }
    ours_defaults(x, setting, clock, **parameters)


def ours_defaults(x: np.ndarray, setting: Setting, clock: Clock, **parameters: Any) -> None:
    from skvae import VAETransformer

    vae = VAETransformer(setting.n_components, likelihood=setting.likelihood, random_state=setting.seed, **parameters)
    clock.start()
    vae.fit(x, X_val=clock.held_out)
    clock.read(vae.history_)


def dataloader_loop(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """What a good PyTorch user writes."""
    clock.start()
    vae = VAE(x.shape[1], setting)
    optimizer = torch.optim.Adam(vae.parameters(), lr=setting.learning_rate)
    loader = DataLoader(TensorDataset(torch.from_numpy(x)), setting.batch_size, shuffle=True)
    train_by_hand(vae, optimizer, lambda: (batch for (batch,) in loader), clock)


def tuned_loop(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """The same without a DataLoader and with fused Adam."""
    clock.start()
    vae, rows = VAE(x.shape[1], setting), torch.from_numpy(x)
    optimizer = torch.optim.Adam(vae.parameters(), lr=setting.learning_rate, fused=True)
    shuffled = partial(torch.randperm, len(rows))
    train_by_hand(vae, optimizer, lambda: (rows[batch] for batch in shuffled().split(setting.batch_size)), clock)


def train_by_hand(vae: VAE, optimizer: torch.optim.Optimizer, epoch: Epoch, clock: Clock) -> None:
    while True:
        for batch in epoch():
            loss = -vae(batch).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        clock.tick(vae)


def pythae(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """Its `VAE` and `BaseTrainer`; the data set binarises at each access. Gaussian columns have a fixed scale of 1."""
    from pythae.data.datasets import BaseDataset, DatasetOutput
    from pythae.models import VAE as PythaeVAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Binarised(BaseDataset):
        def __getitem__(self, index: int) -> DatasetOutput:
            return DatasetOutput(data=torch.bernoulli(self.data[index]), labels=self.labels[index])

    class Encoder(BaseEncoder):
        def forward(self, x: Tensor) -> ModelOutput:
            loc, log_var = self.network(x).chunk(2, dim=-1)
            return ModelOutput(embedding=loc, log_covariance=log_var)

    class Decoder(BaseDecoder):
        def forward(self, z: Tensor) -> ModelOutput:
            output = self.network(z)
            return ModelOutput(reconstruction=output.sigmoid() if vae.is_binary else output)

    class Tick(TrainingCallback):
        def on_epoch_end(self, training_config: BaseTrainerConfig, **kwargs: Any) -> None:
            clock.tick(vae)

    clock.start()
    vae, encoder, decoder = VAE(x.shape[1], setting), Encoder(), Decoder()
    encoder.network, decoder.network = vae.encoder, vae.decoder
    loss = "bce" if vae.is_binary else "mse"
    config = VAEConfig(input_dim=(x.shape[1],), latent_dim=setting.n_components, reconstruction_loss=loss)
    rows = (Binarised if vae.is_binary else BaseDataset)(torch.from_numpy(x), torch.zeros(len(x)))
    with tempfile.TemporaryDirectory() as folder:
        training = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=setting.batch_size,
            num_epochs=setting.max_iter,
            learning_rate=setting.learning_rate,
            seed=setting.seed,
            no_cuda=True,
        )
        BaseTrainer(PythaeVAE(config, encoder, decoder), rows, training_config=training, callbacks=[Tick()]).train()


def skorch(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """`NeuralNet` around the module of the hand-written loop."""
    from skorch import NeuralNet
    from skorch.callbacks import Callback

    class Net(NeuralNet):
        def get_loss(self, elbo: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            return -elbo.mean()

    class Tick(Callback):
        def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
            clock.tick(net.module_)

    clock.start()
    Net(
        VAE,
        module__n_columns=x.shape[1],
        module__setting=setting,
        criterion=nn.Identity,
        optimizer=torch.optim.Adam,
        lr=setting.learning_rate,
        max_epochs=setting.max_iter,
        batch_size=setting.batch_size,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[Tick()],
        verbose=0,
    ).fit(x)


def mlp_regressor(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """scikit-learn's, from x to x."""
    from sklearn.neural_network import MLPRegressor

    clock.start()
    mlp = MLPRegressor(
        hidden_layer_sizes=(setting.n_hidden, setting.n_components, setting.n_hidden),
        batch_size=setting.batch_size,
        learning_rate_init=setting.learning_rate,
        random_state=setting.seed,
    )
    while True:
        mlp.partial_fit(x, x)
        clock.tick()


def matrix_products(x: np.ndarray, setting: Setting, clock: Clock) -> None:
    """The limit: the products of the training steps, forward and backward, and nothing else."""
    clock.start()
    n_columns, n_hidden, n_components = x.shape[1], setting.n_hidden, setting.n_components
    layers = [(n_columns, n_hidden), (n_hidden, 2 * n_components), (n_components, n_hidden), (n_hidden, n_columns)]
    buffers = [
        (torch.rand(setting.batch_size, n_in), torch.rand(n_in, n_out), torch.rand(setting.batch_size, n_out))
        for n_in, n_out in layers
    ]
    results = [tuple(torch.empty_like(buffer) for buffer in layer) for layer in buffers]
    while True:
        for _ in range(len(x) // setting.batch_size):
            for layer, ((inputs, weight, outputs), (to_inputs, to_weight, to_outputs)) in enumerate(
                zip(buffers, results, strict=True)
            ):
                torch.mm(inputs, weight, out=to_outputs)
                torch.mm(inputs.T, outputs, out=to_weight)
                if layer:  # nobody needs the gradient of the rows
                    torch.mm(outputs, weight.T, out=to_inputs)
        clock.tick()


FITS: dict[str, Callable[[np.ndarray, Setting, Clock], None]] = {
    "ours": ours,
    "ours_defaults": ours_defaults,
    "ours_mixture": partial(ours_defaults, prior="mixture"),
    "ours_5_passes": partial(ours_defaults, max_iter=5),
    "ours_20_passes": partial(ours_defaults, max_iter=20),
    "dataloader_loop": dataloader_loop,
    "tuned_loop": tuned_loop,
    "pythae": pythae,
    "skorch": skorch,
    "mlp_regressor": mlp_regressor,
    "matrix_products": matrix_products,
}
