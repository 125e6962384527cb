"""The door under cProfile, its figures written at its end to $PROFILE.<pid>: where its own time goes."""

from __future__ import annotations

import cProfile
import os

from config.bodies import Receive, Scope, Send
from config.door import application as door

profile = cProfile.Profile()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        profile.enable()  # of this thread, on which the event loop and all that it calls run
    try:
        await door(scope, receive, send)
    finally:
        if scope["type"] == "lifespan":
            profile.disable()
            profile.dump_stats(f"{os.environ['PROFILE']}.{os.getpid()}")
