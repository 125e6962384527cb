"""Suki: links to the recordings that it keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.vendors.contract import CANARY
from tests.vendors.scripted_server import http
from tests.vendors.signed_contract import NOW
from tests.vendors.suki_server import SukiServer
from tests.vendors.test_suki_client import REF, vendor
from vendors.base import Held, VendorError
from vendors.suki import wire

WAYS_TO_WRITE_A_MOMENT: list[object] = [
    *(1738765432, 1738765432.0, "1738765432", 1738765432000, "1738765432000"),
    *("2025-02-05T14:23:52Z", "2025-02-05T15:23:52.000+01:00"),
]
NO_MOMENTS: list[object] = [
    *(None, True, 0, -1, 900, 1e300, 10**40, [], {}),
    *(
        "",
        "tomorrow",
        "2025-02-05T14:23:52",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "9" * 400,
        "\u0663" * 10,
    ),
]


def part(number: int, **changes: Any) -> dict[str, Any]:
    link = f"https://store.example/{number}?sig={CANARY.replace(' ', '-')}"
    return {
        "recording_id": f"r{number}",
        "presigned_url": link,
        "expires_at": 1738765432,
        "sequence_number": number,
        **changes,
    }


class TestRecordings:
    def links(self, body: Any, *, download: bool = True, status: int = 200) -> Any:
        with SukiServer(recording=[http(status, body)]) as server:
            found = vendor(server).recordings(Held(REF), download=download)
        self.asked = server.asked[-1]
        return found

    def test_parts_come_in_their_order(self) -> None:
        found = self.links({"recordings": [part(3), part(1), part(2)], "is_streamable": False})
        assert [link.sequence_number for link in found.links] == [1, 2, 3]
        assert found.links[0].expires_at == datetime(2025, 2, 5, 14, 23, 52, tzinfo=UTC)
        assert not found.is_streamable
        assert CANARY.replace(" ", "-") not in repr(found), "a link is a secret"

    @pytest.mark.parametrize(("download", "asked"), [(True, "true"), (False, "false")])
    def test_links_are_for_playing_or_for_saving(self, download: bool, asked: str) -> None:
        assert self.links({"recordings": [part(1)], "is_streamable": True}, download=download).is_streamable
        assert (self.asked.method, self.asked.path.partition("?")[2]) == ("GET", f"download={asked}")

    def test_what_cannot_be_played_has_no_links_until_they_are_asked_for_saving(self) -> None:
        nothing: dict[str, Any] = {"recordings": [], "is_streamable": False}
        found = self.links(nothing, download=False)
        assert (found.links, found.is_streamable) == ((), False)
        with pytest.raises(VendorError, match="still processing"):
            self.links(nothing, download=True)

    @pytest.mark.parametrize("written", WAYS_TO_WRITE_A_MOMENT)
    def test_a_moment_is_understood_however_it_is_written(self, written: object) -> None:
        (link,) = self.links({"recordings": [part(1, expires_at=written)]}).links
        assert link.expires_at == datetime(2025, 2, 5, 14, 23, 52, tzinfo=UTC)

    @pytest.mark.parametrize("written", NO_MOMENTS)
    def test_a_link_that_does_not_say_when_it_ends_lives_as_long_as_the_shortest(self, written: object) -> None:
        body = json.dumps({"recordings": [part(1, expires_at=written), part(2)]}).encode()
        first, second = wire.read_recordings(body, NOW).links
        assert first.expires_at == NOW + timedelta(minutes=15)
        assert second.expires_at == datetime(2025, 2, 5, 14, 23, 52, tzinfo=UTC)

    def test_such_a_life_begins_when_the_link_is_asked_for(self) -> None:
        before = datetime.now(UTC)
        (link,) = self.links({"recordings": [part(1, expires_at=None)]}).links
        assert before <= link.expires_at - timedelta(minutes=15) <= datetime.now(UTC)

    @pytest.mark.parametrize(
        ("status", "body", "code", "permanent"),
        [
            (404, {}, "recording_pending", False),
            (410, {}, "recording_gone", True),
            (200, {"recordings": [], "is_streamable": True}, "recording_pending", False),
            (200, {}, "answer_unreadable", False),
            (200, {"recordings": {}}, "answer_unreadable", False),
            (200, {"recordings": [part(1, presigned_url="x" * 8193)]}, "answer_unreadable", False),
            (200, {"recordings": [part(1, presigned_url=7)]}, "answer_unreadable", False),
            (200, {"recordings": [part(1, sequence_number=-1)]}, "answer_unreadable", False),
            (200, {"recordings": [part(1)] * 1001}, "answer_unreadable", False),
            (500, {}, "vendor_unavailable", False),
        ],
    )
    def test_what_is_no_recording(self, status: int, body: Any, code: str, permanent: bool) -> None:
        with pytest.raises(VendorError) as caught:
            self.links(body, status=status)
        assert (caught.value.code, caught.value.permanent) == (code, permanent)
        assert CANARY not in caught.value.message
