from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.models import ApiKey, Clinic, Scope
from tests.rest.api import Api, a_key, assert_problem

ROUTES = [
    *[("GET", path) for path in ("sessions", "requests", "transcripts", "notes")],
    *[
        ("GET", f"{path}/00000000-0000-0000-0000-000000000000")
        for path in ("sessions", "requests", "transcripts", "notes")
    ],
    ("POST", "sessions"),
    ("PUT", "sessions/00000000-0000-0000-0000-000000000000/audio"),
    ("POST", "sessions/00000000-0000-0000-0000-000000000000/requests"),
    ("POST", "requests/00000000-0000-0000-0000-000000000000/retry"),
    ("POST", "requests/00000000-0000-0000-0000-000000000000/cancel"),
]
NEEDED = {"sessions": "sessions:read", "requests": "sessions:read", "transcripts": "notes:read", "notes": "notes:read"}


@pytest.fixture
def token(clinic: Clinic) -> str:
    return a_key(clinic)


def assert_stranger(header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = Client(headers=headers).get("/api/v1/notes")
    assert_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_is_open_without_a_key(method: str, path: str) -> None:
    response = Api().send(method, path, b"{}")
    assert_problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_key_opens_the_door(token: str) -> None:
    for scheme in ("Bearer", "bearer", "BEARER "):
        assert Client(headers={"Authorization": f"{scheme} {token}"}).get("/api/v1/notes").status_code == 200


def test_anything_else_in_the_header_opens_nothing(token: str) -> None:
    prefix, secret = token.split("_")[1], token.split("_", 2)[2]
    wrong = [
        None,
        "",
        "Bearer",
        "Bearer ",
        token,
        f"Basic {token}",
        f"Bearer {token} {token}",
        f"Bearer {token}, Bearer {token}",
        f"Bearer {token},",
        f"Bearer {token}\u00e9",
        f"Bearer {token}\0",
        f"Bearer {token}x",
        f"Bearer {token[:-1]}",
        f"Bearer {token.swapcase()}",
        f"Bearer lp_{prefix}_{'A' * 60}",
        f"Bearer lp_{'0' * 12}_{secret}",
        f"Bearer lp__{secret}",
        f"Bearer {'x' * 8000}",
        "Bearer lp_",
        "Bearer ' OR 1=1 --",
    ]
    for header in wrong:
        assert_stranger(header)


def test_a_revoked_key_opens_nothing(token: str) -> None:
    ApiKey.objects.update(revoked_at=timezone.now())
    assert_stranger(f"Bearer {token}")


def test_an_expired_key_opens_nothing(token: str) -> None:
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert Api(token).get("notes").status_code == 200
    ApiKey.objects.update(expires_at=timezone.now())
    assert_stranger(f"Bearer {token}")


def test_a_signed_in_person_is_no_program(token: str, admin_client: Client) -> None:
    assert_problem(admin_client.get("/api/v1/notes"), 401)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_each_route_needs_its_scope(clinic: Clinic, method: str, path: str) -> None:
    needed = NEEDED[path.split("/")[0]] if method == "GET" else "sessions:write"
    implying = {needed} | ({"sessions:write"} if needed == "sessions:read" else set())
    others = [scope for scope in Scope.values if scope not in implying]
    problem = assert_problem(Api.of(clinic, *others).send(method, path, b"{}"), 403)
    assert needed in problem["detail"]
    for scope in implying:
        assert Api.of(clinic, scope).send(method, path, b"{}").status_code not in (401, 403)


def test_a_key_is_noted_as_used_at_most_once_a_minute(token: str) -> None:
    api = Api(token)
    api.get("notes")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    api.get("notes")
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    api.get("notes")
    latest = ApiKey.objects.get().last_used_at
    assert latest
    assert latest > first
