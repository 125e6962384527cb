"""A pretend Suki: recordings, ambient sessions and dictation."""

from sandbox.suki.vendor import Suki

__all__ = ["Suki"]
