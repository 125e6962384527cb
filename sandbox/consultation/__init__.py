"""Consultations out of a script: plausible, always the same for the same audio, exactly as long as that audio."""

from sandbox.consultation.scripted import Consultation, Line, scripted

__all__ = ["Consultation", "Line", "scripted"]
