"""The consumer of webhooks verifies as the specification says, keeps what came, and misbehaves on demand."""

import base64
import http.client
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from standardwebhooks import Webhook

from sandbox.server import Server
from sandbox.subscriber import Subscriber as Pretended

PAYLOAD = {"type": "note.created", "timestamp": "2026-11-22T10:00:00+00:00", "data": {"id": "1"}}


def secret(size: int = 32) -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(size)).decode()}"


class Subscriber:
    """A consumer as its senders see it; they sign with the library that consumers are told to verify with."""

    def __init__(self, root: str) -> None:
        self.root, self.url = root, f"{root}/subscriber/ehr"
        self.secret = secret()

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{self.root}/control/subscriber/{path}", json=body, timeout=8)

    def know(self, *known: str) -> None:
        answer = self.control("PUT", "secrets/ehr", {"secrets": known})
        assert (answer.status_code, answer.json()) == (200, {"secrets": len(known)})

    def fault(self, name: str, **params: Any) -> None:
        answer = self.control("POST", "faults", {"fault": name, **params})
        assert answer.status_code == 201, answer.text

    def signed(self, *, signer: str = "", late: float = 0, identifier: str = "msg_1", body: str = "") -> dict[str, Any]:
        """What `requests.post` takes."""
        moment, text = datetime.now(UTC) - timedelta(seconds=late), body or json.dumps(PAYLOAD)
        signature = Webhook(signer or self.secret).sign(identifier, moment, text)
        headers = {"webhook-id": identifier, "webhook-timestamp": str(int(moment.timestamp()))}
        headers |= {"webhook-signature": signature, "Content-Type": "application/json"}
        return {"headers": headers, "data": text.encode()}

    def send(self, timeout: float = 8, **how: Any) -> requests.Response:
        return requests.post(self.url, **self.signed(**how), timeout=timeout, allow_redirects=False)

    def message(self) -> Any:
        (only,) = self.control("GET", "messages/ehr").json()
        return only


@pytest.fixture
def subscriber(running: Callable[[ThreadingHTTPServer], str]) -> Iterator[Subscriber]:
    stopping = threading.Event()
    made = Subscriber(running(Server(("127.0.0.1", 0), [Pretended(stopping)], stopping)))
    made.know(made.secret)
    yield made
    stopping.set()


def test_a_signed_message_is_taken_once_and_its_repeats_are_known(subscriber: Subscriber) -> None:
    answers = [subscriber.send() for _ in range(3)]
    assert [(one.status_code, one.json()["status"]) for one in answers] == [
        (200, "new"),
        (200, "known"),
        (200, "known"),
    ]
    message = subscriber.message()
    assert (message["id"], message["verified"], message["processed"], message["offences"]) == ("msg_1", True, True, [])
    assert json.loads(message["body"]) == PAYLOAD
    assert [one["status"] for one in message["received"]] == [200, 200, 200]


@pytest.mark.parametrize("size", [24, 64])
def test_while_a_secret_is_rotated_either_signature_will_do(subscriber: Subscriber, size: int) -> None:
    old, new = subscriber.secret, secret(size)
    both = subscriber.signed(signer=old)
    both["headers"]["webhook-signature"] += f" v1a,AAAA {subscriber.signed(signer=new)['headers']['webhook-signature']}"
    for known in ([old], [new], [new, old]):
        subscriber.know(*known)
        assert requests.post(subscriber.url, **both, timeout=8).status_code == 200
    subscriber.know(secret())
    assert requests.post(subscriber.url, **both, timeout=8).status_code == 401


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", None),
        ("webhook-id", "msg_2"),
        ("webhook-id", "msg.1"),
        ("webhook-timestamp", None),
        ("webhook-timestamp", "2026-11-22T10:00:00Z"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-signature", None),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "AAAA"),
        ("webhook-signature", "v1,\u00e4"),
    ],
)
def test_what_proves_nothing_is_refused_and_kept(subscriber: Subscriber, header: str, value: str | None) -> None:
    sent = subscriber.signed()
    sent["headers"] = {name: one for name, one in (sent["headers"] | {header: value}).items() if one is not None}
    answer = requests.post(subscriber.url, **sent, timeout=8)
    assert answer.status_code == 401
    assert answer.json()["message"]
    message = subscriber.message()
    assert (message["verified"], message["processed"]) == (False, False)
    assert message["received"][0]["problem"] == answer.json()["message"]


def test_a_body_that_was_changed_is_refused(subscriber: Subscriber) -> None:
    sent = subscriber.signed() | {"data": json.dumps(PAYLOAD).encode() + b" "}
    assert requests.post(subscriber.url, **sent, timeout=8).status_code == 401


@pytest.mark.parametrize(("late", "status"), [(290, 200), (-290, 200), (310, 401), (-310, 401)])
def test_five_minutes_are_tolerated_either_way(subscriber: Subscriber, late: float, status: int) -> None:
    assert subscriber.send(late=late).status_code == status


def test_its_clock_may_go_wrong_and_it_may_trust_anybody(subscriber: Subscriber) -> None:
    for fault in ("clock_ahead", "clock_behind"):
        subscriber.fault(fault, times=1)
        assert subscriber.send().status_code == 401
    subscriber.fault("trusting", times=1)
    assert subscriber.send(signer=secret()).status_code == 200
    assert subscriber.send(signer=secret()).status_code == 401


@pytest.mark.parametrize(
    ("body", "offences"),
    [
        ("{", ["not_json"]),
        ("[]", ["not_an_object"]),
        (json.dumps(PAYLOAD | {"type": "Note created!"}), ["type"]),
        (json.dumps(PAYLOAD | {"timestamp": "2026-11-22T10:00:00"}), ["timestamp"]),
        (json.dumps({"type": "note.created"}), ["data", "timestamp"]),
        (json.dumps(PAYLOAD | {"data": {"words": "x" * 20_000}}) + " " * 1000, ["too_long"]),
    ],
)
def test_it_notes_what_the_specification_does_not_want(subscriber: Subscriber, body: str, offences: list[str]) -> None:
    subscriber.send(body=body)
    assert subscriber.message()["offences"] == offences


def test_a_message_that_was_answered_with_an_error_is_new_the_next_time(subscriber: Subscriber) -> None:
    subscriber.fault("status", status=503, times=2)
    assert [subscriber.send().status_code for _ in range(3)] == [503, 503, 200]
    message = subscriber.message()
    assert [one["status"] for one in message["received"]] == [503, 503, 200]
    assert [one["fault"] for one in message["received"]] == ["status", "status", None]
    assert message["processed"]


def test_gone_busy_and_elsewhere(subscriber: Subscriber) -> None:
    subscriber.fault("gone", times=1)
    assert subscriber.send().status_code == 410
    subscriber.fault("busy", retry_after=7, times=1)
    answer = subscriber.send()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    subscriber.fault("redirect", times=1)
    answer = subscriber.send()
    assert (answer.status_code, answer.headers["Location"]) == (302, "/subscriber/ehr-elsewhere")
    subscriber.fault("redirect", url="https://other.example/x", status=307, times=1)
    answer = subscriber.send()
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://other.example/x")
    assert not subscriber.message()["processed"]


def test_a_fault_can_be_one_subscribers_alone(subscriber: Subscriber) -> None:
    subscriber.fault("gone", subscriber="another")
    assert subscriber.send().status_code == 200
    assert requests.post(f"{subscriber.root}/subscriber/another", **subscriber.signed(), timeout=8).status_code == 410
    assert len(subscriber.control("GET", "messages").json()) == 2


def test_it_never_answers_or_hangs_up(subscriber: Subscriber) -> None:
    subscriber.fault("silent", times=1)
    with pytest.raises(requests.ReadTimeout):
        subscriber.send(timeout=0.2)
    for fault in ("close", "half", "junk"):
        subscriber.fault(fault, times=1)
        with pytest.raises(requests.RequestException):
            subscriber.send()
    received = subscriber.message()["received"]
    assert [(one["fault"], one["status"]) for one in received] == [
        ("silent", None),
        ("close", None),
        ("half", 200),
        ("junk", None),
    ]


def begun(subscriber: Subscriber) -> socket.socket:
    """The line after one request, to be read by hand."""
    where, sent = urlsplit(subscriber.url), subscriber.signed()
    line = socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=8)
    head = [f"POST {where.path} HTTP/1.1", "Host: sandbox", f"Content-Length: {len(sent['data'])}"]
    head += [f"{name}: {value}" for name, value in sent["headers"].items()]
    line.sendall("\r\n".join([*head, "", ""]).encode() + sent["data"])
    return line


@pytest.mark.parametrize(("fault", "at_once"), [("drip_head", 0), ("drip_body", 70)])
def test_head_or_body_drip(subscriber: Subscriber, fault: str, at_once: int) -> None:
    subscriber.fault(fault, seconds=0.05)
    with begun(subscriber) as line:
        started, pieces = time.monotonic(), list[bytes]()
        while piece := line.recv(4096):
            pieces.append(piece)
    whole = b"".join(pieces)
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"thank you very much\n")
    assert time.monotonic() - started >= 0.05 * (len(whole) - at_once) * 0.5
    assert len(pieces) > 10


def test_an_answer_of_ten_gigabytes(subscriber: Subscriber) -> None:
    subscriber.fault("huge")
    with begun(subscriber) as line:
        answer = http.client.HTTPResponse(line)
        answer.begin()
        assert (answer.status, answer.length) == (200, 10 * 1024**3)
        assert len(answer.read(5_000_000)) == 5_000_000


def test_a_head_that_is_too_large(subscriber: Subscriber) -> None:
    subscriber.fault("huge_head")
    with pytest.raises(requests.ConnectionError):
        subscriber.send()


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("secrets/ehr", {}),
        ("secrets/ehr", {"secrets": "whsec_"}),
        ("secrets/ehr", {"secrets": ["short"]}),
        ("secrets/ehr", {"secrets": [secret(16)]}),
        ("secrets/ehr", {"secrets": ["whsec_!"]}),
    ],
)
def test_secrets_that_make_no_sense_are_refused(subscriber: Subscriber, path: str, order: Any) -> None:
    answer = subscriber.control("PUT", path, order)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_only_posts_to_somebody(subscriber: Subscriber) -> None:
    assert requests.get(subscriber.url, timeout=8).status_code == 405
    assert requests.post(f"{subscriber.root}/subscriber/", timeout=8).status_code == 404
    assert subscriber.control("GET", "secrets/ehr").status_code == 404


def test_reset_forgets_messages_secrets_and_faults(subscriber: Subscriber) -> None:
    subscriber.send()
    subscriber.fault("gone")
    assert requests.post(f"{subscriber.root}/control/reset", timeout=8).status_code == 200
    assert subscriber.control("GET", "messages").json() == subscriber.control("GET", "faults").json() == []
    assert subscriber.send().status_code == 401
