"""The command line, for people with a file and a question: ``python -m skvae --help``."""

from skvae.cli.arguments import main

__all__ = ["main"]
