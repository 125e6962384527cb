"""Webhooks and their deliveries as REST takes and shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from config import examples
from config.fields import Changes, Choice, Closed, Moment, Text
from feed.events import OFFERED, Kind
from feed.models import LONGEST_DESCRIPTION, LONGEST_URL, Delivery, Endpoint
from feed.webhooks import replays, signing

KINDS = [(str(kind), str(kind.label)) for kind in OFFERED]
URL = "https, without user name, query or fragment; it must lead to a public address now."
DESCRIPTION = "What listens there, for people."
TYPES = "Of the events that it is told of. Empty: all, also types that come later."
ADDRESS = "https://ehr.example/listenpost"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1bJzZmVxR0k="  # noqa: S105 (an example)
MOST_COUNTED = 1000
AT = "2026-03-02T10:15:41.310000Z"


def types_field() -> Any:
    """Of a request: each member is one of those that there are."""
    child = Choice(KINDS)
    return serializers.ListField(child=child, required=False, allow_empty=True, max_length=len(KINDS), help_text=TYPES)


class NewWebhook(Closed):
    url = Text(max_length=LONGEST_URL, help_text=URL)
    description = Text(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True, help_text=DESCRIPTION)
    types = types_field()
    example = {"url": ADDRESS, "description": "EHR", "types": ["note.signed", "note.amended"]}


class WebhookChange(Changes):
    url = Text(max_length=LONGEST_URL, required=False, help_text=URL)
    description = Text(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)
    types = types_field()
    state = Choice(Endpoint.State.choices, required=False, help_text="off: nothing is sent until it is on again.")
    example = {"types": ["note.signed"], "state": "on"}


class WebhookShown(serializers.Serializer[Endpoint]):
    """Nothing that moves with each delivery: who holds its ETag could else never change a busy one."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    description = serializers.CharField()
    types = serializers.ListField(child=serializers.ChoiceField(KINDS), help_text=TYPES)
    state = serializers.ChoiceField(Endpoint.State.choices)
    off_reason = serializers.ChoiceField(
        [("", "it is on"), *Endpoint.Off.choices], help_text="gone: it answered 410. failing: for days nothing arrived."
    )
    off_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    example = {
        "id": examples.WEBHOOK,
        "url": ADDRESS,
        "description": "EHR",
        "types": ["note.signed", "note.amended"],
        "state": "on",
        "off_reason": "",
        "off_at": None,
    }


class WebhookStandingShown(serializers.Serializer[Endpoint]):
    webhook = serializers.UUIDField(source="pk")
    pending = serializers.SerializerMethodField(help_text="Deliveries that wait. 1000 stands for that and more.")
    failing_since = serializers.DateTimeField(allow_null=True, help_text="Of the first failure after the last success.")
    last_delivered_at = serializers.DateTimeField(allow_null=True)
    replaying = serializers.SerializerMethodField(help_text="A replay is under way.")
    replayed_to = serializers.SerializerMethodField(help_text="How far: it has come to the events of this time.")
    example = {
        "pending": 0,
        "failing_since": None,
        "last_delivered_at": AT,
        "replaying": False,
        "replayed_to": None,
    }

    def get_pending(self, endpoint: Endpoint) -> int:
        return Delivery.objects.filter(endpoint=endpoint, next_attempt_at__isnull=False)[:MOST_COUNTED].count()

    def get_replaying(self, endpoint: Endpoint) -> bool:
        return endpoint.replay_until is not None

    def get_replayed_to(self, endpoint: Endpoint) -> datetime | None:
        return replays.reached(endpoint)


class SecretShown(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="What deliveries are signed with. It is shown this once.")
    example = {"secret": SECRET}


class WebhookMade(WebhookShown):
    secret = serializers.CharField(help_text="What deliveries are signed with. It is shown this once.")
    example = WebhookShown.example | {"secret": SECRET}


class NewSecret(Closed):
    overlap_hours = serializers.IntegerField(
        min_value=0,
        max_value=signing.LONGEST_HOURS,
        default=signing.USUAL_HOURS,
        help_text="How long deliveries are signed with the old one too.",
    )
    example = {"overlap_hours": 24}


class NewReplay(Closed):
    since = Moment(help_text="What happened then and later is sent, and for safety what did in the ten minutes before.")
    until = Moment(required=False, allow_null=True, help_text="And before then. Now, if left out.")
    example = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}


class DeliveryShown(serializers.Serializer[Delivery]):
    id = serializers.UUIDField()
    webhook = serializers.UUIDField(source="endpoint_id")
    event = serializers.UUIDField(source="event_id", help_text="The webhook-id of every try.")
    type = serializers.ChoiceField(Kind.choices, source="kind")
    state = serializers.ChoiceField(Delivery.State.choices)
    attempts = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="While it is pending.")
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True, help_text="HTTP's, if there was an answer.")
    last_error = serializers.CharField(help_text="Why the last try failed, as a code, such as status or no_answer.")
    delivered_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    example = {
        "id": examples.DELIVERY,
        "webhook": examples.WEBHOOK,
        "event": examples.EVENT,
        "type": "note.signed",
        "state": "delivered",
        "attempts": 1,
        "next_attempt_at": None,
        "last_attempt_at": AT,
        "last_status": 204,
        "last_error": "",
        "delivered_at": AT,
        "created_at": AT,
    }
