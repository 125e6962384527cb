"""The player of a request's audio, for pages of the desk: `{% player_of original.request as player %}`."""

from __future__ import annotations

from typing import Any

from django import template

from recordings.playback import Player, player

register = template.Library()


@register.simple_tag
def player_of(request: Any) -> Player:
    """`request`: an `ingest.AsyncRequest`. One whose audio was sent elsewhere has none here, and the player says so."""
    return player(request.audio)
