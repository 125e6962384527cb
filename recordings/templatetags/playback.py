"""The player of a request's audio, for pages of the desk: `{% player_of original.request as player %}`."""

from __future__ import annotations

from typing import Any

from django import template

from recordings.playback import Player, player_of_request

register = template.Library()


@register.simple_tag
def player_of(request: Any) -> Player:
    """`request`: an `ingest.AsyncRequest`. One that has nothing to listen to says so."""
    return player_of_request(request)
