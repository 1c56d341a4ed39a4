"""How the library speaks to its user."""

from skvae.messages.memory import is_out_of_memory, memory_remedy
from skvae.messages.warning import warn_user

__all__ = ["is_out_of_memory", "memory_remedy", "warn_user"]
