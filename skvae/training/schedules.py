"""Learning rate and β as functions of training progress."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

WARMUP = 0.1  # share of training
OPEN_ENDED_STEPS = 1500  # after which training without an end counts as complete

Schedule = Callable[[int, int], tuple[float, float]]


def warmup_cosine(progress: float) -> float:
    """Linear warm-up over the first tenth, then a cosine to zero.

    Parameters
    ----------
    progress : float
        Share of the training budget that is used up, from 0 to 1.

    Returns
    -------
    float
        Factor of the learning rate.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR, eq. (5), one cycle.

    Examples
    --------
    >>> [round(warmup_cosine(p), 3) for p in (0.05, 0.1, 0.55, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if progress < WARMUP:
        return progress / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP)))


def annealed(step: int, n_steps: int) -> tuple[float, float]:
    """Progress and the factor of the learning rate, where the number of steps is known.

    Examples
    --------
    >>> annealed(5, 100)
    (0.05, 0.5)
    """
    progress = step / n_steps
    return progress, warmup_cosine(progress)


def open_ended(step: int) -> tuple[float, float]:
    """Progress and the factor of the learning rate, where nobody knows how many steps will come.

    The learning rate stays after its warm-up, and progress is complete after 1,500 steps.

    Examples
    --------
    >>> open_ended(75), open_ended(2000)
    ((0.05, 0.5), (1.0, 1.0))
    """
    progress = min(1.0, step / OPEN_ENDED_STEPS)
    return progress, min(1.0, progress / WARMUP)


def annealed_anew(n_before: int, step: int, n_steps: int) -> tuple[float, float]:
    """Progress and the factor of the learning rate, where a fit goes on after earlier steps.

    There is one warm-up for all fits, but a cosine to zero for each.

    Examples
    --------
    >>> annealed_anew(75, 0, 100), annealed_anew(2000, 50, 100)
    ((0.05, 0.5), (1.0, 0.5))

    References
    ----------
    Loshchilov and Hutter (2017), SGDR, eq. (5), with a restart in each fit.
    """
    progress, factor = open_ended(n_before + step)
    return progress, factor * 0.5 * (1 + math.cos(math.pi * step / n_steps))


class BetaSchedule(ABC):
    """β, the weight of the KL term, as a function of training progress from 0 to 1.

    Attributes
    ----------
    end : float
        Progress from which β stays as it is. Training does not stop early before.
    """

    end: float

    @abstractmethod
    def __call__(self, progress: float) -> float:
        """β after this share of the training budget."""


@dataclass(frozen=True)
class LinearBeta(BetaSchedule):
    """β grows in a line from 0 to its value, so that z is in use before it costs.

    Parameters
    ----------
    beta : float, default=1.0
        Final value.
    end : float, default=0.1
        Share of training until it is reached; 0 for none.

    References
    ----------
    Sønderby et al. (2016), Ladder Variational Autoencoders, section 2.3.

    Examples
    --------
    >>> schedule = LinearBeta(beta=1.0, end=0.5)
    >>> [schedule(progress) for progress in (0.25, 0.5, 1.0)]
    [0.5, 1.0, 1.0]
    """

    beta: float = 1.0
    end: float = 0.1

    def __post_init__(self) -> None:
        check_range(self, "beta", 0.0, math.inf)
        check_range(self, "end", 0.0, 1.0)

    def __call__(self, progress: float) -> float:
        """β after this share of the training budget."""
        if not self.end:
            return self.beta
        return self.beta * min(1.0, progress / self.end)


@dataclass(frozen=True)
class CyclicalBeta(BetaSchedule):
    """β grows from 0 to its value several times, each time from a latent space that is in better use.

    Half of a cycle grows in a line, the other half is flat.

    Parameters
    ----------
    beta : float, default=1.0
        Final value.
    n_cycles : int, default=4
        How often.
    end : float, default=0.8
        Share of training that the cycles fill.

    References
    ----------
    Fu et al. (2019), Cyclical Annealing Schedule, eq. (6) and (7).

    Examples
    --------
    >>> schedule = CyclicalBeta(beta=1.0, n_cycles=2, end=0.8)
    >>> [round(schedule(progress), 2) for progress in (0.1, 0.3, 0.5, 0.7, 1.0)]
    [0.5, 1.0, 0.5, 1.0, 1.0]
    """

    beta: float = 1.0
    n_cycles: int = 4
    end: float = 0.8

    def __post_init__(self) -> None:
        check_range(self, "beta", 0.0, math.inf)
        check_range(self, "n_cycles", 1, math.inf)
        check_range(self, "end", 0.0, 1.0)

    def __call__(self, progress: float) -> float:
        """β after this share of the training budget."""
        if progress >= self.end:
            return self.beta
        return self.beta * min(1.0, 2 * (progress * self.n_cycles / self.end % 1.0))


def check_range(schedule: BetaSchedule, name: str, low: float, high: float) -> None:
    """Refuse a field outside its range."""
    value = getattr(schedule, name)
    if not (isinstance(value, int | float) and low <= value <= high and math.isfinite(value)):
        rule = f"between {low:g} and {high:g}" if math.isfinite(high) else f"of at least {low:g}"
        raise ValueError(f"{type(schedule).__name__} needs a number {rule} as {name}, got {value!r}. Pass one.")
