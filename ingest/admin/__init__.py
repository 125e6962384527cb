"""Sessions, requests, callbacks and vendor accounts as staff see them."""

from access import desk
from ingest.admin import accounts, callbacks, replays, requests, sessions
from ingest.models import AsyncRequest, Callback
from ingest.models.callback import PROBLEMS

__all__ = ["accounts", "callbacks", "replays", "requests", "sessions"]

REQUESTS, CALLBACKS = "admin:ingest_asyncrequest_changelist", "admin:ingest_callback_changelist"
desk.register_count(
    desk.Count(3, "waiting too long", lambda _: AsyncRequest.objects.overdue(), REQUESTS, "overdue=yes")
)
desk.register_count(
    desk.Count(
        4, "failed requests", lambda _: AsyncRequest.objects.filter(state="failed"), REQUESTS, "state__exact=failed"
    )
)
desk.register_count(
    desk.Count(
        5, "failed callbacks", lambda _: Callback.objects.filter(state="failed"), CALLBACKS, "state__exact=failed"
    )
)
desk.register_count(
    desk.Count(
        6,
        "callbacks with a problem",
        lambda _: Callback.objects.filter(state__in=PROBLEMS),
        CALLBACKS,
        "problem=yes",
    )
)
