"""How Python looks for garbage in a process that serves for long."""

import gc

ALLOCATIONS = 50_000


def settle() -> None:
    """Called once everything is loaded: what is there by then is never looked at again, and the rest more seldom.

    Reading a callback makes thousands of small objects, and none of them a cycle: looking for those was a third of a
    processor's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)
