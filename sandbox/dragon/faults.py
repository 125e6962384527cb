"""The faults this vendor can be asked for, and what they make of an answer. Their one request is a session's."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.dragon.contract import CHANGE, CHUNK, END, FINALIZE, RETRIEVAL, SESSION, SUBSCRIPTION, Refused
from sandbox.dragon.tokens import unauthorized
from sandbox.faults import Fault, Kind
from sandbox.messages import Answer, Reply, Silence, Stream

NAMED = "correlation_id"
ANSWER, TOKEN = "answer", "token"
CALLS = (CHUNK, FINALIZE, SESSION, CHANGE, END, SUBSCRIPTION, RETRIEVAL)
HTML = b"<html><body>502 Bad Gateway</body></html>"
SECONDS = {"seconds": 60.0}
PIECE = bytes(64 * 1024).replace(b"\0", b"x")
OF_ONE_TYPE = {"type": ""}


def of_every_call() -> dict[str, Kind]:
    """The same for each, as `chunk_500`, or `answer_500` for any of them: the aspect is the call."""
    sorts: Mapping[str, Mapping[str, Any]] = {
        "500": {},
        "404": {},
        "403": {},
        "401": {},
        "lost": {},
        "html": {},
        "huge": {"bytes": 10_000_000},
        "half": {},
        "slow": {"seconds": 5.0},
        "silent": SECONDS,
    }
    return {f"{place}_{sort}": Kind(place, params) for place in (ANSWER, *CALLS) for sort, params in sorts.items()}


KINDS: Mapping[str, Kind] = {
    **of_every_call(),
    "session_404": Kind(CHUNK),
    "silence": Kind(ANSWER, SECONDS),
    "token_expired": Kind(TOKEN),
    "streaming_500": Kind("handshake"),
    "open_refused": Kind("opening"),
    "close_reason": Kind("opening", {"reason": "Internal error"}),
    "no_acks": Kind("acks"),
    "acks_beyond": Kind("acks", {"bytes": 1_000_000}),
    "acks_junk": Kind("acks", {"body": "not json {"}),
    "acks_huge": Kind("acks", {"bytes": 10_000_000}),
    "no_close_answer": Kind("closing"),
    "drop_after_bytes": Kind("drop", {"bytes": 64_000}),
    "streaming_slow": Kind("pace", {"seconds": 0.1}),
    "configuration_silent": Kind("configuration_talk"),
    "configuration_refused": Kind("configuration_talk"),
    "configuration_empty": Kind("configuration_talk"),
    "configuration_huge": Kind("configuration_talk", {"bytes": 10_000_000}),
    "processing_silent": Kind("processing_talk"),
    "processing_refused": Kind("processing_talk"),
    "notification_lost": Kind("copies", OF_ONE_TYPE),
    "notification_doubled": Kind("copies", OF_ONE_TYPE),
    "notification_repeated": Kind("copies", OF_ONE_TYPE),
    "notification_blank": Kind("blank"),
    "notification_unknown": Kind("unknown", {"type": "encounter_surprise_ready"}),
    "notification_supplement": Kind("supplement"),
    "notification_updated": Kind("updated", {"seconds": 0.0}),
    "older_notification": Kind("older", {"seconds": 3600.0, "pause": 0.0}),
    "notifications_reordered": Kind("order"),
    "retrieval_elsewhere": Kind("links", {"host": "elsewhere.example"}),
    "turns_backwards": Kind("turns"),
    "turns_without_times": Kind("turns"),
    "many_resources": Kind("resources", {"n": 10_000}),
    "inner_junk": Kind("inner"),
}
OF_A_STREAM = frozenset({"opening", "acks", "closing", "drop", "pace"})
OF_THE_WORK = frozenset(
    {"copies", "blank", "unknown", "supplement", "updated", "older", "order", "links", "turns", "resources", "inner"}
)


def faulty(fault: Fault, truth: Callable[[], Reply]) -> Reply:
    """What is answered instead of the truth, or done with it."""
    sort = {"silence": "silent"}.get(fault.name, fault.name.rpartition("_")[2])
    if sort == "silent":
        return Silence(fault.params["seconds"])
    if sort == "html":
        return Answer(200, HTML, {"Content-Type": "text/html"})
    if sort == "huge":
        return Stream(200, fault.params["bytes"], filler(fault.params["bytes"]), {"Content-Type": "application/json"})
    if sort == "slow":
        time.sleep(fault.params["seconds"])
    if sort in ("lost", "half", "slow"):
        return spoilt(sort, truth())
    return refusal(int(sort)).answer()


def spoilt(sort: str, reply: Reply) -> Reply:
    """A true answer, of which nothing arrives, or half, or all."""
    if sort == "lost" or not isinstance(reply, Answer):
        return Silence(0) if sort == "lost" else reply
    if sort == "slow":
        return reply
    whole = reply.payload()
    headers = {"Content-Type": "application/json", **reply.headers}
    return Stream(reply.status, len(whole), [whole[: len(whole) // 2]], headers)


def refusal(status: int) -> Refused:
    if status == 401:
        return unauthorized("the token has expired")
    return Refused(status, {404: "Session not found", 403: "Forbidden"}.get(status, "Internal server error"))


def filler(size: int) -> Iterator[bytes]:
    """So many bytes of an answer that never comes to its end."""
    yield b'{"error": "'[:size]
    left = max(0, size - 11)
    while left:
        yield PIECE[:left]
        left -= len(PIECE[:left])


def faulty_transcript(transcript: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    if fault is None:
        return transcript
    told = transcript["transcript"]
    turns = backwards(told["turns"]) if fault.name == "turns_backwards" else [timeless(one) for one in told["turns"]]
    return {"transcript": {**told, "turns": turns}}


def backwards(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first has the last one's times, and each ends before it starts."""
    times = [{"start_time": one["end_time"], "end_time": one["start_time"]} for one in reversed(turns)]
    return [{**turn, **told} for turn, told in zip(turns, times, strict=True)]


def timeless(turn: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in turn.items() if key not in ("start_time", "end_time")}


def faulty_note(note: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    if fault is None:
        return note
    (first, *_), count = note["resources"], fault.params["n"]
    return {**note, "resources": [{**first, "legacy_id": f"section-{number}"} for number in range(count)]}
