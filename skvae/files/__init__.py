"""Fitted models outside of memory: files, the state of a pickle, ONNX."""
