"""The pictures in docs/images, of a clinic in the middle of its morning: scripts/pictures takes them anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from access.log import Actor, Kind
from access.models import Clinic, User
from config.installation import ROOT
from feed.models import Delivery, Endpoint
from ingest.models import AsyncRequest, Audio, Session
from notes import review
from notes.models import Note
from notes.weighing import weigh
from recordings.models import Recording, RecordingPart
from tests.browser.conftest import signed_in
from tests.browser.consultations import being_dictated, consulted, in_hand, of_request, write_anew
from tests.browser.desk import Desk
from tests.browser.pages import Shown, listed, of_row, site, to_sign
from tests.browser.world import World
from tests.factories import (
    CallbackFactory,
    ClinicFactory,
    DeliveryFactory,
    EndpointFactory,
    MembershipFactory,
    NoteFactory,
    RecordingFactory,
    UserFactory,
)
from vendors.base import TRANSCRIPT

FOLDER = ROOT / "docs" / "images"
PEOPLE = {"ada": ("Ada", "Moreau"), "jonas": ("Jonas", "Berg")}
#: Title, template, state and who has it, newest first.
MORNING = [
    ("Follow-up: type 2 diabetes", "GENERAL_MEDICINE", "needs_review", ""),
    ("Acute cough", "GENERAL_MEDICINE", "needs_review", ""),
    ("Low back pain after lifting", "PHYSIOTHERAPY", "in_review", "jonas"),
    ("Palpitations and poor sleep", "CARDIOLOGY", "approved", "ada"),
    ("Well child visit, 18 months", "PEDIATRICS", "signed", "ada"),
    ("Knee pain on stairs", "ORTHOPEDICS", "amended", "jonas"),
    ("Test of the microphone", "GENERAL_MEDICINE", "rejected", ""),
]
PICTURES = [
    Shown("front", "ada", site("index")),
    Shown("notes", "ada", listed("notes_note")),
    Shown("search", "ada", listed("notes_note"), {"Words": "blood pressure"}, ("Search",)),
    Shown("note", "ada", of_row("fresh")),
    Shown("conflict", "ada", of_row("in_hand", "conflict")),
    Shown("revised", "ada", of_row("revised")),
    Shown("sign", "ada", to_sign),
    Shown("print", "ada", of_row("fresh", "print")),
    Shown("transcript", "ada", lambda world: reverse("admin:notes_transcript_change", args=[world["said"].pk])),
    Shown("request", "ada", of_row("waiting")),
    Shown("callbacks", "ada", listed("ingest_callback")),
    Shown("dictation", "ada", of_row("dictation")),
    Shown("recording", "ada", of_row("recording")),
    Shown("webhook", "ada", of_row("webhook")),
]


@pytest.fixture(scope="module")
def world(web: str, django_db_blocker: Any) -> World:
    with django_db_blocker.unblock():
        clinic = ClinicFactory(name="Harbour practice", time_zone="Europe/Paris")
        people = {name: person(clinic, *names) for name, names in PEOPLE.items()}
        rows = {state: note_of(clinic, people, *facts) for facts in reversed(MORNING) for state in [facts[2]]}
        fresh = consulted(clinic, "VISIT-1042")
        weigh(fresh, fresh.request.transcript.lines)
        sent = {"audio__number": 1, "waiting": True, "submitted_at": timezone.now()}
        waiting = of_request({"session__clinic": clinic, **sent})
        CallbackFactory(submission=waiting.current_submission, state="junk", problem="It is no JSON.")
        more = {"fresh": fresh, "said": fresh.request.transcript, "waiting": waiting}
        more |= {"dictation": dictation(clinic), "recording": at_risk(clinic)}
        more |= {"webhook": gone(clinic)}
        more |= {"in_hand": in_hand(clinic, people["ada"]), "revised": revised(clinic, people["ada"])}
        return World(clinic, rows | more, people)


def person(clinic: Clinic, first: str, last: str) -> User:
    user = UserFactory(username=f"{first}.{clinic.pk.hex[-6:]}".lower(), first_name=first, last_name=last)
    made: User = MembershipFactory(clinic=clinic, role="manager", user=user).user
    return made


def note_of(clinic: Clinic, people: dict[str, User], title: str, template: str, state: str, holder: str) -> Note:
    request = of_request(
        {"session__clinic": clinic, "session__encounter_ref": f"VISIT-{len(title) + 1000}", "ready": True}
    )
    facts: dict[str, Any] = {"holder": people[holder]} if holder else {}
    if state in ("signed", "amended"):
        facts |= {"signed_by": people[holder], "signed_at": timezone.now() - timedelta(minutes=20)}
    return NoteFactory(request=request, title=title, template=template, text=f"{title}.", state=state, **facts)


def revised(clinic: Clinic, reviewer: User) -> Note:
    note = consulted(clinic, "VISIT-1039")
    review.claim(note.pk, Actor(Kind.USER, str(reviewer.pk)))
    write_anew(note)
    return note


def dictation(clinic: Clinic) -> AsyncRequest:
    request = being_dictated(clinic)
    Session.objects.filter(pk=request.session_id).update(encounter_ref="VISIT-1043")
    Audio.objects.filter(session=request.session_id).update(number=1)
    AsyncRequest.objects.filter(pk=request.pk).update(output_objects=[TRANSCRIPT])
    return request


def gone(clinic: Clinic) -> Endpoint:
    """A webhook that took what was sent to it until its receiver said that it is no more."""
    now = timezone.now()
    types = ["note.created", "note.signed", "note.amended"]
    facts = {
        "created_at": now - timedelta(days=9),
        "failing_since": now,
        "last_delivered_at": now - timedelta(minutes=12),
    }
    endpoint: Endpoint = EndpointFactory(clinic=clinic, types=types, gone=True, **facts)
    for kind in ("note.signed", "note.created", "note.created", "note.signed"):
        sent = {"endpoint": endpoint, "event__kind": kind, "attempts": 1, "last_attempt_at": now}
        last = DeliveryFactory(**sent, state="delivered", last_status=200)
    Delivery.objects.filter(pk=last.pk).update(state="pending", next_attempt_at=now, last_status=410, last_error="gone")
    return endpoint


def at_risk(clinic: Clinic) -> Recording:
    """Of which there is no copy yet, some hours before its vendor deletes it."""
    now = timezone.now()
    recording: Recording = RecordingFactory(
        session__clinic=clinic,
        session__encounter_ref="VISIT-1038",
        state="available",
        created_at=now - timedelta(days=6, hours=19),
        available_until=now + timedelta(hours=5),
        attempts=31,
        next_attempt_at=now + timedelta(minutes=40),
        error_code="no_answer",
        error_message="sdp.suki.ai did not answer in time.",
        part_count=2,
    )
    for number in (1, 2):
        RecordingPart.objects.create(clinic=clinic, recording=recording, number=number, vendor_ref=str(number))
    return recording


@pytest.fixture
def ada(world: World, desks: Callable[..., Desk]) -> Desk:
    return signed_in(desks(), world.people["ada"])


@pytest.mark.parametrize("shown", PICTURES, ids=lambda shown: shown.name)
def test_picture(shown: Shown, world: World, ada: Desk) -> None:
    shown.visit(ada, world)
    ada.page.wait_for_load_state("networkidle")
    ada.page.screenshot(path=FOLDER / f"{shown.name}.png")
