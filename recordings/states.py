"""What may follow what for a recording. Repeats are legal no-ops (config.states)."""

from config.states import StateTable

RECORDING = StateTable(
    "recording",
    {
        "pending": {"available", "lost"},
        "available": {"archived", "lost"},
        "archived": set(),
        "lost": {"pending", "available"},
    },
)
