"""The command `atelier`: serve, look, and administer. Rich on a terminal, plain or JSON elsewhere."""

from atelier.cli.root import app, main

__all__ = ["app", "main"]
