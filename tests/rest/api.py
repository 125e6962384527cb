"""A REST client as an EHR would be one, and what every refusal must look like."""

from __future__ import annotations

import json
from typing import Any, Self

from django.test import Client

from access import keys, log
from access.models import Clinic, Scope

V1 = "/api/v1"


def a_key(clinic: Clinic, *scopes: str, **facts: Any) -> str:
    """A new API key of the clinic; with every scope when none is named."""
    return keys.create(clinic, name="a program", scopes=scopes or Scope.values, by=log.command(), **facts)[1]


class Api:
    """Bodies that are not bytes are sent as JSON. Paths are below /api/v1/, links are taken whole."""

    def __init__(self, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(headers=headers, raise_request_exception=False)

    @classmethod
    def of(cls, clinic: Clinic, *scopes: str) -> Self:
        """With a new key of the clinic; with every scope when none is named."""
        return cls(a_key(clinic, *scopes))

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        content_type = options.pop("content_type", "application/json")
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith(("/", "http")) else f"{V1}/{path}"
        return self.client.generic(method, url, data, content_type=content_type, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: bytes, **options: Any) -> Any:
        return self.send("PUT", path, body, **options)

    def ids(self, path: str) -> list[str]:
        """Of the rows of a list's page."""
        response = self.get(path)
        assert response.status_code == 200, response.content
        return ids(response.json())


def ids(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["results"]]


def assert_problem(response: Any, status: int, *fields: str) -> dict[str, Any]:
    """It is a whole problem document of this status, and its errors name just these fields."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(response.content)
    assert document["type"].startswith("/problems/")
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response["X-Request-ID"]
    assert {error["field"] for error in document.get("errors", [])} == set(fields)
    assert all(error["code"] and error["detail"] for error in document.get("errors", []))
    return document
