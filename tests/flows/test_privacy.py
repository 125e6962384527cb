"""The main flow with phrases that must not be found anywhere but where they belong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from access.models import Clinic as ClinicRow
from access.models import Membership
from tests.access.issuer import Issuer
from tests.factories import PASSWORD, MembershipFactory
from tests.feed.subscriber import Subscriber
from tests.flows.clinic import Clinic, Sandbox, eventually, wav
from tests.flows.conftest import Stack
from tests.flows.test_partners import Partner, allow, elsewhere, result
from tests.flows.test_webhooks import Webhooks
from tests.flows.written import AT_HOME, Overheard, columns_with, found_in
from tests.rest.api import a_key

pytestmark = pytest.mark.usefixtures("rows")
PHRASE = "marmaladehorizon"
NAME = "Ottoline Fennimore"


def test_a_patients_words_and_our_secrets_stay_where_they_belong(
    stack: Stack, clinic: Clinic, sandbox: Sandbox, issuer: Issuer, overheard: Overheard, there: Subscriber
) -> None:
    of_webhooks = a_webhook(clinic, there)
    note = {"title": PHRASE, "sections": [{"key": "PLAN", "title": PHRASE, "text": f"{NAME} takes {PHRASE}."}]}
    answer: dict[str, Any] = {"transcript": [{"text": f"I said {PHRASE}.", "speaker": "patient"}], "note": note}
    sandbox.fault("callback_body", body=answer, times=1)
    session = opened_under_a_key(clinic)
    clinic.upload(session, wav())
    request = clinic.ready(clinic.ask(session))
    seen = eventually(lambda: sandbox.seen(request["client_request_id"]))
    tickets = [seen["body"][link].rpartition("/")[2] for link in ("callback_url", "file_url")]
    clinic.call("GET", f"notes/{request['note']}")
    clinic.call("GET", f"notes?q={PHRASE}&include=sections,transcript")
    refuse(clinic, seen["body"]["callback_url"])
    partners = [*partner_posts(clinic, issuer), *refused_tokens(clinic, issuer)]
    cookie = read_in_the_admin(clinic, request["note"])
    eventually(lambda: {"note.created", "request.ready"} <= {asked.json()["type"] for asked in there.asked})

    words = [PHRASE, NAME]
    secrets = [*tickets, *partners, *of_webhooks, clinic.key, cookie]
    secrets += ["sandbox-nabla-key", PASSWORD, stack.env["METRICS_TOKEN"]]
    assert {"feed_event.data", "feed_delivery.kind", "access_keptanswer.answer"} <= columns_with("")
    for word in words:
        assert "ingest_callback.body" in columns_with(word)
        assert columns_with(word) <= AT_HOME
    for secret in secrets:
        assert columns_with(secret) - {"django_session.session_key"} == set()
    for asked in there.asked:
        assert not found_in(repr(asked).encode(), words + secrets)
    for log in sorted(stack.folder.glob("log/*.log")):
        if log.name != "sandbox.log":  # the vendor's own
            assert not found_in(log.read_bytes(), words + secrets), log.name
    for url in (clinic.base_url, clinic.door_url):
        assert not found_in(metrics(stack, url), words + secrets)
    assert b"ingest.process" in overheard.heard
    assert not found_in(bytes(overheard.heard), words + secrets)


@pytest.fixture
def there() -> Iterator[Subscriber]:
    with Subscriber() as server:
        yield server


def a_webhook(clinic: Clinic, there: Subscriber) -> list[str]:
    """Makes one and changes its secret, each twice under one key; gives the secrets, and the proof of who did so."""
    webhooks, keyed = Webhooks(clinic), {"headers": {"Idempotency-Key": PHRASE}}
    made, _ = (webhooks.ask("POST", "", 201, json={"url": there.hook}, **keyed) for _ in range(2))
    keyed["headers"] = {"Idempotency-Key": NAME.replace(" ", "-")}
    changed, again = (webhooks.ask("POST", f"/{made['id']}/secret", 200, json={}, **keyed) for _ in range(2))
    assert changed == again != made["secret"]
    proof = str(webhooks.http.headers["Authorization"]).removeprefix("Bearer ")
    return [made["secret"].removeprefix("whsec_"), changed["secret"].removeprefix("whsec_"), proof]


def opened_under_a_key(clinic: Clinic) -> str:
    """A session of a patient, whose answer is kept and given once more."""
    body = {"kind": "ambient", "language": "en-US", "consent": True, "patient_ref": f"{NAME} {PHRASE}"}
    keyed = {"headers": {"Idempotency-Key": PHRASE}, "json": body}
    first, again = (clinic.call("POST", "sessions", 201, **keyed) for _ in range(2))
    assert first == again
    return str(first["id"])


def metrics(stack: Stack, url: str) -> bytes:
    headers = {"Authorization": f"Bearer {stack.env['METRICS_TOKEN']}"}
    answer = requests.get(f"{url}/metrics", headers=headers, timeout=10)
    assert answer.status_code == 200
    assert b"listenpost_" in answer.content
    return answer.content


def refuse(clinic: Clinic, callback_url: str) -> None:
    """Junk, failures and refusals that carry the phrase: their error columns and log lines must not."""
    for body in (f'{{"transcript": "{PHRASE}"}}', PHRASE, f'{{"error_code": 422, "error_message": "{PHRASE}"}}'):
        requests.post(callback_url, data=body.encode(), timeout=10)
    requests.post(f"{callback_url}x", data=PHRASE, timeout=10)
    bad = {"kind": PHRASE, "language": PHRASE, "consent": PHRASE}
    problem = clinic.call("POST", "sessions", 422, json=bad)
    assert PHRASE not in json.dumps(problem)


def partner_posts(clinic: Clinic, issuer: Issuer) -> list[str]:
    """Results by both kinds of proof, the phrase in them; gives the proofs."""
    row, audience = ClinicRow.objects.get(slug=clinic.slug), f"listenpost-{clinic.slug}"
    allow(clinic, issuer, audience)
    proofs = [a_key(row, "callbacks:write"), issuer.token(claims={"aud": audience})]
    for proof in proofs:
        asked = elsewhere(clinic)
        Partner(clinic, proof).post(result(asked["client_request_id"], PHRASE))
        clinic.ready(asked)
    return proofs


def refused_tokens(clinic: Clinic, issuer: Issuer) -> list[str]:
    """Proofs that do not hold, at the door and at REST."""
    forged = [issuer.token(forge="bad_signature"), issuer.token(lifetime=-3600), f"lp_{'0' * 12}_{'Q' * 60}"]
    for token in forged:
        Partner(clinic, token).post(PHRASE.encode(), 401)
        headers = {"Authorization": f"Bearer {token}"}
        refused = requests.get(f"{clinic.base_url}/api/v1/notes", headers=headers, timeout=10)
        assert refused.status_code == 401
        assert token not in refused.text + str(refused.headers)
    return forged


def read_in_the_admin(clinic: Clinic, note: str) -> str:
    """Somebody types the password where the name belongs, then signs in and reads; gives the session's cookie."""
    row = ClinicRow.objects.get(slug=clinic.slug)
    person = MembershipFactory(clinic=row, role=Membership.Role.MANAGER).user
    browser = requests.Session()
    page = f"{clinic.base_url}/admin/login/"
    send = sign_in(browser, page)
    assert send(PASSWORD, person.username).status_code in (200, 429)
    assert send(person.username, PASSWORD).status_code == 302
    shown = browser.get(f"{clinic.base_url}/admin/notes/note/{note}/change/", timeout=10)
    assert shown.status_code == 200
    assert PHRASE in shown.text
    for path in ("notes/note/", "ingest/callback/", "ingest/asyncrequest/", "access/accessentry/"):
        assert NAME not in browser.get(f"{clinic.base_url}/admin/{path}", timeout=10).text
    cookies = {cookie.name.removeprefix("__Host-"): str(cookie.value) for cookie in browser.cookies}
    return cookies["sessionid"]


def sign_in(browser: requests.Session, page: str) -> Callable[[str, str], requests.Response]:
    def send(username: str, password: str) -> requests.Response:
        browser.get(page, timeout=10)
        form = {"username": username, "password": password, "csrfmiddlewaretoken": str(browser.cookies["csrftoken"])}
        return browser.post(page, data=form, headers={"Referer": page}, allow_redirects=False, timeout=10)

    return send
