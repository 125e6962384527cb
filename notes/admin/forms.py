"""What is asked about a note."""

from __future__ import annotations

import re

from django import forms
from django.http import HttpRequest

from access import desk
from access.signin import lockout
from notes.dictation import TEMPLATES
from notes.findings import REASONS
from notes.models import Note, NoteVersion
from notes.review import NotNow, Tab, Words, is_the_vendors

NOT_WHOLE = "The page did not send the whole note. Load it again."
VERSION = re.compile(r"[1-9][0-9]{0,8}")
MOST_VERSIONS = 999_999_999


class WhyForm(forms.Form):
    """`reason`: shown to everybody who opens the note, and in no log."""

    reason = forms.CharField(max_length=500, help_text="Such as: wrong patient, test recording, asked for twice.")


class ErrorForm(desk.DeskForm, WhyForm):
    lead = "The note stays, marked as entered in error, for all who read it. Nothing is done with it any more."


class AddendumForm(desk.DeskForm):
    lead = "It stands below the signed note, with your name and the time, on its page, in print and for other systems."
    text = forms.CharField(max_length=20_000, widget=forms.Textarea({"rows": 8, "autofocus": True}))


class SignForm(desk.DeskForm):
    """The signer's own password: a screen left open must not be enough. A wrong one counts as a failed sign-in."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, request: HttpRequest, note: Note) -> None:
        super().__init__(request, {"version": note.version})
        self.request = request
        words = "the vendor's own words" if is_the_vendors(note) else f"version {note.version}"
        self.lead = f"You sign {words}. A signed note is locked for good: only addenda can be added."
        if note.offered_version:
            self.lead += " The vendor has sent a newer text, which is not what you sign."

    def clean_password(self) -> None:
        lockout.check_password(self.request, self.cleaned_data["password"])


class DismissForm(forms.Form):
    warning = forms.RegexField("[0-9a-f]{32}")
    reason = forms.ChoiceField(choices=[(reason, reason) for reason in REASONS])


class RevisionForm(forms.Form):
    """`version`: the vendor's text that was on the page. `based_on`: the note's version beside it."""

    version = forms.IntegerField(min_value=1, max_value=MOST_VERSIONS)
    based_on = forms.IntegerField(min_value=1, max_value=MOST_VERSIONS)
    decision = forms.ChoiceField(choices=[("take", "Take it over"), ("keep", "Keep ours")])


class StartForm(forms.Form):
    template = forms.ChoiceField(
        choices=[(name, ", ".join(titles.values())) for name, titles in TEMPLATES.items()],
        help_text="What the speaker calls by a section's name goes there, and what comes before into the first.",
    )


class TabForm(forms.Form):
    """What templates/admin/notes/tab.html sends along."""

    tab = forms.UUIDField(required=False)
    draft = forms.DateTimeField(required=False)


def tab_of(request: HttpRequest) -> Tab:
    """Which page sends it. One that does not say knows of no other's draft."""
    form = TabForm(request.POST)
    form.is_valid()
    return Tab(form.cleaned_data.get("tab"), form.cleaned_data.get("draft"))


def typed(request: HttpRequest, note: Note) -> tuple[int, Words]:
    """The version that was on the page, and the words in its fields. Raises NotNow for what no page of ours sends.

    A browser gives its fields' words back with other line ends: where they say the same, they are that version's own.
    """
    version, title = shown_version(request, note), request.POST.get("title")
    own = [section["text"] for section in version.sections]
    texts = [request.POST.get(f"text-{number}") for number in range(len(own))]
    if title is None or None in texts:
        raise NotNow(NOT_WHOLE)
    kept = (as_it_was(old, plain(text or "")) for old, text in zip(own, texts, strict=True))
    is_same = one_line(version.title) == one_line(title)
    return version.number, Words(version.title if is_same else plain(title), tuple(kept))


def shown_version(request: HttpRequest, note: Note) -> NoteVersion:
    """Its sections were on the page, whichever the note has now. Raises NotNow."""
    based_on = request.POST.get("based_on", "")
    number = int(based_on) if VERSION.fullmatch(based_on) else 0
    found: NoteVersion | None = note.versions.filter(number=number).first()
    if found is None:
        raise NotNow(NOT_WHOLE)
    return found


def as_it_was(old: str, text: str) -> str:
    return old if plain(old) == text else text


def plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def one_line(text: str) -> str:
    return " ".join(text.split())
