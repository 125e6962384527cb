"""What every vendor must do, whoever it is. A vendor's test inherits `VendorContract` and says how its answers look.

What is here needs no knowledge of the vendor; what only one vendor does is tested in that vendor's own files. One that
signs its webhooks inherits `SignedContract` as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest

from tests.vendors.going import Noted, OwnTokens
from tests.vendors.scripted_server import ScriptedServer, http
from tests.vendors.signed_contract import SignedContract
from vendors import VENDORS, connect
from vendors.base import Account, Job, Notice, Result, Submitted, Unreadable, Vendor, VendorError, Wish
from vendors.outbound import Outbound

CANARY = "the patient keeps canaries"
LOOPBACK = [ip_network("127.0.0.0/8")]


def job(**changes: Any) -> Job:
    values: dict[str, Any] = {
        "id": UUID("5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101"),
        "client_request_id": "5f0c2a34-7b41-4b0c-9f39-0a4ad5b3c101",
        "wish": Wish(output_objects=("transcript_item", "note"), language="en-US"),
        "file_url": f"https://listenpost.example/files/{CANARY}",
        "callback_url": f"https://listenpost.example/callbacks/nabla/{CANARY}",
    }
    return Job(**{**values, **changes})


class VendorContract(ABC):
    name: str
    credentials: dict[str, Any]
    options: dict[str, Any] = {}
    #: What becomes of an answer with a status that is unknown: it cannot be read, or it is a Notice that says so.
    unknown_is: type[Unreadable | Notice] = Unreadable
    #: The vendor's id for `job()` where its answer names none.
    unnamed_ref: str | None = None

    @abstractmethod
    def success(self, text: str) -> bytes:
        """A success whose transcript has one line, and whose note has one section, both with `text` as JSON text."""

    @abstractmethod
    def failure(self) -> bytes:
        """The vendor could not process the recording; any message of the vendor's holds the canary."""

    @abstractmethod
    def unknown(self) -> list[bytes]:
        """Answers with a type or status that the vendor may invent tomorrow."""

    @abstractmethod
    def accepted(self) -> bytes:
        """The body in which the vendor names the job that it has taken."""

    def accepting(self, body: bytes) -> ScriptedServer:
        """A vendor that takes the job, and names it by `body`."""
        return ScriptedServer(http(200, body))

    def job(self, **changes: Any) -> Job:
        return job(**changes)

    @property
    def vendor(self) -> type[Vendor]:
        return VENDORS[self.name]

    def connected(self, server: ScriptedServer) -> Vendor:
        account = Account(base_url=server.url, credentials=self.credentials, options=self.options)
        return connect(self.name, account, Outbound(LOOPBACK), OwnTokens())

    def read(self, body: bytes) -> Result:
        result = self.vendor.parse(body)
        assert isinstance(result, Result)
        return result

    def refusing(self, answer: Any) -> ScriptedServer:
        """A vendor that answers so to whatever would hand the job over."""
        return ScriptedServer(answer)

    @contextmanager
    def not_there(self) -> Iterator[Vendor]:
        """Connected to a vendor that is gone."""
        with ScriptedServer(b"") as server:
            vendor = self.connected(server)
        yield vendor

    def refusal(self, answer: Any, **changes: Any) -> VendorError:
        with self.refusing(answer) as server, pytest.raises(VendorError) as caught:
            self.connected(server).submit(self.job(**changes), Noted())
        return caught.value

    def test_the_registry_knows_it_by_its_own_name(self) -> None:
        assert self.vendor.name == self.name
        assert self.vendor.title
        assert self.vendor.default_base_url.startswith("https://")

    def test_a_vendor_that_signs_its_webhooks_is_held_to_what_that_takes(self) -> None:
        assert self.vendor.signs_webhooks == isinstance(self, SignedContract)

    def test_its_credentials_are_accepted_and_nothing_of_an_unknown_one_is_repeated(self) -> None:
        assert not self.vendor.check_credentials(self.credentials)
        for unknown in ({"sever_key": CANARY}, {CANARY: "x"}):
            said = " ".join(self.vendor.check_credentials({**self.credentials, **unknown}))
            assert all(known in said for known in self.credentials)
            assert CANARY not in said

    def test_missing_credentials_are_refused(self) -> None:
        assert self.vendor.check_credentials({})

    def test_an_impossible_wish_is_refused_before_anything_is_sent(self) -> None:
        assert self.vendor.check(Wish(output_objects=("haiku",), language="tlh"))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"17",
            b"{",
            b"<html></html>",
            b"\x00\xff\xfe",
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            b'{"a": 1e999}',
            b'{"a": ' + b"9" * 5000 + b"}",
            b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
            b'{"a":' * 200_000,
            b"{}",
        ],
        ids=lambda body: body[:16].decode("latin-1") + f"#{len(body)}",
    )
    def test_junk_is_unreadable_and_nothing_worse(self, body: bytes) -> None:
        with pytest.raises(Unreadable):
            self.vendor.parse(body)

    def test_the_complaint_about_junk_does_not_repeat_it(self) -> None:
        for body in (f'{{"{CANARY}": ', f'["{CANARY}"]', f'{{"{CANARY}": "{CANARY}", "a": NaN}}'):
            with pytest.raises(Unreadable) as caught:
                self.vendor.parse(body.encode())
            assert CANARY not in str(caught.value)

    def test_an_unknown_status_passes_for_no_answer(self) -> None:
        for body in self.unknown():
            try:
                said: object = self.vendor.parse(body)
            except Unreadable as error:
                said = error
            assert type(said) is self.unknown_is
            assert not isinstance(said, Notice) or said.problem

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            (b"caf\xc3\xa9", "café"),
            (b"a\xffb", "a\ufffdb"),
            (b"a\\ud800b", "a\ufffdb"),
            (b"a\xed\xa0\x80b", "a\ufffd\ufffd\ufffdb"),
            (b"a\\u0000b", "a\ufffdb"),
            (b"a\x00b", "a\ufffdb"),
            (b"\\ud83d\\ude00", "\U0001f600"),
            (b"two\nlines", "two\nlines"),
        ],
    )
    def test_text_can_be_stored_whatever_was_sent(self, written: bytes, read: str) -> None:
        result = self.read(self.success("PLACE").replace(b"PLACE", written))
        assert result.transcript is not None
        assert result.note is not None
        assert result.transcript[0].text == read
        assert result.note.sections[0].text == read

    def test_a_byte_order_mark_does_no_harm(self) -> None:
        assert self.vendor.parse(b"\xef\xbb\xbf" + self.success("x")) == self.vendor.parse(self.success("x"))

    def test_the_same_body_twice_gives_equal_results(self) -> None:
        assert self.vendor.parse(self.success("x")) == self.vendor.parse(self.success("x"))
        assert self.vendor.parse(self.success("x")) != self.vendor.parse(self.success("y"))

    def test_a_failure_is_told_in_our_words(self) -> None:
        result = self.read(self.failure())
        assert result.failure is not None
        assert result.failure.code
        assert result.failure.message
        assert CANARY not in repr(result)
        assert result.transcript is None
        assert result.note is None

    def test_a_success_is_no_failure(self) -> None:
        assert self.read(self.success("x")).failure is None

    def test_submitting_twice_sends_the_same_under_the_same_id(self) -> None:
        with self.accepting(self.accepted()) as server:
            vendor = self.connected(server)
            assert vendor.submit(self.job(), Noted()) == vendor.submit(self.job(), Noted())
        sent = [asked.body for asked in server.asked if self.job().client_request_id.encode() in asked.body]
        half = len(sent) // 2
        assert sorted(sent[:half]) == sorted(sent[half:]) != []

    @pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[1]", b"{}", b'{"request_id": 7}', b"<html>"])
    def test_an_accepted_job_stays_accepted_though_the_answer_cannot_be_read(self, body: bytes) -> None:
        with self.accepting(body) as server:
            assert self.connected(server).submit(self.job(), Noted()) == Submitted(self.unnamed_ref)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 418, 422, 451])
    def test_a_refusal_is_permanent_and_answered(self, status: int) -> None:
        error = self.refusal(http(status, {"message": CANARY, "name": CANARY}))
        assert (error.permanent, error.unanswered) == (True, False)
        assert CANARY not in error.message

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
    def test_a_vendor_that_is_busy_or_down_is_asked_again(self, status: int) -> None:
        error = self.refusal(http(status, {"message": CANARY}, Retry_After="7"))
        assert (error.permanent, error.unanswered, error.retry_after) == (False, False, 7)
        assert CANARY not in error.message

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        with ScriptedServer(http(200, self.accepted())) as other:
            error = self.refusal(http(status, b"", Location=f"{other.url}/elsewhere"))
        assert error.permanent
        assert not other.asked

    def test_an_answer_that_breaks_off_may_have_been_an_acceptance(self) -> None:
        for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"):
            error = self.refusal(answer)
            assert (error.permanent, error.unanswered) == (False, True)

    def test_a_vendor_that_is_not_there_was_never_asked(self) -> None:
        with self.not_there() as vendor, pytest.raises(VendorError) as caught:
            vendor.submit(self.job(), Noted())
        assert (caught.value.permanent, caught.value.unanswered) == (False, False)
