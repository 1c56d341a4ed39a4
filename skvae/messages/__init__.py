"""How the library speaks to its user."""

from skvae.messages.memory import is_out_of_memory, memory_remedy
from skvae.messages.waiting import tell_who_waits
from skvae.messages.warning import each_once, warn_user

__all__ = ["each_once", "is_out_of_memory", "memory_remedy", "tell_who_waits", "warn_user"]
