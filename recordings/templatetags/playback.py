"""The player of a request's audio, for pages of the desk: `{% player_of original.request as player %}`."""

from __future__ import annotations

from typing import Any

from django import template

from recordings.playback import Player, player_of_request

register = template.Library()


@register.simple_tag(takes_context=True)
def player_of(context: Any, request: Any) -> Player:
    """`request`: an `ingest.AsyncRequest`. One that has nothing to listen to says so; of several audio, `?audio=2`."""
    return player_of_request(request, context["request"].GET.get("audio", ""))
