"""Dragon Copilot's data exchange: who proves to be it, what its events announce, and what is fetched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.vendors.contract import CANARY
from tests.vendors.dragon_server import CREDENTIALS, DragonServer
from tests.vendors.scripted_server import Answer, http
from tests.vendors.signed_contract import JUNK
from tests.vendors.test_dragon_client import REF, dragon, event, fetched
from vendors.base import Account, Line, Notice, Rejected, Result, Section, Unreadable, VendorError
from vendors.dragon.adapter import DragonVendor
from vendors.dragon.exchange import SUPPLEMENT

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HANDSHAKE = "webhook-request-origin"
AS_OF = datetime(2026, 3, 1, 14, 34, 12, tzinfo=UTC)


# --- Proof
def test_whoever_knows_the_subscriptions_secret_is_dragon_copilot() -> None:
    secrets = DragonVendor.webhook_secrets(CREDENTIALS)
    DragonVendor.read_proof({}, "api-version=2&access_token=the-subscriptions-secret", NOW).verify(b"{}", secrets)
    DragonVendor.read_proof({}, "access_token=b%2Bc", NOW).verify(b"", ["a", "b+c"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "access_token_missing"),
        ("access_token=", "access_token_missing"),
        ("access_token=a&access_token=the-subscriptions-secret", "access_token_missing"),
        (f"access_token={'a' * 501}", "access_token_missing"),
        ("access_token=other", "access_token_wrong"),
        ("access_token=%ff%00", "access_token_wrong"),
    ],
)
def test_nobody_else_is(query: str, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        DragonVendor.read_proof({}, query, NOW).verify(b"{}", DragonVendor.webhook_secrets(CREDENTIALS))
    assert caught.value.code == code


def test_several_secrets_hold_while_they_are_rotated() -> None:
    both = ["the-new-secret-of-it", "the-old-secret-of-it"]
    assert not DragonVendor.check_credentials({**CREDENTIALS, "access_token": both})
    assert DragonVendor.webhook_secrets({**CREDENTIALS, "access_token": both}) == both


@pytest.mark.parametrize("secret", ["a" * 16, "a" * 500, "Az09-._~" * 2])
def test_every_secret_that_an_account_takes_proves_encoded_and_as_it_is(secret: str) -> None:
    credentials = {**CREDENTIALS, "access_token": secret}
    assert not DragonVendor.check_credentials(credentials)
    for spelt in (secret, quote(secret, safe=""), "".join(f"%{ord(one):02x}" for one in secret)):
        proof = DragonVendor.read_proof({}, f"access_token={spelt}", NOW)
        proof.verify(b"{}", DragonVendor.webhook_secrets(credentials))


@pytest.mark.parametrize("secret", ["a" * 15, "a" * 501, *("sixteen-and-more" + sign for sign in "+%&#=/?;!@:é \n")])
def test_one_that_could_come_back_as_another_is_refused(secret: str) -> None:
    for given in (secret, ["the-subscriptions-secret", secret]):
        (said,) = DragonVendor.check_credentials({**CREDENTIALS, "access_token": given})
        assert "16 to 500 characters" in said
        assert secret not in said


def test_a_sender_may_ask_whether_it_may_send() -> None:
    allowed = {"WebHook-Allowed-Origin": "eventgrid.azure.net", "WebHook-Allowed-Rate": "*"}
    assert DragonVendor.handshake({HANDSHAKE: "eventgrid.azure.net"}) == allowed
    for origin in ("", "a\r\nSet-Cookie: x", "é", "x" * 501):
        assert DragonVendor.handshake({HANDSHAKE: origin}) == {}


# --- Events
def read(said: dict[str, Any]) -> Notice:
    notice = DragonVendor.parse(json.dumps(said).encode())
    assert isinstance(notice, Notice)
    return notice


@pytest.mark.parametrize(
    "kind",
    ["encounter_data_ready_complete", "transcript_ready_complete", "encounter_data_updated", SUPPLEMENT],
)
def test_an_event_says_of_what_session_there_is_something_and_where(kind: str) -> None:
    assert read(event(type=kind)) == Notice(REF, "", "https://partnerapi.example/n/1", AS_OF, kind == SUPPLEMENT)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-03-01T15:34:12+01:00", AS_OF),
        ("2000-01-01T00:00:00+14:00", datetime(1999, 12, 31, 10, tzinfo=UTC)),
        *((said, None) for said in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2101-01-01T00:00:00Z")),
        *((said, None) for said in ("1970-01-01T00:00:00Z", "2026-03-01T14:34:12", "soon", "", "\ud800", 7, None)),
    ],
)
def test_a_time_that_cannot_be_is_none(told: Any, moment: datetime | None) -> None:
    result = DragonVendor.parse(json.dumps({**json.loads(fetched({})), "as_of": told}).encode())
    for said in (read(event(time=told)), result):
        assert (said.as_of, said.as_of and said.as_of.tzinfo) == (moment, moment and UTC)


def test_an_event_of_another_type_is_kept_and_not_followed() -> None:
    notice = read(event(type="encounter_deleted"))
    assert (notice.ref, notice.link) == (REF, "")
    assert notice.problem


def test_an_event_without_a_link_says_so() -> None:
    assert read(event(data={"correlationId": REF})).problem


@pytest.mark.parametrize(
    "said",
    [
        event(data=None),
        event(data="x"),
        event(data={"retrievalUrl": "https://a.example"}),
        event(data={"correlationId": 7}),
        event(type=7),
        event(data={"correlationId": "x" * 129}),
    ],
)
def test_what_names_no_session_is_no_event(said: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        DragonVendor.parse(json.dumps(said).encode())


def test_a_link_is_shown_to_nobody() -> None:
    assert "partnerapi.example" not in repr(read(event()))


def test_an_event_is_known_again_by_its_source_and_id() -> None:
    first = DragonVendor.event_id({}, json.dumps(event()).encode())
    assert first == DragonVendor.event_id({}, json.dumps(event(type="other")).encode())
    others = [event(id="e2"), event(source="/other"), event(id="x" * 1_000_000), event(id="a\x00b")]
    ids = [DragonVendor.event_id({}, json.dumps(one).encode()) for one in others]
    assert len({first, *ids}) == 5
    assert all(0 < len(one or "") <= 200 for one in ids)
    assert {DragonVendor.event_id({}, body) for body in JUNK} == {None}


@pytest.mark.parametrize("name", ["id", "source"])
def test_halves_of_characters_make_ids_too_and_each_its_own(name: str) -> None:
    bodies = [json.dumps(event(**{name: told})).encode() for told in ("a\ud800", "a\udfff", "a\ufffd")]
    ids = [DragonVendor.event_id({}, body) for body in bodies]
    assert ids == [DragonVendor.event_id({}, body) for body in bodies]
    assert len(set(ids) - {None}) == 3


@pytest.mark.parametrize("source", [None, 7, ["/dax"], "deep"])
def test_what_has_no_source_has_no_id(source: Any) -> None:
    body = json.dumps(event(source=source)).encode()
    assert DragonVendor.event_id({}, body.replace(b'"deep"', b"[" * 1000 + b"]" * 1000)) is None


# --- Fetching
def notice(link: str) -> Notice:
    return Notice(REF, "", link, AS_OF)


def fetch(*answers: Answer, path: str = "/partner/notifications/n1") -> bytes:
    with DragonServer(n1=list(answers)) as server:
        (body,) = dragon(server.url).fetch(notice(f"{server.url}{path}"))
    assert server.of("n1")[0].headers["authorization"] == "Bearer token-1"
    return body


def refused(*answers: Answer, link: str = "") -> VendorError:
    with DragonServer(n1=list(answers)) as server, pytest.raises(VendorError) as caught:
        dragon(server.url).fetch(notice(link or f"{server.url}/partner/notifications/n1"))
    assert CANARY not in f"{caught.value.message} {caught.value.__cause__!r} {caught.value.__context__!r}"
    return caught.value


def test_what_an_event_announces_is_fetched_with_a_token_and_decoded_twice() -> None:
    turns = [{"index": 0, "speaker": "clinician", "text": "Hello.", "start_time": "00:00:01.000"}]
    data = json.dumps({"transcript": {"speaker_count": 2, "turns": turns}})
    result = DragonVendor.parse(fetch(http(200, {"notificationId": "n1", "data": data})))
    assert result == Result(ref=REF, transcript=(Line("Hello.", "clinician", 1000, None),), as_of=AS_OF)


def test_a_token_that_ended_is_renewed_for_the_fetch() -> None:
    answer = {"notificationId": "n1", "data": "{}"}
    with DragonServer(n1=[http(401, b"expired"), http(200, answer)]) as server:
        dragon(server.url).fetch(notice(f"{server.url}/partner/notifications/n1"))
    assert len(server.of("token")) == 2


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (http(404, {"message": CANARY}), False),
        (http(500), False),
        (http(200, b"<html>" + CANARY.encode()), False),
        (http(200, {"notificationId": "n1"}), False),
        (http(200, b'{"notificationId": "n1", "data": "'), False),
        (http(302, Location="https://elsewhere.example"), True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", False),
    ],
)
def test_what_cannot_be_fetched_says_whether_it_may_yet(answer: bytes, permanent: bool) -> None:
    assert refused(answer).permanent == permanent


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/n/1",
        "https://169.254.169.254/latest",
        "https://dragon.com.elsewhere.example/",
        "https://evildragon.com/",
        "http://partnerapi.copilot.us.dragon.com/n/1",
        "https://partnerapi.copilot.us.dragon.com@elsewhere.example/",
        "file:///etc/passwd",
        "",
        " https://partnerapi.copilot.us.dragon.com/",
    ],
)
def test_a_link_to_another_host_is_not_followed(link: str) -> None:
    with DragonServer() as server, pytest.raises(VendorError) as caught:
        dragon(server.url).fetch(notice(link))
    assert (caught.value.code, caught.value.permanent, server.asked) == ("link_refused", True, [])
    assert "--partner-url of connect_vendor" in caught.value.message
    assert not link.strip() or link not in caught.value.message


def test_a_link_to_the_partner_address_that_the_account_names_is_followed() -> None:
    answer = http(200, {"notificationId": "n1", "data": "{}"})
    with DragonServer() as elsewhere, DragonServer(n1=[answer]) as server:
        named = dragon(elsewhere.url, partner_url=f"{server.url}/api")
        assert named.fetch(notice(f"{server.url}/partner/notifications/n1"))


def test_what_is_fetched_says_whether_it_stands_beside_the_note() -> None:
    answer = http(200, {"notificationId": "n1", "data": json.dumps({"resources": [resource("Dear Dr. Roe")]})})
    for kind in (SUPPLEMENT, "encounter_data_updated"):
        with DragonServer(n1=[answer]) as server:
            announced = event(type=kind)
            announced["data"]["retrievalUrl"] = f"{server.url}/partner/notifications/n1"
            (body,) = dragon(server.url).fetch(read(announced))
        result = DragonVendor.parse(body)
        assert isinstance(result, Result)
        assert (result.note is not None, result.is_supplement) == (True, kind == SUPPLEMENT)


# --- Results
def parsed(data: Any) -> Result:
    result = DragonVendor.parse(fetched(data))
    assert isinstance(result, Result)
    return result


def resource(content: Any, code: str = "18776-5", title: str = "Plan") -> dict[str, Any]:
    codes = [{"system": "snomed", "identifier": "1"}, {"system": "loinc.org", "identifier": code}]
    context = {"content_type": "document_section", "display_description": title, "codes": codes}
    return {"legacy_id": "1", "context": context, "content": content}


def test_a_note_has_its_sections_by_their_loinc_codes_also_empty_ones() -> None:
    resources = [resource("Rest."), resource("", "48765-2", ""), resource(None, "1234-5"), {"content": "x"}]
    note = parsed({"document": {"title": "Visit"}, "resources": resources}).note
    assert note
    assert note.title == "Visit"
    assert note.sections == (
        Section("PLAN", "Plan", "Rest."),
        Section("ALLERGIES", "Allergies", ""),
        Section("LOINC_1234-5", "Plan", ""),
        Section("OTHER", "", "x"),
    )


@pytest.mark.parametrize("data", [{}, {"resources": []}, {"document": {"title": "x"}}, {"transcript": {"turns": []}}])
def test_a_blank_result_brings_nothing(data: Any) -> None:
    result = parsed(data)
    assert (result.note, result.transcript, result.failure) == (None, None, None)


@pytest.mark.parametrize(
    ("start", "end", "offsets"),
    [
        ("00:00:01.000", "00:00:02.5", (1000, 2500)),
        ("01:00:00", "01:00:01,25", (3_600_000, 3_601_250)),
        (None, None, (None, None)),
        ("00:00:05.000", "00:00:02.000", (5000, None)),
        (5, "later", (None, None)),
        ("999999:00:00", "-1:00:00", (None, None)),
    ],
)
def test_times_are_milliseconds_where_they_are_times(start: Any, end: Any, offsets: tuple[Any, Any]) -> None:
    lines = parsed({"transcript": {"turns": [{"text": "a", "start_time": start, "end_time": end}]}}).transcript
    assert lines == (Line("a", "unspecified", *offsets),)


def test_turns_are_in_the_order_of_their_index() -> None:
    turns = [{"index": 2, "text": "c"}, {"index": 0, "text": "a"}, {"text": "z"}, {"index": 1, "text": " "}]
    lines = parsed({"transcript": {"turns": turns}}).transcript
    assert [line.text for line in lines or ()] == ["a", "c", "z"]


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "<html>",
        {"resources": "x"},
        {"resources": ["x"]},
        {"resources": [resource("x")] * 1_001},
        {"transcript": {"turns": [7]}},
        {"transcript": {"turns": [{"text": 7}]}},
        {"resources": [resource("x" * 1_000_001)]},
    ],
)
def test_what_is_no_result_is_unreadable(data: Any) -> None:
    answer = {"notificationId": "n1", "data": data if isinstance(data, str) else json.dumps(data)}
    said = {"answer_to": "dragon", "session_id": REF, "answer": answer}
    with pytest.raises(Unreadable):
        DragonVendor.parse(json.dumps(said).encode())


# --- The subscription
def test_a_subscription_says_where_events_are_to_come_and_by_what_secret() -> None:
    with DragonServer() as server:
        dragon(server.url).subscribe("https://door.example/callbacks/dragon/accounts/1")
    (asked,) = server.of("subscriptions")
    assert (asked.method, asked.path) == (
        "PUT",
        f"/partner/subscriptions?api-version=2&customerId={CREDENTIALS['customer_id']}",
    )
    assert asked.json() == {
        "partnerId": CREDENTIALS["partner_id"],
        "customerId": CREDENTIALS["customer_id"],
        "productId": CREDENTIALS["product_id"],
        "webHookUrl": "https://door.example/callbacks/dragon/accounts/1",
        "eventFamily": ["dax"],
        "accessToken": "the-subscriptions-secret",
    }


# --- Accounts
@pytest.mark.parametrize(
    ("options", "host"),
    [
        ({}, "ambient-audio-service.copilot.us.dragon.com"),
        ({"environment": "non-production"}, "ambient-audio-service.stg.copilot.us.dragon.com"),
        ({"region": "us", "transport": "websocket"}, "ambient-audio-service.copilot.us.dragon.com"),
        ({"region": "ca"}, "ambient-audio-service.copilot.ca.dragon.com"),
        ({"region": "fr"}, "ambient-audio-service.copilot.fr.dragon.com"),
        ({"region": "uk"}, "ambient-audio-service.copilot.uk2.dragon.com"),
        ({"region": "de", "transport": "grpc"}, "ambient-audio-service.copilot.de.dragon.com"),
    ],
)
def test_region_and_environment_say_where_it_is(options: dict[str, str], host: str) -> None:
    assert not DragonVendor.check_options(options)
    assert DragonVendor.home(options) == f"https://{host}"
    account = Account(DragonVendor.home(options), CREDENTIALS, options)
    assert f"https://streaming.{host}" in DragonVendor.addresses(account)


@pytest.mark.parametrize(
    "options",
    [
        *({"region": region, "environment": "non-production"} for region in ("ca", "fr", "de", "uk")),
        {"region": "uk2"},
        {"environment": "staging"},
        {"transport": "carrier-pigeon"},
    ],
)
def test_what_there_is_not_is_refused(options: dict[str, str]) -> None:
    assert DragonVendor.check_options(options)


@pytest.mark.parametrize(
    "changes",
    [
        {"partner_id": "x"},
        {"customer_id": None},
        {"client_secret": "a b"},
        {"issuer": "https://login.example"},
        {"token_url": "login.example"},
        {"access_token": ""},
        {"access_token": []},
        {"access_token": [""]},
        {"access_token": 7},
        {"ehr_instance_id": 7},
    ],
)
def test_credentials_that_cannot_be_used_are_refused(changes: dict[str, Any]) -> None:
    assert DragonVendor.check_credentials({**CREDENTIALS, **changes})
