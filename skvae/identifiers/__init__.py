"""Columns that name their rows: how they are recognised, and how new ones of the same form are drawn."""

from skvae.identifiers.keys import Keys
from skvae.identifiers.recognition import looks_like_identifier
from skvae.identifiers.seen import Seen, digests
from skvae.identifiers.text import Slot, TextForm

__all__ = ["Keys", "Seen", "Slot", "TextForm", "digests", "looks_like_identifier"]
