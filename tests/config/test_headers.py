"""What browsers are told with every answer: where scripts and forms may come from, that nothing is kept, and https."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from pytest_django import Settings

from access.models import Clinic
from config import urls
from config.installation import ROOT
from tests.admin.signin import LOGIN, Browser
from tests.factories import MembershipFactory, NoteFactory, UserFactory
from tests.rest.api import Api

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
INLINE = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE)


def assert_guarded(response: Any) -> None:
    directives = response["Content-Security-Policy"].split("; ")
    assert dict(directive.split(" ", 1) for directive in directives) == POLICY
    assert {name: response[name] for name in ALWAYS} == ALWAYS
    assert "camera=()" in response["Permissions-Policy"]
    if "html" in response.get("Content-Type", ""):
        assert not INLINE.findall(response.content.decode())


def assert_not_kept(response: Any) -> None:
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))


# --- Every address


def addresses(patterns: list[Any], at: str = "/") -> Iterator[str]:
    for pattern in patterns:
        place = at + example(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, place)
        elif isinstance(pattern, URLPattern):
            yield place


def example(route: str) -> str:
    """An address that the route takes."""
    route = re.sub(r"<uuid:\w+>", str(uuid4()), route)
    route = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route)
    route = re.sub(r"\(\?P<url>\.\*\)", "nothing", route)
    return re.sub(r"<[^>]+>", "1", route).strip("^$").replace("$", "")


EVERY = sorted(set(addresses(get_resolver("config.urls").url_patterns)))


def test_the_walk_finds_pages_of_every_kind() -> None:
    assert {"/admin/login/", "/admin/second-factor/", "/api/docs", "/api/v1/notes", "/"} <= set(EVERY)
    assert len(EVERY) > 80


@pytest.mark.parametrize("address", EVERY)
def test_every_answer_is_guarded(db: None, clinic: Clinic, address: str) -> None:
    api, operator = Api.of(clinic), Client(raise_request_exception=False)
    operator.force_login(UserFactory(is_superuser=True))
    for answer in (Client().get(address), operator.get(address), operator.post(address), api.get(address)):
        assert_guarded(answer)
        if address.startswith(("/admin/", "/api/v1/")):
            assert_not_kept(answer)


def test_pages_with_words_are_guarded_and_not_kept(clinic: Clinic) -> None:
    note = NoteFactory(request__session__clinic=clinic)
    desk = Client()
    desk.force_login(MembershipFactory(clinic=clinic).user)
    for page in (f"/admin/notes/note/{note.pk}/change/", "/admin/notes/note/", "/admin/", "/admin/password_change/"):
        answer = desk.get(page)
        assert answer.status_code == 200
        assert_guarded(answer)
        assert_not_kept(answer)
    answer = Api.of(clinic).get(f"notes/{note.pk}")
    assert (answer.status_code, "hurts" in answer.content.decode()) == (200, True)
    assert_guarded(answer)
    assert_not_kept(answer)


# --- Every error


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


def is_bad(request: HttpRequest) -> HttpResponse:
    raise BadRequest


def is_denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


failing = {"admin/fails/": fails, "api/v1/fails": fails, "bad/": is_bad, "denied/": is_denied}
urlpatterns = [*(path(route, view) for route, view in failing.items()), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/admin/fails/", 500),
        ("/api/v1/fails", 500),
        ("/bad/", 400),
        ("/denied/", 403),
        ("/nothing", 404),
        ("/api/v1/nothing", 404),
        ("/healthz", 200),
        ("/static/nothing.css", 404),
    ],
)
def test_every_error_is_guarded(db: None, settings: Settings, address: str, status: int) -> None:
    settings.ROOT_URLCONF = __name__
    answer = Client(raise_request_exception=False).get(address)
    assert answer.status_code == status
    if address != "/healthz":  # answered before anything else, to probes
        assert_guarded(answer)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"]


def test_a_refused_form_a_refused_host_and_a_lock_are_guarded(db: None) -> None:
    answers = [Browser().post(LOGIN, {}), Client().get("/admin/", headers={"Host": "evil.example"})]
    answers += [Browser().sign_in("nobody", "x") for _ in range(5)][-1:]
    assert [answer.status_code for answer in answers] == [403, 400, 429]
    for answer in answers:
        assert_guarded(answer)


def test_an_answer_from_before_django_is_guarded_against_guessing_its_type() -> None:
    from config.web import refuse

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async_to_sync(refuse)(send, 413, "The body is larger than this address takes.")
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]


# --- Under https

PROBE = """
import json, django
django.setup()
from django.conf import settings
from django.test import Client
host = {"Host": "scribe.example"}
plain, safe = Client(headers=host).get("/admin/login/"), Client(headers=host).get("/admin/login/", secure=True)
print(json.dumps({
    "to": plain["Location"], "policy": plain["Content-Security-Policy"], "hsts": safe["Strict-Transport-Security"],
    "cookie": safe.cookies.output(header=""), "session": settings.SESSION_COOKIE_NAME,
    "secure": settings.SESSION_COOKIE_SECURE, "http_only": settings.SESSION_COOKIE_HTTPONLY,
}))
"""


def probed(**env: str) -> dict[str, Any]:
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_under_https_cookies_are_bound_to_it_and_to_this_host() -> None:
    found = probed(PUBLIC_URL="https://scribe.example")
    assert found["to"] == "https://scribe.example/admin/login/"
    assert "default-src 'none'" in found["policy"]
    assert found["hsts"] == "max-age=31536000"
    cookie = SimpleCookie(found["cookie"])["__Host-csrftoken"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert (found["session"], found["secure"], found["http_only"]) == ("__Host-sessionid", True, True)


def test_subdomains_are_bound_where_the_operator_says_so_alone() -> None:
    for given, said in (("1", "max-age=31536000; includeSubDomains; preload"), ("0", "max-age=31536000")):
        assert probed(PUBLIC_URL="https://scribe.example", HSTS_SUBDOMAINS=given)["hsts"] == said


def test_the_sessions_cookie(db: None, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    browser = Browser()
    browser.sign_in(UserFactory().username)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert (cookie["max-age"], cookie["expires"]) == ("", "")  # it goes when the browser does
