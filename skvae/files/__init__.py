"""Fitted models outside of memory: files, the state of a pickle, ONNX."""

from skvae.files.checkpoints import fit_kept, fit_together_kept
from skvae.files.onnx import to_onnx
from skvae.files.pickling import SkvaeVersionWarning, pickled, unpickled
from skvae.files.saving import load, save

__all__ = ["SkvaeVersionWarning", "fit_kept", "fit_together_kept", "load", "pickled", "save", "to_onnx", "unpickled"]
