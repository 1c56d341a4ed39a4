"""How many threads the steps of a training take: as many as pay while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

WINDOW, MIN_STEPS = 0.1, 3  # seconds and steps for which a number of threads is timed, at least
PAYS = 0.9  # share of the seconds of a step that twice as many threads must not exceed
LOST = 1.5  # times the seconds of a step that are no chance any more
MIN_REST, MAX_REST = 1.0, 60.0  # seconds before more threads are tried again


class Threads:
    """Begins with one thread, and takes twice as many for as long as steps become faster by it.

    The threads of a matrix product wait for one another, and keep their cores busy while they do. Where another process
    has one of the cores, all wait for the thread that has none, and a step takes many times as long as on one thread.
    What else runs changes while a fit does, and only the clock knows what pays. The number changes no result.

    Parameters
    ----------
    most : int
        Number of threads at most.
    use : callable
        Sets the number of threads.
    clock : callable
        Answers the time, in seconds.

    Attributes
    ----------
    n : int
        Number of threads now.
    """

    def __init__(
        self,
        most: int,
        use: Callable[[int], None] = torch.set_num_threads,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.most, self._use, self._clock = most, use, clock
        self.n, self._settled = most, 1
        self._usual: float | None = None  # seconds of a step with the settled number
        self._rest, self._next_trial = MIN_REST, -float("inf")
        self._time(1)

    def _time(self, n: int) -> None:
        """Take so many threads, and begin to time them after a step, which may have threads to start."""
        if n != self.n:
            self._use(n)
        self.n, self._n_steps, self._since = n, -1, self._clock()

    def after_step(self) -> None:
        """Take note that a step has ended."""
        if self.most == 1:
            return
        self._n_steps += 1
        now = self._clock()
        elapsed = now - self._since
        is_trial = self.n > self._settled
        if is_trial and self._usual is not None and elapsed > LOST * max(WINDOW, MIN_STEPS * self._usual):
            self._give_up(now)  # at once: such steps may be very long
        elif self._n_steps == 0:
            self._since = now
        elif self._n_steps >= MIN_STEPS and elapsed >= WINDOW:
            self._judge(elapsed / self._n_steps, now)

    def _judge(self, seconds: float, now: float) -> None:
        """Decide by the seconds of a step with the present number of threads."""
        if self.n > self._settled:
            if self._usual is not None and seconds > PAYS * self._usual:
                return self._give_up(now)
            self._rest = MIN_REST
        elif self.n > 1 and self._usual is not None and seconds > LOST * self._usual:
            self._settled, self._usual, self._next_trial = 1, None, now + self._rest  # a core is lost
            return self._time(1)
        self._settled, self._usual = self.n, seconds
        self._time(min(2 * self.n, self.most) if now >= self._next_trial else self.n)

    def _give_up(self, now: float) -> None:
        """Go back to fewer threads, for longer than the last time."""
        self._next_trial = now + self._rest
        self._rest = min(2 * self._rest, MAX_REST)
        self._time(self._settled)
