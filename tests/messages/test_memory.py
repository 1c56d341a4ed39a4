import numpy as np
import pytest
import torch

from skvae.messages import is_out_of_memory, memory_remedy


@pytest.mark.parametrize(
    ("allocate", "wanted"),
    [
        (lambda: np.empty(10**17), ": 711 PiB more were wanted"),
        (lambda: torch.empty(10**17), ": 400000000000000000 bytes more were wanted"),
        (lambda: torch.empty((10**18, 4)), ""),
        (lambda: bytes(2**62), ""),
    ],
    ids=["numpy", "torch", "torch, beyond any address", "python"],
)
def test_what_libraries_say_for_want_of_memory_becomes_one_sentence(allocate, wanted):
    with (
        pytest.raises(MemoryError, match=rf"^There is too little memory{wanted}\. Pass fewer rows\.$"),
        memory_remedy("Pass fewer rows."),
    ):
        allocate()


@pytest.mark.parametrize(
    "text",
    ["std::bad_alloc", "CUDA out of memory. Tried to allocate 20.00 MiB", "CUBLAS_STATUS_ALLOC_FAILED when calling"],
)
def test_words_for_it(text):
    assert is_out_of_memory(RuntimeError(text))
    assert is_out_of_memory(torch.OutOfMemoryError(text))
    assert not is_out_of_memory(ValueError(text))


def test_a_sentence_stays_what_it_is():
    with (
        pytest.raises(MemoryError, match=r"^There is too little memory\. Inside\.$"),
        memory_remedy("Outside."),
        memory_remedy("Inside."),
    ):
        raise MemoryError
    with pytest.raises(RuntimeError, match="shapes differ"), memory_remedy("Pass fewer rows."):
        raise RuntimeError("shapes differ")
    assert not is_out_of_memory(None)
