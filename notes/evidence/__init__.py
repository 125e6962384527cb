"""Where in the transcript the sentences of a note may come from, and what in it a reader should check."""

from notes.evidence.findings import Evidence, Passage, Source, Unreflected, Unsaid
from notes.evidence.sentences import sentences
from notes.evidence.weighing import weigh

__all__ = ["Evidence", "Passage", "Source", "Unreflected", "Unsaid", "sentences", "weigh"]
