"""Where training runs: device, precision, threads, and the random state that is lent and put back."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

GLOBAL_RNG = threading.RLock()

if hasattr(os, "register_at_fork"):  # the child would wait for threads that only its parent has
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn "auto" into a GPU or else the CPU, and refuse a device that is not there."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", own_gpu())
        return torch.device("cpu")
    try:
        resolved = torch.device(device)
        torch.zeros(1, device=resolved).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={str(device)!r} cannot be used on this machine ({str(error).splitlines()[0]}). "
            f"Use device='auto' or device='cpu'."
        ) from error
    return resolved


@contextmanager
def settings_of_its_own() -> Iterator[None]:
    """Compute as torch does where nobody has set anything: gradients, float32, new tensors on the CPU, no autocast.

    A program or a notebook may have set others for its own networks, such as ``torch.set_default_device("cuda")``.
    """
    with ExitStack() as settings:
        if torch.is_inference_mode_enabled():
            settings.enter_context(torch.inference_mode(False))
        if not torch.is_grad_enabled():
            settings.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                settings.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            settings.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            settings.callback(torch.set_default_dtype, torch.get_default_dtype())
            torch.set_default_dtype(torch.float32)
        yield


def own_gpu() -> int:
    """Position of the GPU of this process: that of its local rank under torchrun, and workers spread over all."""
    n_gpus = torch.cuda.device_count()
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"]) % n_gpus
    if multiprocessing.parent_process() is None:
        return torch.cuda.current_device()
    number = multiprocessing.current_process().name.rpartition("-")[2]  # as in LokyProcess-2
    if not number.isdigit():
        return os.getpid() % n_gpus
    return int(number) % n_gpus


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 matrices faster than float32.

    AVX-512 alone does not: without instructions for bfloat16 these products take three times as long.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    says: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not say
    return device.type == "cpu" and bool(says.get("avx512_bf16") or says.get("amx_bf16"))


def resolve_precision(precision: str, *, width: int, n_columns: int, device: torch.device) -> torch.dtype:
    """Dtype of the networks' matrix products: "auto" takes bfloat16 where they are large and it is fast."""
    if precision == "auto":  # below this size the casts cost more than the products save
        precision = "bfloat16" if width * n_columns >= 65_536 and has_bfloat16(device) else "float32"
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Matrix products in this precision; float32 leaves everything as it is."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


@contextmanager
def intraop_threads(n_threads: int | None) -> Iterator[None]:
    """Use at most ``n_threads`` threads inside torch operations, and put the number back; None leaves it."""
    before = torch.get_num_threads()
    try:
        if n_threads is not None and n_threads < before:
            torch.set_num_threads(n_threads)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


@contextmanager
def isolated_rng(seed: int, device: torch.device, *, lends_global: bool) -> Iterator[torch.Generator]:
    """A seeded generator of our own.

    With ``lends_global``, torch's global generator, which dropout and users' modules read, is seeded too and put back
    afterwards; it belongs to the whole process, so such fits in threads take turns.
    """
    if not lends_global:
        yield torch.Generator(device).manual_seed(seed)
        return
    gpus = [device] if device.type == "cuda" else []
    with GLOBAL_RNG, torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        yield torch.Generator(device).manual_seed(seed)


def global_rng_states(device: torch.device) -> list[Tensor]:
    """How far torch's global generators have come: that of the CPU, and that of a GPU."""
    of_gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *of_gpu]


def set_global_rng_states(states: list[Tensor], device: torch.device) -> None:
    """Have them go on from there."""
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
