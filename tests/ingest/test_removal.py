"""Sessions are removed whole by the database's owner; what is told of it, what stays, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import RFC_4122, UUID, uuid4

import psycopg
import pytest
from django.conf import settings as configured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from access import log
from access.models import AccessEntry, Clinic
from config.ids import first_id
from config.installation import ROOT
from feed.models import Event
from ingest import leftovers, removal
from ingest.letters import Receipt
from ingest.models import AsyncRequest, Audio, Callback, Inquiry, RemovedFile, Session, Submission, Utterance
from notes.models import Addendum, Dismissal, Draft, Evidence, Note, Transcript
from recordings import downloads
from recordings.models import Links, Listening, Recording, RecordingPart, Waveform
from tests.admin.rows import SAID, consultation
from tests.factories import (
    AudioFactory,
    CallbackFactory,
    NoteFactory,
    OrphanFactory,
    RecordingFactory,
    SessionFactory,
    SubmissionFactory,
    UserFactory,
)
from tests.ingest.test_inbox import at, hand_in, ticketed
from tests.rest.api import Api, assert_problem

pytestmark = pytest.mark.django_db
OF_OBJECTS = {
    "session": Session,
    "audio": Audio,
    "request": AsyncRequest,
    "transcript": Transcript,
    "note": Note,
    "recording": Recording,
}


def everything(clinic: Clinic) -> Session:
    """A finished consultation with a row of each kind that can be below it."""
    made = consultation(clinic)
    person, note, audio = UserFactory(), made["notes_note"], made["ingest_asyncrequest"].audio
    submission = made["ingest_callback"].submission
    own = {"clinic": clinic}
    Inquiry.objects.create(submission=submission, **own)
    Inquiry.objects.create(submission=submission, callback=made["ingest_callback"], **own)
    Utterance.objects.create(submission=submission, number=1, text=SAID, **own)
    Draft.objects.create(note=note, user=person, based_on=1, texts=[SAID], **own)
    Evidence.objects.create(note=note, version=1, **own)
    Dismissal.objects.create(note=note, warning="0" * 32, reason="x", author=person, **own)
    Addendum.objects.create(note=note, number=1, text=SAID, author=person, **own)
    recording = made["recordings_recording"]
    Recording.objects.filter(pk=recording.pk).update(state="archived")
    key = f"recordings/{clinic.pk}/{recording.pk}/1"
    facts = {"storage_key": key, "size": 4, "pcm_start": 0, "pcm_size": 4, "state": "archived"}
    RecordingPart.objects.create(recording=recording, number=1, vendor_ref="1", **facts, **own)
    Links.objects.create(recording=recording, **own)
    Waveform.objects.create(audio=audio, **own)
    Listening.objects.create(id=uuid4(), user=person, audio=audio)
    Listening.objects.create(id=uuid4(), user=person, recording=recording)
    for each in (key, audio.storage_key):
        default_storage.save(each, ContentFile(SAID))
    session: Session = made["ingest_session"]
    return session


@pytest.fixture
def session(storage: Path, clinic: Clinic) -> Session:
    return everything(clinic)


def below(model: Any = Session) -> set[Any]:
    """The models whose rows belong to a session, however far below it; the callbacks aside, which stay."""
    found = {each.related_model for each in model._meta.get_fields(include_hidden=True) if each.auto_created} - {None}
    found = {each for each in found if each is not Callback}
    return found.union(*(below(each) for each in found))


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in {Session, *below()}}


def remove(session: Session, **options: Any) -> None:
    removal.remove(session.pk, by=log.command(), **options)


def run(capsys: Any, *arguments: Any) -> tuple[str, str]:
    """What the command says on standard output and on standard error."""
    capsys.readouterr()
    call_command("remove_sessions", *map(str, arguments))
    said = capsys.readouterr()
    return said.out, said.err


# --- Whole, and nothing else
def test_nothing_of_a_session_is_left_and_of_others_all(
    session: Session, clinic: Clinic, other_clinic: Clinic, storage: Path
) -> None:
    one = counts()
    assert min(one.values()) >= 1, one
    others = [everything(clinic), everything(other_clinic)]
    remove(session)
    assert counts() == {label: 2 * number for label, number in one.items()}
    assert set(Session.objects.values_list("pk", flat=True)) == {other.pk for other in others}
    for clinic_ in (clinic, other_clinic):
        assert leftovers.delete_files(clinic_) == []
    assert len([file for file in storage.rglob("*") if file.is_file()]) == 4


def test_a_session_takes_as_many_statements_however_much_is_below_it(
    session: Session, clinic: Clinic, django_assert_num_queries: Any
) -> None:
    few = SessionFactory(clinic=clinic)
    SubmissionFactory(request__session=few, request__ready=True)
    for each in (few, session):
        with django_assert_num_queries(39):
            remove(each)


def test_its_files_go_too(session: Session, clinic: Clinic, storage: Path, capsys: Any) -> None:
    part = RecordingPart.objects.get()
    halfway = downloads.folder() / str(part.pk)
    halfway.parent.mkdir(parents=True)
    halfway.write_bytes(b"half")
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction, "on_commit", lambda done: done())
        run(capsys, "harbour", "--session", session.pk)
    assert not [file for file in storage.rglob("*") if file.is_file()]
    assert not halfway.exists()
    assert not RemovedFile.objects.exists()


def test_what_another_machine_has_halfway_of_a_removed_recording_is_tidied_there(session: Session) -> None:
    waiting = RecordingFactory(session__clinic=session.clinic)
    kept = RecordingPart.objects.create(recording=waiting, clinic=session.clinic, number=1, vendor_ref="1")
    downloads.folder().mkdir(parents=True)
    for name in (str(kept.pk), str(uuid4())):
        (downloads.folder() / name).write_bytes(b"half")
    downloads.tidy()
    assert [file.name for file in downloads.folder().iterdir()] == [str(kept.pk)]


def test_the_access_log_says_so_and_stays(session: Session, clinic: Clinic) -> None:
    before = list(AccessEntry.objects.values_list("pk", flat=True))
    remove(session)
    entry = AccessEntry.objects.exclude(pk__in=before).get()
    assert (entry.actor_kind, entry.action, entry.mode) == ("command", "changed", "removed")
    assert (entry.clinic, entry.object_type, entry.object_ids) == (clinic, "session", [str(session.pk)])
    assert AccessEntry.objects.filter(pk__in=before).count() == len(before)


# --- What others are told
def test_each_object_gets_its_tombstone(session: Session, clinic: Clinic) -> None:
    ids = {name: str(model.objects.get().pk) for name, model in OF_OBJECTS.items()}
    earlier = Event.objects.create(clinic=clinic, kind="session.created", object_id=session.pk)
    begun = datetime.now(UTC) - timedelta(seconds=1)
    remove(session)
    told = Event.objects.filter(kind__endswith=".deleted")
    assert {event.kind: str(event.object_id) for event in told} == {f"{name}.deleted": ids[name] for name in ids}
    for event in told:
        assert event.data == ({} if event.kind == "session.deleted" else {"session": str(session.pk)})
        assert (event.clinic, event.position, event.id.version, event.id.variant) == (clinic, None, 7, RFC_4122)
        assert begun < datetime.fromtimestamp((event.id.int >> 80) / 1000, UTC) < datetime.now(UTC)
        assert begun < event.created_at < datetime.now(UTC)
    assert Event.objects.filter(pk=earlier.pk).exists()


def test_what_is_below_is_told_of_before_the_session(session: Session, clinic: Clinic) -> None:
    """However many go within a millisecond."""
    for _ in range(5):
        AudioFactory(session=session)
    remove(session)
    told = Event.objects.filter(kind__endswith=".deleted")
    by_id, as_they_came = (list(told.order_by(name).values_list("kind", flat=True)) for name in ("id", "created_at"))
    assert by_id == as_they_came
    assert by_id[-1] == "session.deleted"


def test_ids_that_are_made_within_a_millisecond_are_in_order() -> None:
    """Where they differ by some microseconds, as what is removed by one statement after another does."""
    with connection.cursor() as cursor:
        work = "SELECT count(*) FROM generate_series(1, 300 + number)"
        cursor.execute(f"SELECT feed_event_id(), ({work}) FROM generate_series(1, 300) AS number")  # noqa: S608
        ids = [made for made, _ in cursor.fetchall()]
    assert ids == sorted(ids)
    assert len({made.int >> 80 for made in ids}) < len(ids)
    assert {(made.version, made.variant) for made in ids} == {(7, RFC_4122)}


def test_a_deletion_by_hand_is_told_too(session: Session) -> None:
    transcript = Transcript.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM notes_transcript WHERE id = %s", [transcript.pk])
    event = Event.objects.get(kind="transcript.deleted")
    assert (event.object_id, event.data) == (transcript.pk, {"session": str(session.pk)})


def test_over_rest_it_is_gone(session: Session, api: Api, stranger: Api) -> None:
    remove(session)
    assert_problem(api.get(f"sessions/{session.pk}"), 410)
    assert_problem(stranger.get(f"sessions/{session.pk}"), 404)


# --- Callbacks
def test_of_a_callback_the_key_and_digest_stay(session: Session) -> None:
    before = Callback.objects.get()
    CallbackFactory(submission=before.submission, state="conflict", body=b"another")
    remove(session)
    for callback in Callback.objects.all():
        assert (callback.body, callback.submission_id, callback.request_id) == (None, None, None)
        assert "removed" in callback.problem
    after = Callback.objects.get(pk=before.pk)
    kept = ("proven_by", "proven_id", "event_id", "digest", "size", "received_at", "state")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert Callback.objects.exclude(pk=before.pk).get().state == "not_applied"


@pytest.mark.django_db(transaction=True)
def test_a_repeat_is_a_duplicate_and_a_new_answer_finds_nobody(clinic: Clinic, storage: Path) -> None:
    submission = SubmissionFactory(request__session__clinic=clinic, request__ready=True)
    first, other = (ticketed(submission.pk, body) for body in (b"first", b"other"))
    assert at(lambda box: hand_in(box, first)) == [Receipt.STORED]
    Callback.objects.update(state="applied", next_attempt_at=None)
    remove(submission.request.session)
    again = ticketed(submission.pk, b"first")
    assert at(lambda box: hand_in(box, again, other)) == [Receipt.DUPLICATE, Receipt.UNKNOWN]
    assert Callback.objects.count() == 1


# --- What is in progress
def unfinished(session: Session) -> None:
    SubmissionFactory(request__session=session, request__waiting=True)


def unprocessed(session: Session) -> None:
    Callback.objects.update(state="stored", next_attempt_at=timezone.now())


def claimed(session: Session) -> None:
    NoteFactory(request__session=session, state="in_review")


def uncopied(session: Session) -> None:
    Recording.objects.update(state="available")


IN_PROGRESS = [
    (unfinished, "a request is not finished"),
    (unprocessed, "an answer is not processed yet"),
    (claimed, "somebody has its note in hand"),
    (uncopied, "a recording is still to be copied"),
]


@pytest.mark.parametrize(("make", "why"), IN_PROGRESS, ids=lambda part: getattr(part, "__name__", ""))
def test_what_is_in_progress_is_kept_unless_forced(session: Session, capsys: Any, make: Any, why: str) -> None:
    make(session)
    with pytest.raises(CommandError, match="1 sessions are kept"):
        call_command("remove_sessions", "harbour", "--session", str(session.pk))
    assert f"{session.pk} is kept: {why}." in capsys.readouterr().out
    assert Session.objects.filter(pk=session.pk).exists()
    assert not Event.objects.filter(kind__endswith=".deleted").exists()
    run(capsys, "harbour", "--session", session.pk, "--force")
    assert not Session.objects.exists()
    assert not Callback.objects.filter(next_attempt_at__isnull=False).exists()


@pytest.mark.parametrize("model", [Submission, Callback, Inquiry, Recording])
def test_what_a_worker_holds_is_kept_in_any_case(session: Session, model: Any) -> None:
    model.objects.update(lease_until=timezone.now() + timedelta(minutes=1), lease_token=uuid4())
    with pytest.raises(removal.Kept, match="run this again"):
        remove(session, is_forced=True)
    assert Session.objects.filter(pk=session.pk).exists()
    model.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    remove(session, is_forced=True)


# --- Files that cannot be deleted
def test_a_file_that_could_not_be_deleted_is_named_and_found_again(
    session: Session, storage: Path, capsys: Any
) -> None:
    key = Audio.objects.get().storage_key
    (storage / key).unlink()
    (storage / key / "in the way").mkdir(parents=True)
    with pytest.raises(CommandError, match="1 files still there"):
        call_command("remove_sessions", "harbour", "--session", str(session.pk))
    assert f"{key} is still in the storage." in capsys.readouterr().out
    assert not Session.objects.exists()
    (storage / key / "in the way").rmdir()
    run(capsys, "harbour", "--before", "2000-01-01")
    assert not (storage / key).exists()
    assert not RemovedFile.objects.exists()


# --- The command
def opened(clinic: Clinic, moment: datetime) -> Any:
    stamp = first_id(moment).int | 0x7 << 76 | 0x2 << 62 | uuid4().int & (1 << 60) - 1
    return SessionFactory(clinic=clinic, id=UUID(int=stamp), created_at=moment)


def test_before_a_day_of_the_clinics(clinic: Clinic, storage: Path, capsys: Any) -> None:
    Clinic.objects.update(time_zone="Europe/Paris")
    midnight = datetime(2019, 12, 31, 23, 0, tzinfo=UTC)
    gone = [opened(clinic, midnight - timedelta(milliseconds=1)), opened(clinic, midnight - timedelta(days=400))]
    stays = opened(clinic, midnight)
    _, said = run(capsys, "harbour", "--before", "2020-01-01")
    assert list(Session.objects.all()) == [stays]
    assert "2 of 2 sessions are removed." in said
    assert {event.object_id for event in Event.objects.filter(kind="session.deleted")} == {one.pk for one in gone}


def test_many_go_in_chunks_with_progress(
    clinic: Clinic, storage: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "CHUNK", 2)
    for days in range(5):
        opened(clinic, datetime(2019, 1, 1, tzinfo=UTC) + timedelta(days=days))
    _, said = run(capsys, "harbour", "--before", "2020-01-01")
    lines = [f"{number} of 5 sessions are removed." for number in (2, 4, 5)]
    assert said.splitlines()[:3] == lines
    assert "Removed: 5 sessions." in said


def test_bodies_that_belong_to_no_session_are_emptied_by_their_day(
    clinic: Clinic, other_clinic: Clinic, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "CHUNK", 2)
    old = first_id(datetime(2019, 1, 1, tzinfo=UTC)).int
    facts = {"body": SAID.encode(), "clinic": clinic}
    strays = [OrphanFactory(id=UUID(int=old + number), **facts) for number in range(3)]
    others = [
        OrphanFactory(**facts),
        OrphanFactory(id=UUID(int=old + 10), **facts, state="stored"),
        OrphanFactory(id=UUID(int=old + 11), **facts | {"clinic": other_clinic}),
    ]
    _, said = run(capsys, "harbour", "--before", "2020-01-01")
    assert "3 stray callbacks are emptied." in said
    found = Callback.objects.in_bulk()
    assert {(found[one.pk].body, found[one.pk].state, found[one.pk].named_request) for one in strays} == {
        (None, "not_applied", "")
    }
    assert all(found[one.pk].body for one in others)
    logged = AccessEntry.objects.filter(mode="emptied").values_list("object_ids", flat=True)
    assert sorted(chain.from_iterable(logged)) == sorted(str(one.pk) for one in strays)


def test_a_dry_run_changes_nothing(session: Session, capsys: Any) -> None:
    unfinished(session)
    before = counts()
    said, _ = run(capsys, "harbour", "--session", session.pk, "--dry-run")
    assert said.splitlines() == [
        "1 sessions would be removed, and 0 stray callbacks emptied.",
        "1 of them only by --force: a request is not finished.",
        "Nothing was changed.",
    ]
    assert counts() == before
    assert not Event.objects.filter(kind__endswith=".deleted").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--before", "yesterday"], "--before takes a day such as"),
        (["--before", "1999-12-31"], "since 2000"),
        (["--before", "2900-01-01"], "today at the latest"),
        (["--session", str(uuid4())], "harbour has no session"),
        (["--session", "7"], "invalid UUID value"),
        ([], "one of the arguments --before --session is required"),
    ],
)
def test_what_cannot_be_meant_is_refused(clinic: Clinic, options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("remove_sessions", "harbour", *options)


def test_another_clinics_session_is_not_found(session: Session, other_clinic: Clinic) -> None:
    with pytest.raises(CommandError, match="hill has no session"):
        call_command("remove_sessions", "hill", "--session", str(session.pk))


# --- As whom
@pytest.fixture
def application(transactional_db: None) -> str:
    """The test database's address for the application's role."""
    call_command("grant_application", "listenpost_app", verbosity=0)
    url = urlsplit(os.environ["DATABASE_APP_URL"])._replace(path=f"/{configured.DATABASES['default']['NAME']}")
    return urlunsplit(url)


def test_the_application_cannot_do_it_and_is_told_who_can(application: str, clinic: Clinic) -> None:
    session = SessionFactory(clinic=clinic)
    command = [sys.executable, "manage.py", "remove_sessions", "harbour", "--session", str(session.pk)]
    env = os.environ | {"DATABASE_URL": application}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "Run it as the database's owner" in done.stderr) == (1, True)
    assert Session.objects.filter(pk=session.pk).exists()


def test_what_the_application_deletes_is_told_as_well(application: str, clinic: Clinic) -> None:
    session = SessionFactory(clinic=clinic)
    with psycopg.connect(application, autocommit=True) as own:
        own.execute("DELETE FROM ingest_session WHERE id = %s", [session.pk])
    assert Event.objects.get(kind="session.deleted").object_id == session.pk
