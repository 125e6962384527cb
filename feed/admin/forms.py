"""What managers say of a webhook."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from access import desk
from feed.admin import earlier, telling
from feed.events import OFFERED, Kind
from feed.models import LONGEST_DESCRIPTION, LONGEST_URL, Endpoint
from feed.webhooks import addresses, replays, signing
from feed.webhooks.refusals import Refused

#: No event is older.
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def in_words(kind: Kind) -> SafeString:
    return format_html("<span><strong>{}</strong> {}</span>", str(kind), telling.sentence(kind))


class EndpointForm(desk.DeskForm):
    url = forms.CharField(
        max_length=LONGEST_URL,
        label="Address",
        help_text="Where events are posted to, such as https://ehr.example/events. People see it: no secret in it.",
    )
    description = desk.NameField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        label="Description",
        help_text="What listens there, such as “EHR”.",
    )
    types = forms.MultipleChoiceField(
        choices=[(kind, in_words(kind)) for kind in OFFERED],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="What it is told",
        help_text="None ticked: everything, also kinds of events that come later.",
    )

    def clean_url(self) -> str:
        """Looked up here, which takes seconds where its name does not answer: what is asked for is done afterwards."""
        url: str = self.cleaned_data["url"]
        try:
            if "url" in self.changed_data:
                addresses.check(url)
        except Refused as refusal:
            raise forms.ValidationError(refusal.message) from None
        return url


class NewEndpointForm(EndpointForm, desk.ClinicForm):
    field_order = ("clinic",)


class SecretForm(desk.DeskForm):
    hours = forms.IntegerField(
        min_value=0,
        max_value=signing.LONGEST_HOURS,
        initial=signing.USUAL_HOURS,
        label="Hours that the old secret goes on",
        help_text="Until then everything is signed with both. Long enough to give the new one to whatever listens "
        "there. 0: the old one ends now.",
    )


class SwitchOnForm(desk.DeskForm):
    """`since`: from when on it may have missed something."""

    lead = "It is told of what happens from now on, and what waits for it is sent."
    again = forms.BooleanField(required=False, initial=True)

    def __init__(self, request: HttpRequest, endpoint: Endpoint, since: datetime | None) -> None:
        super().__init__(request)
        if since is None:
            del self.fields["again"]
            return
        at, number = desk.in_clinic_time(since, endpoint.clinic), earlier.how_many(replays.number(endpoint, since))
        self.fields["again"].label = f"Also send what has happened since {at} ({number or 'nothing'})"


class ReplayForm(desk.DeskForm):
    """Times by the clinic's clocks."""

    lead = (
        "Events are sent that happened in this time, or in the ten minutes before, and that it is told of. What it has "
        "had before comes again."
    )
    since = forms.DateTimeField(label="From", widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"))
    until = forms.DateTimeField(
        label="To",
        required=False,
        help_text="Empty: until now.",
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
    )

    def __init__(self, request: HttpRequest, endpoint: Endpoint) -> None:
        self.zone = ZoneInfo(endpoint.clinic.time_zone)
        super().__init__(request)

    def is_valid(self) -> bool:
        with timezone.override(self.zone):
            return super().is_valid()

    def clean(self) -> dict[str, Any]:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and not BEGIN <= since < timezone.now():
            self.add_error("since", "Give a time that has been.")
        elif since and until and until <= since:
            self.add_error("until", "Give a later time than the first.")
        return self.cleaned_data
