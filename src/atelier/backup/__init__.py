"""Everything of an Atelier in one file: made while it serves, and put back where it was or elsewhere."""

from atelier.backup.restoring import restore
from atelier.backup.taking import back_up

__all__ = ["back_up", "restore"]
