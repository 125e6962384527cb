"""A clinic with something of every kind and in every state, one with nothing, and the people who look at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from access.log import Actor
from access.models import AccessEntry, Clinic, Membership, User
from ingest.models import Callback
from notes import review
from notes.models import Note
from recordings.models import RecordingPart
from tests.admin.rows import consultation
from tests.admin.signin import code_of
from tests.browser.consultations import (
    being_dictated,
    consulted,
    dictated,
    in_hand,
    of_request,
    revised,
    signed_and_revised,
    taken_over,
)
from tests.factories import (
    CallbackFactory,
    ClinicFactory,
    DeliveryFactory,
    EndpointFactory,
    EventFactory,
    MembershipFactory,
    NoteFactory,
    OrphanFactory,
    RecordingFactory,
    TranscriptFactory,
    UserFactory,
)

#: What clinics give their things as names, where it is longest and has nowhere to break.
LONG = "Consultation" + "x" * 60


@dataclass
class World:
    """`rows`: one of each model by its place in the admin, and some by what is special about them."""

    clinic: Clinic
    rows: dict[str, Any]
    people: dict[str, User] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.rows[name]

    def code(self, who: str) -> str:
        """What the person's app shows, where one is set up."""
        user = self.people[who]
        return code_of(user) if TOTPDevice.objects.filter(user=user).exists() else ""


def a_world() -> World:
    clinic, empty = ClinicFactory(name="Harbour practice"), ClinicFactory()
    people = {role: MembershipFactory(clinic=clinic, role=role).user for role in Membership.Role.values}
    people |= {
        "operator": UserFactory(is_superuser=True),
        "newcomer": MembershipFactory(clinic=empty, role="manager").user,
        "stray": UserFactory(),
        "careful": MembershipFactory(clinic=clinic).user,
        "beginner": MembershipFactory(clinic=clinic).user,
        "leaver": MembershipFactory(clinic=clinic).user,
    }
    TOTPDevice.objects.create(user=people["careful"], name="app", confirmed=True)
    return World(clinic, rows(clinic, people["reviewer"]), people)


def rows(clinic: Clinic, reviewer: User) -> dict[str, Any]:
    common = consultation(clinic).rows
    colleague = MembershipFactory(clinic=clinic, role="viewer", user__username=f"long.{LONG}.{clinic.pk.hex}")
    others = {
        "access_membership": colleague,
        "access_user": colleague.user,
        "access_clinic": clinic,
        "access_trustedissuer": common["access_allowedapplication"].issuer,
        "feed_event": EventFactory(clinic=clinic),
    }
    found = common | others | requests(clinic) | notes(clinic, reviewer) | callbacks(clinic) | recordings(clinic)
    return found | webhooks(clinic)


def requests(clinic: Clinic) -> dict[str, Any]:
    states: dict[str, dict[str, Any]] = {
        "queued": {},
        "submitting": {"state": "submitting"},
        "waiting": {"waiting": True},
        "overdue": {"waiting": True, "waiting_since": timezone.now() - timedelta(hours=2)},
        "failed": {"failed": True},
        "cancelled": {"cancelled": True},
    }
    facts = {"session__clinic": clinic, "session__encounter_ref": LONG}
    dictations = {"being_dictated": being_dictated(clinic), "dictated": dictated(clinic)}
    return {name: of_request(facts | state) for name, state in states.items()} | dictations


def notes(clinic: Clinic, reviewer: User) -> dict[str, Any]:
    held = {"holder": reviewer}
    signed = held | {"signed_by": reviewer, "signed_at": timezone.now()}
    states: dict[str, dict[str, Any]] = {state: {"reason": LONG} for state in Note.State.values}
    states |= {"in_review": held, "approved": held, "signed": signed, "amended": signed}
    facts = {"title": LONG, "text": LONG * 3}
    answered = {"session__clinic": clinic, "ready": True}
    found = {
        state: NoteFactory(request=of_request(answered), **facts, state=state, **states[state]) for state in states
    }
    TranscriptFactory(request=found["in_review"].request, lines=[{"text": LONG, "speaker": LONG}])
    by = Actor(AccessEntry.Actor.USER, str(reviewer.pk))
    review.amend(found["amended"].pk, by, LONG)
    written_anew = {made.__name__: made(clinic, reviewer) for made in (revised, taken_over, signed_and_revised)}
    return found | written_anew | {"consulted": consulted(clinic), "in_hand": in_hand(clinic, reviewer)}


def recordings(clinic: Clinic) -> dict[str, Any]:
    """Copied, to be lost within the day, and lost."""
    soon = {"available_until": timezone.now() + timedelta(hours=5), "error_code": "no_answer", "error_message": LONG}
    states = {
        "archived": {"archived_at": timezone.now(), "size": 64_044, "part_count": 2},
        "available": soon,
        "lost": {},
    }
    facts = {"session__clinic": clinic, "session__encounter_ref": LONG}
    found = {f"{state}_recording": RecordingFactory(**facts, state=state, **states[state]) for state in states}
    for recording in found.values():
        RecordingPart.objects.create(clinic=clinic, recording=recording, number=1, vendor_ref="1")
    return found


def callbacks(clinic: Clinic) -> dict[str, Any]:
    found = {
        state: CallbackFactory(submission__request__session__clinic=clinic, state=state, problem=LONG)
        for state in Callback.State.values
        if state != "orphan"
    }
    return found | {"orphan": OrphanFactory(clinic=clinic)}


def webhooks(clinic: Clinic) -> dict[str, Any]:
    """One that works, one that fails, one that is gone; what was delivered, is to be sent again, was given up."""
    now = timezone.now()
    facts = {"clinic": clinic, "description": LONG, "url": f"https://ehr.example/{LONG.lower()}"}
    failing = EndpointFactory(**facts, failing_since=now - timedelta(hours=2), rests_until=now + timedelta(minutes=3))
    works = EndpointFactory(clinic=clinic, types=["note.signed", "note.amended"], last_delivered_at=now)
    tried = {"attempts": 3, "last_attempt_at": now}
    return {
        "webhook": works,
        "failing_webhook": failing,
        "gone_webhook": EndpointFactory(**facts, gone=True),
        "delivered": DeliveryFactory(endpoint=works, **tried, state="delivered", last_status=200, delivered_at=now),
        "to_be_sent_again": DeliveryFactory(endpoint=failing, **tried, last_status=503, last_error="refused"),
        "given_up": DeliveryFactory(endpoint=failing, **tried, state="failed", last_error="address_refused"),
    }
