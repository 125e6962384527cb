"""What every vendor that signs its webhooks must do. Inherited beside `VendorContract`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vendors.base import Rejected, Vendor

NOW = datetime(2026, 3, 1, 14, 34, 12, 675000, UTC)
SECRET, OTHER = "the-secret-of-today", "the-secret-of-yesterday"
JUNK = [b"", b"[" * 10_485_760, b"\x00\xff\xfe", b"<html></html>", b"{", b"{}", b"null", b'{"id": NaN}']


class SignedContract(ABC):
    credentials: dict[str, Any]
    #: How far the sender's clock and ours may be apart.
    window = timedelta(seconds=60)

    @property
    @abstractmethod
    def vendor(self) -> type[Vendor]: ...

    @abstractmethod
    def signed(self, body: bytes, *, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
        """The headers with which the vendor sends `body`, signed at that moment."""

    @abstractmethod
    def event(self, event_id: str, text: str) -> bytes:
        """A success that tells `text`, in the event of that id."""

    def prove(
        self, headers: dict[str, str], body: bytes, *, now: datetime = NOW, secrets: Sequence[str] = (SECRET,)
    ) -> None:
        self.vendor.read_proof(headers, "", now).verify(body, secrets)

    def rejection(self, headers: dict[str, str], body: bytes, **options: Any) -> str:
        with pytest.raises(Rejected) as caught:
            self.prove(headers, body, **options)
        assert str(caught.value) == caught.value.code, "what came is not repeated"
        return caught.value.code

    def test_what_the_vendor_signed_is_proven(self) -> None:
        body = self.event("e", "hello")
        self.prove(self.signed(body), body)

    def test_junk_that_is_signed_is_still_proven_and_its_key_fits(self) -> None:
        for body in JUNK:
            self.prove(self.signed(body), body)
            assert len(self.vendor.event_id(self.signed(body), body) or "") <= 200

    def test_another_body_is_not_proven(self) -> None:
        body = self.event("e", "hello")
        for other in (b"", body[:-1], body + b" ", body.replace(b"hello", b"hellp")):
            assert self.rejection(self.signed(body), other) == "signature_wrong"

    def test_another_secret_does_not_prove(self) -> None:
        assert self.rejection(self.signed(b"{}", secret=OTHER), b"{}") == "signature_wrong"

    def test_without_secrets_nothing_is_proven_not_even_by_an_empty_one(self) -> None:
        assert self.rejection(self.signed(b"{}"), b"{}", secrets=[]) == "signature_wrong"
        assert self.rejection(self.signed(b"{}", secret=""), b"{}", secrets=[""]) == "signature_wrong"

    def test_each_of_several_secrets_proves_while_they_are_rotated(self) -> None:
        for secrets in ([SECRET, OTHER], [OTHER, SECRET]):
            self.prove(self.signed(b"{}"), b"{}", secrets=secrets)
            self.prove(self.signed(b"{}", secret=OTHER), b"{}", secrets=secrets)

    @pytest.mark.parametrize("share", [-1, -0.9999, 0, 1])
    def test_some_difference_between_the_clocks_is_allowed(self, share: float) -> None:
        self.prove(self.signed(b"{}"), b"{}", now=NOW + share * self.window)

    @pytest.mark.parametrize("seconds", [0.001, 86_400, 1e9])
    def test_more_is_stale_whether_it_is_old_or_from_the_future(self, seconds: float) -> None:
        apart = self.window + timedelta(seconds=seconds)
        for now in (NOW + apart, NOW - apart):
            with pytest.raises(Rejected, match=r"^signature_stale$"):
                self.vendor.read_proof(self.signed(b"{}"), "", now)

    def test_an_old_signature_is_not_made_fresh_by_another_time(self) -> None:
        old, fresh = self.signed(b"{}", at=NOW - timedelta(days=1)), self.signed(b"{}")
        for name in fresh:
            assert self.rejection({**old, name: fresh[name]}, b"{}") in ("signature_wrong", "signature_stale")

    def test_every_header_is_needed(self) -> None:
        headers = self.signed(b"{}")
        for name in headers:
            assert self.rejection({**headers, name: ""}, b"{}") == "signature_missing"
            others = {other: value for other, value in headers.items() if other != name}
            assert self.rejection(others, b"{}") == "signature_missing"
        assert self.rejection({}, b"{}") == "signature_missing"

    @pytest.mark.parametrize(
        "value",
        [
            *("infinity", "NaN", "-1", "1e999", "null", "9999999-01-01", "9" * 10_240, " ", "\r\n", "\x00"),
            *("é", "\u0661", "\U0001f600", "\ud800", "a" * 63, "a" * 65, "g" * 64, "ab" * 10_240),
            *(",", ",".join(["a" * 64] * 9)),
        ],
        ids=lambda value: f"{value[:12]!r}#{len(value)}",
    )
    def test_any_header_may_hold_anything(self, value: str) -> None:
        headers = self.signed(b"{}")
        for name in headers:
            assert self.rejection({**headers, name: value}, b"{}") in ("signature_malformed", "signature_stale")

    def test_digests_may_be_in_upper_case(self) -> None:
        headers = self.signed(b"{}")
        self.prove({name: value.upper() for name, value in headers.items()}, b"{}")

    def test_the_secrets_are_those_of_the_account(self) -> None:
        assert list(self.vendor.webhook_secrets(self.credentials)) == self.credentials["webhook_secrets"]
        others = {name: value for name, value in self.credentials.items() if name != "webhook_secrets"}
        assert not self.vendor.webhook_secrets(others)


class NamedEventsContract(SignedContract):
    """What every vendor must do whose signed webhooks name their events."""

    def test_junk_names_no_event(self) -> None:
        assert {self.vendor.event_id({}, body) for body in JUNK} == {None}

    def test_the_same_event_is_known_again_whatever_it_says(self) -> None:
        first, again = self.event("e", "hello"), self.event("e", "hello again")
        assert first != again
        assert self.vendor.event_id({}, first) == self.vendor.event_id({}, again) is not None
        assert self.vendor.event_id({}, first) != self.vendor.event_id({}, self.event("f", "hello"))

    @pytest.mark.parametrize("event_id", ["x" * 201, "x" * 1_000_000, "a\x00b", "a\ud800b", "é" * 200, " ", "\u202e"])
    def test_any_id_fits_into_a_key_and_stays_apart_from_others(self, event_id: str) -> None:
        key = self.vendor.event_id({}, self.event(event_id, "hello"))
        assert key is not None
        assert 0 < len(key) <= 200
        assert "\x00" not in key
        key.encode()
        assert key != self.vendor.event_id({}, self.event(event_id + "x", "hello"))
