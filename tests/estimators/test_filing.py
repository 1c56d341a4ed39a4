import pytest
from sklearn.exceptions import NotFittedError

from skvae import VAETransformer


@pytest.mark.parametrize("ask", ["save", "to_onnx"])
def test_only_what_is_fitted_can_leave_memory(ask, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(VAETransformer(), ask)(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_subclass_loads_as_itself(tiny, iris, tmp_path):
    pytest.importorskip("safetensors")

    class Mine(VAETransformer):
        """With the same parameters."""

    Mine(**tiny).fit(iris).save(tmp_path / "model")
    assert type(Mine.load(tmp_path / "model")) is Mine
