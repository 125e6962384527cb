"""What people do with a note: claim it, correct it, approve, sign, amend, reject it.

Each is one transaction that holds the note's row, so of two people who do something at once the second one finds what
the first has done. `by` is a person; what they did is in the access log and in the feed when it is in the note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from access import log
from access.log import Actor
from access.models import AccessEntry
from config.states import IllegalTransition
from feed import events
from notes import states
from notes.models import Addendum, Dismissal, Draft, Note, NoteSection, NoteVersion

State = Note.State
MOST_CHARACTERS = 200_000
#: What to do with a note in that state instead.
DONE = {
    State.IN_REVIEW: "It is in review.",
    State.APPROVED: "It is approved: claim it again to change it.",
    State.SIGNED: "It is signed, and locked. An addendum can be added.",
    State.AMENDED: "It is signed, and locked. An addendum can be added.",
    State.REJECTED: "It was rejected. Take it up again to work on it.",
    State.ENTERED_IN_ERROR: "It was entered in error: nothing is done with it any more.",
    State.NEEDS_REVIEW: "Nobody has claimed it. Claim it first.",
}


class NotNow(Exception):
    """It cannot be done with the note as it is now. The text says why, and what to do."""


class Overtaken(Exception):
    """Somebody has saved a newer version since."""


class Elsewhere(Exception):
    """Its typist has typed or saved in another tab since, which this one knows nothing of. The text says what to do."""


@dataclass(frozen=True)
class Words:
    """A note's words: its title, and the text of each section in their order."""

    title: str
    texts: tuple[str, ...]

    def size(self) -> int:
        return len(self.title) + sum(len(text) for text in self.texts)


@dataclass(frozen=True)
class Tab:
    """A note's page as it was loaded once. `shows`: when the draft was kept that it began with, if there was one."""

    id: UUID | None = None
    shows: datetime | None = None

    def knows(self) -> Q:
        """The draft that it has sent itself, however many answers were lost, or the one that it began with."""
        return Q(tab=self.id) | Q(saved_at=self.shows)


NO_TAB = Tab()


# --- Who has it
@transaction.atomic
def claim(note_id: UUID, by: Actor) -> None:
    """For review, or for another look at what was approved. Raises NotNow, also when somebody else has it."""
    note = held(note_id)
    if note.state == State.IN_REVIEW and not has(note, by):
        raise NotNow(f"{who_has(note)} has claimed it meanwhile.")
    move(note, State.IN_REVIEW, by, "claimed", holder_id=int(by.id), reason="")


@transaction.atomic
def take_over(note_id: UUID, by: Actor) -> None:
    """From whoever has it. What they have typed and not saved stays theirs."""
    note = held(note_id)
    if note.state != State.IN_REVIEW:
        raise NotNow(DONE[State(note.state)])
    if not has(note, by):
        write(note, by, "taken_over", holder_id=int(by.id))


@transaction.atomic
def release(note_id: UUID, by: Actor) -> None:
    """Back to those that need review."""
    note = held(note_id)
    must_have(note, by)
    move(note, State.NEEDS_REVIEW, by, "released", holder_id=None)


@transaction.atomic
def claim_next(clinics: Iterable[UUID], by: Actor) -> Note | None:
    """The note that has waited longest in any of these clinics, claimed. Two who ask at once get two notes."""
    waiting = (
        Note.objects.filter(state=State.NEEDS_REVIEW).order_by("pk").select_for_update(skip_locked=True, no_key=True)
    )
    found = [note for clinic in clinics if (note := waiting.filter(clinic=clinic).defer("search").first())]
    note = min(found, key=lambda note: note.pk, default=None)
    if note:
        move(note, State.IN_REVIEW, by, "claimed", holder_id=int(by.id), reason="")
    return note


# --- Its words
@transaction.atomic
def edit(note_id: UUID, by: Actor, based_on: int, words: Words, tab: Tab = NO_TAB) -> bool:
    """Saves the words as the note's next version. Whether anything was new. What was typed in another tab stays.

    Raises NotNow, and Overtaken where they are based on an older version than the latest.
    """
    note = held(note_id)
    must_be_free(note, by)
    if based_on != note.version:
        raise Overtaken
    sections = list(note.sections.all())
    if len(sections) != len(words.texts):
        raise NotNow("Its sections are others now. Load the page again.")
    before = Words(note.title, tuple(section.text for section in sections))
    if words.size() > max(MOST_CHARACTERS, before.size()):
        raise NotNow(f"A note takes {MOST_CHARACTERS:,} characters at most. Yours are kept: make it shorter.")
    drop_draft(note_id, by, tab)
    if words == before:
        return False
    move(note, State.IN_REVIEW, by, "claimed", holder_id=int(by.id), reason="")
    save(note, sections, words, by)
    return True


@transaction.atomic
def edit_and_approve(note_id: UUID, by: Actor, based_on: int, words: Words, tab: Tab = NO_TAB) -> bool:
    """As one: nothing that the approver has not read comes between the two. As `edit`."""
    is_new = edit(note_id, by, based_on, words, tab)
    approve(note_id, by)
    return is_new


def save(note: Note, sections: Sequence[NoteSection], words: Words, by: Actor) -> None:
    changed = []
    for section, text in zip(sections, words.texts, strict=True):
        if section.text != text:
            section.text = text
            changed.append(section)
    NoteSection.objects.bulk_update(changed, ["text"])
    begun = note.versions.only("vendor_text").get(number=note.version)
    add_version(note, words.title, sections, by, "edited", vendor_text=begun.vendor_text)


def add_version(
    note: Note, title: str, sections: Sequence[NoteSection], by: Actor, mode: str, *, vendor_text: int, **columns: Any
) -> None:
    """The note's next version, with the sections that it has got. `columns`: of the note, to change with it."""
    shown = [{"key": section.key, "title": section.title, "text": section.text} for section in sections]
    number = note.versions.aggregate(last=Max("number"))["last"] + 1
    facts = {"clinic_id": note.clinic_id, "title": title, "sections": shown, "author_id": int(by.id)}
    NoteVersion.objects.create(note=note, number=number, vendor_text=vendor_text, **facts)
    write(note, by, mode, title=title, version=number, search=None, **columns)
    tell(note, "note.updated", version=number)


@transaction.atomic
def keep_draft(
    note_id: UUID, by: Actor, based_on: int, words: Words, tab: Tab = NO_TAB, *, autosaved: bool = False
) -> bool:
    """What was typed and not saved, for its typist, whatever has become of the note meanwhile. Whether it is kept.

    `autosaved`: by a tab's own doing, which is no reason to lose what was typed in another. Raises Elsewhere.
    """
    note = held(note_id)
    if autosaved:
        must_know(tab, note, by, based_on)
    if words == words_of(note):  # it has just been saved, or was typed back as it was
        drop_draft(note_id, by, tab)
        return False
    facts = {"based_on": based_on, "title": words.title, "texts": list(words.texts), "saved_at": timezone.now()}
    facts |= {"tab": tab.id, "clinic_id": note.clinic_id}
    Draft.objects.update_or_create(note=note, user_id=int(by.id), defaults=facts)
    return True


def must_know(tab: Tab, note: Note, by: Actor, based_on: int) -> None:
    """The newest draft; where there is none, the person's own latest version: what they saved was typed after.

    Not so where they have taken over another text of the vendor's: that was typed by nobody.
    """
    drafts = drafts_of(note.pk, by)
    if drafts.filter(tab.knows()).exists():
        return
    if drafts.exists():
        raise Elsewhere(
            "You are correcting this note in another tab as well: what you type here is no longer kept by itself. "
            "Save here, or close this tab and go on in the other one."
        )
    begun = note.versions.filter(number=based_on).values("vendor_text")
    typed = note.versions.filter(number=note.version, author=int(by.id), vendor_text__in=begun)
    if based_on < note.version and typed.exists():
        raise Elsewhere(
            f"You saved version {note.version} meanwhile: what you type here is no longer kept by itself. "
            "Save here to see both, or close this tab."
        )


def drop_draft(note_id: UUID, by: Actor, tab: Tab = NO_TAB) -> bool:
    """Whether the person has none now: one that the tab knows nothing of stays."""
    drafts_of(note_id, by).filter(tab.knows()).delete()
    return not drafts_of(note_id, by).exists()


def drafts_of(note_id: UUID, by: Actor) -> QuerySet[Draft]:
    """One at most."""
    return Draft.objects.filter(note=note_id, user_id=int(by.id))


def words_of(note: Note) -> Words:
    return Words(note.title, tuple(section.text for section in note.sections.all()))


@transaction.atomic
def dismiss(note_id: UUID, by: Actor, warning: str, reason: str) -> None:
    """Sets a warning aside, for everybody and every later version. Whoever was first is named."""
    note = held(note_id)
    facts = {"clinic_id": note.clinic_id, "reason": reason, "author_id": int(by.id)}
    _, is_new = Dismissal.objects.get_or_create(note=note, warning=warning, defaults=facts)
    if is_new:
        log.record(by, AccessEntry.Action.CHANGED, [note], mode="warning_dismissed")


# --- What it comes to
@transaction.atomic
def approve(note_id: UUID, by: Actor, *, unchanged: bool = False) -> None:
    """Read and found right: by whoever has it, or claims it so. `unchanged`: only the vendor's own newest words are."""
    note = held(note_id)
    if unchanged:
        must_be_the_vendors(note)
    if note.state == State.NEEDS_REVIEW:
        move(note, State.IN_REVIEW, by, "claimed", holder_id=int(by.id))
    if note.state != State.APPROVED:
        must_have(note, by)
    move(note, State.APPROVED, by, "approved")


@transaction.atomic
def sign(note_id: UUID, by: Actor, version: int) -> None:
    """Signs the version that the signer has seen, and locks it for good. Raises NotNow and Overtaken."""
    note = held(note_id)
    if note.state != State.APPROVED:
        raise NotNow(
            DONE[State(note.state)] if note.signed_at else "Approve it first: only what is approved is signed."
        )
    if note.version != version:
        raise Overtaken
    if drafts_of(note.pk, by).exists():
        raise NotNow("You have changes that are not saved. Save or discard them first.")
    log.record(by, AccessEntry.Action.SIGNED, [note])
    move(note, State.SIGNED, by, "", signed_at=timezone.now(), signed_by_id=int(by.id))


@transaction.atomic
def amend(note_id: UUID, by: Actor, text: str) -> Addendum:
    """Adds an addendum to a signed note."""
    note = held(note_id)
    if note.state not in (State.SIGNED, State.AMENDED):
        raise NotNow("Only signed notes take addenda.")
    number = note.addenda.count() + 1
    facts = {"clinic_id": note.clinic_id, "number": number, "text": text, "author_id": int(by.id)}
    addendum = Addendum.objects.create(note=note, **facts)
    log.record(by, AccessEntry.Action.CHANGED, [note], mode="amended")
    write(note, by, "", state=State.AMENDED)
    tell(note, "note.amended", addendum=str(addendum.pk))
    return addendum


@transaction.atomic
def reject(note_id: UUID, by: Actor, reason: str) -> None:
    """It is not used, and why. Nobody rejects what a colleague has in hand."""
    note = held(note_id)
    if note.state == State.IN_REVIEW:
        must_have(note, by)
    move(note, State.REJECTED, by, "rejected", reason=reason, holder_id=None)


@transaction.atomic
def take_up(note_id: UUID, by: Actor) -> None:
    """A rejected note needs review again."""
    note = held(note_id)
    if note.state != State.REJECTED:
        raise NotNow(DONE[State(note.state)])
    move(note, State.NEEDS_REVIEW, by, "taken_up", reason="")


@transaction.atomic
def enter_in_error(note_id: UUID, by: Actor, reason: str) -> None:
    """It should never have been, such as the note of another patient. It stays, marked, and nothing follows."""
    note = held(note_id)
    if note.state == State.IN_REVIEW:
        must_have(note, by)
    move(note, State.ENTERED_IN_ERROR, by, "entered_in_error", reason=reason)


# --- The row
def held(note_id: UUID) -> Note:
    """The note, its row held until the transaction ends."""
    note: Note = Note.objects.defer("search").select_for_update(no_key=True).get(pk=note_id)
    return note


def has(note: Note, by: Actor) -> bool:
    return str(note.holder_id) == by.id


def who_has(note: Note) -> str:
    return note.holder.display_name if note.holder else "Nobody"


def must_have(note: Note, by: Actor) -> None:
    if note.state != State.IN_REVIEW:
        raise NotNow(DONE[State(note.state)])
    if not has(note, by):
        raise NotNow(f"{who_has(note)} has it now. Take it over to go on with it.")


def must_be_free(note: Note, by: Actor) -> None:
    """Who changes its words has it, or takes it by that."""
    if note.state not in (State.NEEDS_REVIEW, State.APPROVED):
        must_have(note, by)


def is_the_vendors(note: Note) -> bool:
    """Whether nobody has changed its words, or taken them over."""
    return note.versions.filter(number=note.version, author=None).exists()


def must_be_the_vendors(note: Note) -> None:
    if not is_the_vendors(note):
        raise NotNow("Its words were changed: open it to approve it.")
    if note.offered_version:
        raise NotNow("The vendor has sent a newer text of it: open it to decide.")


def move(note: Note, to: State, by: Actor, mode: str, **columns: Any) -> None:
    try:
        is_new = states.NOTE.moves(note.state, to)
    except IllegalTransition:
        raise NotNow(DONE[State(note.state)]) from None
    if is_new:
        write(note, by, mode, state=to, **columns)
        tell(note, f"note.{to}")


def write(note: Note, by: Actor, mode: str, **columns: Any) -> None:
    """These columns and no others, in the row and in `note`; with an entry in the access log where there is a mode."""
    columns["updated_at"] = timezone.now()
    for name, value in columns.items():
        setattr(note, name, value)
    Note.objects.filter(pk=note.pk).update(**columns)
    if mode:
        log.record(by, AccessEntry.Action.CHANGED, [note], mode=mode)


def tell(note: Note, kind: str, **data: str | int) -> None:
    about: dict[str, Any] = {"session": str(note.session_id), "request": str(note.request_id), **data}
    events.record(kind, clinic_id=note.clinic_id, object_id=note.pk, **about)
