"""How the library speaks to its user."""

from skvae.messages.warning import warn_user

__all__ = ["warn_user"]
