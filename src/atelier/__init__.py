"""Atelier: self-hosted AI media for applications with many customers."""

__version__ = "0.1.0"
