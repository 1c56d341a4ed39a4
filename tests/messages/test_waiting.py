import sys
import time

import pandas as pd
import pytest

from skvae import VAETransformer
from skvae.messages import tell_who_waits, waiting


@pytest.fixture
def prompt(monkeypatch):
    """A session at a prompt, in which nobody waits for long."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(waiting, "SECONDS", 0.01)
    waiting._was_said.clear()
    yield
    waiting._was_said.clear()


def wait():
    with tell_who_waits("It goes on."):
        time.sleep(0.3)


def test_who_waits_at_a_prompt_is_told_once(prompt, capsys):
    wait()
    wait()
    assert capsys.readouterr() == ("", "It goes on.\n")


def test_who_does_not_wait_is_not_told(prompt, capsys, monkeypatch):
    monkeypatch.setattr(waiting, "SECONDS", 0.2)
    with tell_who_waits("It goes on."):
        pass
    time.sleep(0.4)
    assert capsys.readouterr().err == ""


def test_scripts_are_silent(prompt, capsys, monkeypatch):
    monkeypatch.delattr(sys, "ps1")
    wait()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("verbose", "is_told"), [(0, True), (1, False)])
def test_a_fit_tells_unless_it_prints_anyway(verbose, is_told, prompt, capsys, tiny, iris):
    VAETransformer(**tiny, verbose=verbose).fit(iris)
    assert ("verbose=1" in capsys.readouterr().err) == is_told


@pytest.mark.parametrize(("decoder", "is_told"), [("auto", True), ("factorized", False)])
def test_a_fit_of_three_models_says_how_to_do_without_two(decoder, is_told, prompt, capsys, tiny, iris):
    VAETransformer(**tiny | {"decoder": decoder}).fit(pd.DataFrame(iris).rename(columns=str))
    told = capsys.readouterr().err
    assert "takes a while" in told and ("decoder='factorized' leaves out" in told) == is_told
