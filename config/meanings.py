"""What the values of REST's enumerations mean, where the words alone do not say it."""

from __future__ import annotations

from typing import Any

MEANINGS: dict[str, dict[str, str]] = {
    "SessionKind": {
        "ambient": "a conversation is recorded as it is held",
        "dictation": "a clinician speaks what is to be written",
    },
    "SessionState": {
        "open": "no audio has come yet",
        "recording": "audio has come, and more may follow",
        "closed": "nothing more is taken",
    },
    "RequestState": {
        "queued": "the vendor is to be asked, now or at next_attempt_at",
        "submitting": "the vendor is being asked",
        "waiting": "the vendor has it, and its answer is waited for",
        "ready": "every asked object is there",
        "failed": "failure says why; a retry may still succeed",
        "cancelled": "given up: an answer that comes after all is not applied",
    },
    "OutputObjects": {
        "transcript_item": "the transcript, line by line",
        "note": "the structured note",
    },
    "NoteState": {
        "needs_review": "nobody has it yet",
        "in_review": "one person has claimed it",
        "approved": "read and found right",
        "signed": "locked: there are addenda only",
        "amended": "signed, with addenda",
        "rejected": "not to be used; it may be taken up again",
        "entered_in_error": "it should never have been",
    },
    "FhirStatus": {
        "preliminary": "not signed yet",
        "final": "signed",
        "amended": "signed, with addenda",
        "entered-in-error": "rejected, or entered in error: not to be used",
    },
    "WebhookState": {
        "on": "events are sent there",
        "off": "nothing is sent until it is on again",
    },
    "DeliveryState": {
        "pending": "to be sent, now or at next_attempt_at",
        "delivered": "answered with success",
        "failed": "given up",
    },
    "EventObject": {
        "session": "a consultation",
        "audio": "one audio file of a session",
        "request": "what a vendor was asked for",
        "transcript": "what was said",
        "note": "what was written of it",
        "recording": "the original audio, as its vendor keeps it",
        "webhook": "an address of yours that is told of events",
    },
}
_BY_VALUES = {frozenset(meanings): meanings for meanings in MEANINGS.values()}


def explain(schema: dict[str, Any]) -> None:
    """Says in an enumeration's description what its values mean, in the order of their list above."""
    if meanings := _BY_VALUES.get(frozenset(schema.get("enum", ()))):
        schema["enum"] = list(meanings)
        schema["description"] = "\n".join(f"* `{value}` - {meaning}" for value, meaning in meanings.items())
