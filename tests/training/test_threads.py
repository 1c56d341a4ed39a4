import numpy as np
import pytest
import torch

from skvae import VAETransformer
from skvae.training.threads import MAX_REST, MIN_REST, WINDOW, Threads


class Machine:
    """A machine whose steps take as long as a function of the number of threads and of the time says."""

    def __init__(self, most, seconds):
        self.now, self.seconds, self.n, self.log = 0.0, seconds, most, []
        self.threads = Threads(most, use=self.use, clock=lambda: self.now)

    def use(self, n):
        self.n = n

    def run(self, until):
        """Steps up to a time; the answer is the mean number of threads by time, and the number of steps."""
        start, used, n_steps = self.now, 0.0, 0
        while self.now < until:
            took = self.seconds(self.n, self.now)
            self.now += took
            used, n_steps = used + took * self.n, n_steps + 1
            self.threads.after_step()
            assert self.threads.n == self.n
        return used / (self.now - start), n_steps


def divided(n, now):
    """Products that divide well."""
    return 0.02 / n


def busy(n, now):
    """Another process has a core."""
    return 0.02 if n == 1 else 0.5


def test_it_begins_with_one_and_takes_all_where_they_pay():
    machine = Machine(8, divided)
    assert machine.n == 1
    machine.run(until=5 * WINDOW)
    assert machine.n == 8
    used, _ = machine.run(until=10)
    assert used == pytest.approx(8)


def test_threads_that_do_not_pay_are_given_back():
    machine = Machine(8, lambda n, now: 0.02 if n < 4 else 0.019 if n == 4 else 0.03)
    assert machine.run(until=60)[0] < 1.2
    machine = Machine(8, lambda n, now: 0.02 / min(n, 4))
    machine.run(until=5)
    assert machine.n in (4, 8)
    assert machine.run(until=60)[0] < 4.3


def test_a_busy_machine_costs_little_more_than_one_thread():
    machine = Machine(2, busy)
    _, n_steps = machine.run(until=60)
    assert n_steps > 0.9 * 60 / 0.02


def test_a_core_that_is_lost_is_noticed_and_one_that_is_free_again_too():
    machine = Machine(2, lambda n, now: divided(n, now) if not 20 <= now < 40 else busy(n, now))
    assert machine.run(until=20)[0] > 1.9
    assert machine.run(until=40)[0] < 1.5
    machine.run(until=60)
    assert machine.n == 2


def test_failed_trials_become_rare():
    tried = []
    machine = Machine(2, busy)
    machine.use = machine.threads._use = lambda n: tried.append((n, machine.now)) or setattr(machine, "n", n)
    machine.run(until=1000)
    times = np.diff([now for n, now in tried if n == 2])
    assert times[0] == pytest.approx(MIN_REST, abs=1.5)
    assert times[-1] == pytest.approx(MAX_REST, abs=1.5)
    assert (np.diff(times) > -1).all()


def test_a_long_step_ends_a_trial_at_once():
    machine = Machine(2, lambda n, now: 0.02 if n == 1 else 100.0)
    machine.run(until=50.0)  # one such step is longer
    assert (machine.n, machine.now) == (1, pytest.approx(100.0 + WINDOW, abs=0.1))


def test_one_thread_is_left_alone():
    used = []
    threads = Threads(1, use=used.append)
    for _ in range(100):
        threads.after_step()
    assert (threads.n, used) == (1, [])


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_fit_tries_threads_puts_them_back_and_does_not_depend_on_them(two_threads, monkeypatch):
    x = np.random.default_rng(0).normal(size=(120, 700))
    vae = VAETransformer(2, hidden_layer_sizes=(128,), max_iter=1, batch_size=40, early_stopping=False, random_state=0)
    answers, tried = [], []
    for n in (1, 2):
        made = {"used": []}

        def after_step(self, n=n, made=made):
            torch.set_num_threads(n)
            made["used"].append(self.n)

        monkeypatch.setattr(Threads, "after_step", after_step)
        answers.append(vae.fit(x).transform(x))
        tried.append(made["used"])
        assert torch.get_num_threads() == 2
    assert tried[0] == tried[1] == [1] * len(tried[0])
    assert len(tried[0]) > 2
    np.testing.assert_array_equal(*answers)
