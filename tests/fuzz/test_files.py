"""Any file: ``load`` says why it cannot be read, or gives a model whose methods answer or say why not."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import event, given

from skvae import VAETransformer
from tests.fixtures.make import DATA
from tests.fuzz.checks import Refused, ask
from tests.fuzz.damage import files
from tests.fuzz.profiles import FILES


@FILES
@given(files())
def test_a_damaged_file_is_refused_or_works(file):
    name, content = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        path.write_bytes(content)
        try:
            vae = ask(VAETransformer.load, path)
        except Refused:
            event("refused")
            return
    event("loaded")
    X = DATA[name.split(",")[0]]()
    for call in (lambda: ask(vae.transform, X), lambda: ask(vae.score_samples, X), lambda: ask(vae.sample, 3)):
        with contextlib.suppress(Refused):
            call()
