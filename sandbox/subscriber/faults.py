"""The faults a consumer can be asked for: in how it answers, and in how it checks."""

import threading
from collections.abc import Iterator, Mapping

from sandbox.faults import Fault, Kind
from sandbox.messages import Answer, Raw, Reply, Silence, Stream

ANSWER, CHECK = "answer", "check"
MIB = bytes(1024 * 1024)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\n"
BODY = b"thank you very much\n"

KINDS: Mapping[str, Kind] = {
    "status": Kind(ANSWER, {"status": 500}),
    "gone": Kind(ANSWER),
    "busy": Kind(ANSWER, {"retry_after": 5}),
    "redirect": Kind(ANSWER, {"url": "", "status": 302}),
    "silent": Kind(ANSWER, {"seconds": 60.0}),
    "close": Kind(ANSWER),
    "half": Kind(ANSWER),
    "junk": Kind(ANSWER),
    "drip_head": Kind(ANSWER, {"seconds": 0.5}),
    "drip_body": Kind(ANSWER, {"seconds": 0.5}),
    "huge": Kind(ANSWER, {"gigabytes": 10}),
    "huge_head": Kind(ANSWER, {"bytes": 1_000_000}),
    "trusting": Kind(CHECK),
    "clock_ahead": Kind(CHECK, {"seconds": 600.0}),
    "clock_behind": Kind(CHECK, {"seconds": 600.0}),
}
STATUSES = {"gone": 410, "busy": 429}
TAKEN = {"half", "drip_head", "drip_body", "huge", "huge_head"}


def status(fault: Fault) -> int | None:
    """The status that it answers with; None where it answers with none that can be read."""
    if fault.name in TAKEN:
        return 200
    return STATUSES.get(fault.name, fault.params.get("status"))


def reply(fault: Fault, here: str, stopping: threading.Event) -> Reply:
    """What is answered instead of the true answer; `here` is the address that was called."""
    answered = status(fault)
    if answered and fault.name not in TAKEN:
        return Answer(answered, {"message": fault.name}, headers(fault, here))
    if fault.name == "huge":
        return Stream(200, fault.params["gigabytes"] * 1024 * len(MIB), endless(fault.params["gigabytes"]))
    if fault.name in ("silent", "close"):
        return Silence(fault.params.get("seconds", 0))
    return Raw(pieces(fault, stopping))


def headers(fault: Fault, here: str) -> dict[str, str]:
    if fault.name == "busy":
        return {"Retry-After": str(fault.params["retry_after"])}
    return {"Location": fault.params["url"] or f"{here}-elsewhere"} if fault.name == "redirect" else {}


def endless(gigabytes: int) -> Iterator[bytes]:
    return (MIB for _ in range(gigabytes * 1024))


def pieces(fault: Fault, stopping: threading.Event) -> Iterator[bytes]:
    """An answer as it goes over the wire, or what should be one."""
    if fault.name == "junk":
        yield b"\x16\x03\x01 this is no HTTP\r\n\r\n"
    elif fault.name == "huge_head":
        yield HEAD.removesuffix(b"\r\n") + b"X-Filler: " + b"x" * fault.params["bytes"] + b"\r\n\r\n" + BODY
    elif fault.name == "half":
        yield HEAD + BODY[:10]
    else:
        at_once, slowly = (b"", HEAD + BODY) if fault.name == "drip_head" else (HEAD, BODY)
        yield at_once
        for byte in slowly:
            if stopping.wait(fault.params["seconds"]):
                return
            yield bytes([byte])
