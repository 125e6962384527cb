"""Partner systems post results of requests that were made elsewhere: with a key or a token, once, for their clinic."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import redis
import requests

from access import log, programs
from access.models import AccessEntry, AllowedApplication, ApiKey, TrustedIssuer
from access.models import Clinic as ClinicRow
from ingest.models import Audio
from ingest.models import Callback as CallbackRow
from notes.models import Note
from tests.access.issuer import APPLICATION, Issuer
from tests.flows.clinic import PATIENCE, Clinic, Sandbox, eventually
from tests.flows.conftest import Stack
from tests.flows.test_door import raw
from tests.rest.api import a_key

pytestmark = pytest.mark.usefixtures("rows")


def result(client_request_id: str | None, title: str = "Visit") -> bytes:
    answer: dict[str, Any] = {
        "request_id": str(uuid4()),
        "transcript": [{"text": "My knee hurts.", "speaker": "patient"}],
        "note": {"title": title, "sections": [{"key": "PLAN", "title": "Plan", "text": "Rest."}]},
    }
    return json.dumps(answer | ({"client_request_id": client_request_id} if client_request_id else {})).encode()


class Partner:
    """A system beside the clinic's own, with a proof of its own."""

    def __init__(self, clinic: Clinic, token: str) -> None:
        self.url = f"{clinic.door_url}/callbacks/nabla"
        self.token = token

    def post(self, body: bytes, expect: int = 200, **headers: str) -> Any:
        proof = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        ends = time.monotonic() + PATIENCE
        while True:
            response = requests.post(self.url, data=body, headers=proof | headers, timeout=30)
            # One of the door's workers may still leave the issuer alone that a test before had made fail.
            if response.status_code != 503 or expect == 503 or time.monotonic() > ends:
                break
            time.sleep(1)
        assert response.status_code == expect, (response.status_code, response.text)
        return response.json() | {"challenge": response.headers.get("WWW-Authenticate")}


def row_of(clinic: Clinic) -> ClinicRow:
    return ClinicRow.objects.get(slug=clinic.slug)


def allow(clinic: Clinic, issuer: Issuer, audience: str) -> AllowedApplication:
    trusted, _ = TrustedIssuer.objects.get_or_create(url=issuer.url, defaults={"name": "sandbox"})
    line: AllowedApplication = AllowedApplication.objects.create(
        clinic=row_of(clinic),
        name="partner",
        issuer=trusted,
        application_id=APPLICATION,
        audience=audience,
        scopes=["callbacks:write", "notes:read"],
    )
    return line


@pytest.fixture
def keyed(clinic: Clinic) -> Partner:
    return Partner(clinic, a_key(row_of(clinic), "callbacks:write"))


@pytest.fixture
def tokened(clinic: Clinic, issuer: Issuer) -> Partner:
    audience = f"listenpost-{clinic.slug}"
    allow(clinic, issuer, audience)
    return Partner(clinic, issuer.token(claims={"aud": audience}))


def elsewhere(clinic: Clinic, client_request_id: str | None = None) -> Any:
    named = {"client_request_id": client_request_id} if client_request_id else {}
    return clinic.ask(clinic.session(), submitted_elsewhere=True, **named)


def settled(clinic: Clinic, count: int = 1) -> list[CallbackRow]:
    """The clinic's callbacks once there are so many, all looked at."""

    def look() -> list[CallbackRow] | None:
        found = list(CallbackRow.objects.filter(clinic__slug=clinic.slug).order_by("pk"))
        return found if len(found) == count and all(row.state != "stored" for row in found) else None

    return list(eventually(look, what=f"{count} callbacks settled"))


def refusals(clinic: Clinic | None = None) -> list[AccessEntry]:
    of = {"clinic__slug": clinic.slug} if clinic else {"clinic": None}
    return list(AccessEntry.objects.filter(action="refused", **of).order_by("pk"))


@pytest.mark.parametrize("proof", ["keyed", "tokened"])
def test_a_partner_brings_the_result(clinic: Clinic, proof: str, request: pytest.FixtureRequest) -> None:
    partner: Partner = request.getfixturevalue(proof)
    asked = elsewhere(clinic)
    body = result(asked["client_request_id"])
    assert partner.post(body)["status"] == "stored"
    assert partner.post(body)["status"] == "duplicate"
    ready = clinic.ready(asked)
    assert clinic.call("GET", f"notes/{ready['note']}")["title"] == "Visit"
    (kept,) = settled(clinic)
    assert kept.proven_by == {"keyed": "api_key", "tokened": "application"}[proof]
    assert kept.proven_id == kept.clinic_id
    sender = ApiKey if proof == "keyed" else AllowedApplication
    row = sender.objects.get(pk=str(kept.sender_id))
    assert row.last_used_at is not None
    entry = AccessEntry.objects.get(action="changed", mode="posted", clinic=kept.clinic)
    assert (entry.actor_id, entry.object_ids, entry.address) == (str(row.pk), [str(kept.pk)], "127.0.0.1")


def test_many_deliveries_at_once_are_one_result(clinic: Clinic, keyed: Partner) -> None:
    asked = elsewhere(clinic)
    body, said = result(asked["client_request_id"]), []
    threads = [threading.Thread(target=lambda: said.append(keyed.post(body)["status"])) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["duplicate"] * 11 + ["stored"]
    clinic.ready(asked)
    assert Note.objects.filter(clinic__slug=clinic.slug).count() == 1


def test_a_result_that_comes_before_its_request_waits_for_it(clinic: Clinic, keyed: Partner) -> None:
    name = f"later-{uuid4()}"
    keyed.post(result(name))
    (orphan,) = settled(clinic)
    assert orphan.state == "orphan"
    assert clinic.ready(elsewhere(clinic, name))["note"]
    assert settled(clinic)[0].state == "applied"


def test_orphans_and_requests_that_come_at_the_same_moment_find_each_other(clinic: Clinic, keyed: Partner) -> None:
    names = [f"race-{number}-{uuid4()}" for number in range(10)]
    sessions = [clinic.session() for _ in names]
    asked: list[Any] = []
    wish = {"submitted_elsewhere": True}
    for name, session in zip(names, sessions, strict=True):
        post = threading.Thread(target=keyed.post, args=(result(name),))
        post.start()
        asked.append(clinic.ask(session, client_request_id=name, **wish))
        post.join()
    for one in asked:
        clinic.ready(one)


def test_a_partner_of_one_clinic_reaches_no_other(
    new_clinic: Callable[[], Clinic], keyed: Partner, clinic: Clinic
) -> None:
    other = new_clinic()
    theirs = elsewhere(other)
    keyed.post(result(theirs["client_request_id"]))
    (kept,) = settled(clinic)
    assert (kept.state, kept.request_id) == ("orphan", None)
    assert other.request(theirs)["state"] == "waiting"
    assert not CallbackRow.objects.filter(clinic__slug=other.slug).exists()


def test_a_partner_may_not_answer_what_we_ask_ourselves(clinic: Clinic, keyed: Partner, sandbox: Any) -> None:
    sandbox.fault("callback_lost", times=1)
    asked = clinic.until(clinic.consult(), "waiting")
    keyed.post(result(asked["client_request_id"], "Forged"))
    assert settled(clinic)[0].state == "mismatch"
    assert clinic.request(asked)["state"] == "waiting"


def test_a_second_different_result_is_a_conflict(clinic: Clinic, keyed: Partner) -> None:
    asked = elsewhere(clinic)
    keyed.post(result(asked["client_request_id"]))
    clinic.ready(asked)
    keyed.post(result(asked["client_request_id"], "Another"))
    assert [row.state for row in settled(clinic, 2)] == ["applied", "conflict"]
    assert Note.objects.get(clinic__slug=clinic.slug).title == "Visit"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b"not json", "junk"),
        (b"", "junk"),
        (b"[]", "junk"),
        (b"\xff\xfe", "junk"),
        (result(None), "orphan"),
        (result("x" * 5000), "junk"),
        (result("\u0000"), "orphan"),
    ],
)
def test_whatever_a_partner_sends_is_kept_and_shown(clinic: Clinic, keyed: Partner, body: bytes, state: str) -> None:
    assert keyed.post(body)["status"] == "stored"
    (kept,) = settled(clinic)
    assert (kept.state, bytes(kept.body or b"")) == (state, body)


# --- Who is turned away
def test_without_a_proof_nothing_is_stored(clinic: Clinic) -> None:
    before = CallbackRow.objects.count()
    url = f"{clinic.door_url}/callbacks/nabla"
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Basic bHA6eA=="}, {"Authorization": "Bearer lp_x"}):
        response = requests.post(url, data=result("x"), headers=headers, timeout=10)
        assert response.status_code == 401
        assert set(response.json()) == {"error"}
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert CallbackRow.objects.count() == before


def test_two_authorization_headers_prove_nothing(clinic: Clinic, keyed: Partner) -> None:
    proof = f"Authorization: Bearer {keyed.token}\r\n"
    body = result("x")
    answer = raw(keyed.url, f"{proof}{proof}Connection: close\r\nContent-Length: {len(body)}", body)
    assert answer.startswith(b"HTTP/1.1 401")
    assert not CallbackRow.objects.filter(clinic__slug=clinic.slug).exists()


def test_a_key_that_may_not_post_is_told_so(clinic: Clinic) -> None:
    reader = Partner(clinic, a_key(row_of(clinic), "notes:read", "sessions:write"))
    said = reader.post(result("x"), 403)
    assert "callbacks:write" in said["error"]
    assert 'error="insufficient_scope"' in said["challenge"]
    refused = eventually(lambda: refusals(clinic))
    assert [(row.reason, row.actor_kind) for row in refused] == [("scope_missing", "api_key")]


def test_a_key_is_refused_the_moment_it_is_revoked(clinic: Clinic, keyed: Partner) -> None:
    keyed.post(result("x"))
    programs.revoke(ApiKey.objects.get(clinic__slug=clinic.slug, scopes=["callbacks:write"]), by=log.command())
    keyed.post(result("y"), 401)
    assert [row.reason for row in eventually(lambda: refusals(clinic))] == ["revoked"]


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("algorithm", {"forge": "none"}),
        ("algorithm", {"forge": "hs256_public_key"}),
        ("signature", {"forge": "bad_signature"}),
        ("signature", {"key": "other_issuer", "kid": "current"}),
        ("token_expired", {"lifetime": -3600}),
        ("not_yet_valid", {"not_before": 3600}),
        ("wrong_audience", {"claims": {"aud": "somebody-else"}}),
        ("unknown_issuer", {"claims": {"iss": "https://login.example"}}),
        ("malformed", {"forge": "huge"}),
    ],
)
def test_a_bad_token_is_refused_with_a_row_that_holds_none_of_it(
    clinic: Clinic, tokened: Partner, issuer: Issuer, reason: str, wanted: dict[str, Any]
) -> None:
    tokened.token = issuer.token(**wanted)
    said = tokened.post(result("x"), 401)
    assert set(said) == {"error", "challenge"}
    assert tokened.token[:40] not in json.dumps(said)
    assert eventually(lambda: [row for row in refusals() if row.reason == reason])
    assert not CallbackRow.objects.filter(clinic__slug=clinic.slug).exists()
    door = (clinic.log / "door.log").read_text()
    assert f"refused: {reason}" in door
    assert tokened.token[:40] not in door


def test_an_application_that_is_not_listed_is_told_so(clinic: Clinic, tokened: Partner, issuer: Issuer) -> None:
    tokened.token = issuer.token(claims={"aud": f"listenpost-{clinic.slug}", "azp": "somebody-else"})
    assert "allow list" in tokened.post(result("x"), 401)["error"]


def test_an_issuer_that_cannot_be_reached_is_no_refusal(clinic: Clinic, tokened: Partner, issuer: Issuer) -> None:
    tokened.post(result("x"))
    audience = f"listenpost-{clinic.slug}"
    issuer.rotate(keep_old=True)
    fresh = issuer.token(claims={"aud": audience})
    issuer.fault("down")
    tokened.post(result("y"))  # its key is known
    known, tokened.token = tokened.token, fresh
    tokened.post(result("z"), 503)
    issuer.mend()
    body, proof = result("z"), {"Authorization": f"Bearer {fresh}"}
    eventually(lambda: requests.post(tokened.url, data=body, headers=proof, timeout=10).ok, within=60)
    tokened.token = known
    assert tokened.post(body)["status"] == "duplicate"


def test_a_partner_that_posts_more_than_its_limit_is_told_when_to_come_back(clinic: Clinic, stack: Stack) -> None:
    partner = Partner(clinic, a_key(row_of(clinic), "callbacks:write"))
    key = ApiKey.objects.get(prefix=partner.token.split("_")[1])
    broker = redis.Redis.from_url(stack.env["REDIS_URL"])
    partner.post(result("one"))
    (counter,) = broker.scan_iter(f"listenpost:rate*{key.pk}*")
    broker.set(counter, 10_000_000, keepttl=True)
    response = requests.post(partner.url, data=b"{}", headers={"Authorization": f"Bearer {partner.token}"}, timeout=10)
    assert (response.status_code, set(response.json())) == (429, {"error"})
    assert 0 < int(response.headers["Retry-After"]) <= 60
    broker.delete(counter)
    partner.post(result("two"))
    broker.close()


# --- Links and downloads
def test_the_link_a_worker_hands_out_and_its_use_are_in_the_access_log(clinic: Clinic) -> None:
    clinic.ready(clinic.consult())
    audio = Audio.objects.get(clinic__slug=clinic.slug)
    of_audio = AccessEntry.objects.filter(object_type="audio", object_ids=[str(audio.pk)])
    linked, fetched = of_audio.get(action="linked"), of_audio.get(action="read")
    key = ApiKey.objects.get(clinic__slug=clinic.slug)
    assert (linked.actor_kind, linked.actor_id, linked.mode) == ("worker", "submission", "file")
    assert linked.on_behalf_of == f"api_key:{key.pk}"
    assert (fetched.actor_kind, fetched.mode, fetched.address) == ("vendor", "file", "127.0.0.1")


def test_each_download_is_in_the_access_log_and_not_each_of_its_ranges(clinic: Clinic, sandbox: Sandbox) -> None:
    sandbox.fault("callback_lost", times=1)
    asked = clinic.until(clinic.consult(), "waiting")
    url = eventually(lambda: sandbox.seen(asked["client_request_id"]))["body"]["file_url"]
    audio = Audio.objects.get(clinic__slug=clinic.slug)
    reads = AccessEntry.objects.filter(object_ids=[str(audio.pk)], action="read")
    eventually(lambda: reads.count() == 1, what="the vendor's own")
    on = [("bytes=100-199", 3)] * 12  # the door's processes take turns at them
    for asked_for, count in [(None, 2), ("bytes=0-99", 3), *on, ("bytes=-5", 3), (None, 4)]:
        requests.get(url, headers={"Range": asked_for} if asked_for else {}, timeout=10).raise_for_status()
        assert reads.count() == count, asked_for
    requests.head(url, timeout=10).raise_for_status()
    assert reads.count() == 4
