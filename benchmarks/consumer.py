"""A program that reads over REST with a key, on one connection; and the same without HTTP between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

import orjson

from benchmarks import place


class Consumer:
    def __init__(self, url: str, token: str) -> None:
        self.url, self.token, self.host = url, token, urlsplit(url).netloc
        self.connection = HTTPConnection(self.host, timeout=60)

    def get(self, path: str) -> Any:
        """What is shown there, read."""
        try:
            return self.ask(path)
        except RemoteDisconnected:  # after ten seconds in which nobody asked; the next is on a new connection
            return self.ask(path)

    def ask(self, path: str) -> Any:
        self.connection.request("GET", f"/api/v1/{path}", headers={"Authorization": f"Bearer {self.token}"})
        with self.connection.getresponse() as answer:
            return shown(path, answer.status, answer.read())

    def pages(self, path: str) -> Iterator[list[Any]]:
        """The rows of every page from there on, to the end."""
        while path:
            page = self.get(path)
            yield page["results"]
            path = following(page)


class Within(Consumer):
    """Asks Django in this very process, on the database that it is set up for."""

    def ask(self, path: str) -> Any:
        from config.wsgi import application

        address, _, query = path.partition("?")
        environ = {"HTTP_HOST": self.host, "HTTP_AUTHORIZATION": f"Bearer {self.token}", "REMOTE_ADDR": place.HOST}
        environ |= {"PATH_INFO": f"/api/v1/{address}", "QUERY_STRING": query}
        setup_testing_defaults(environ)
        said: list[str] = []
        answer: Any = application(environ, lambda status, headers, error=None: said.append(status))
        with closing(answer):
            return shown(path, int(said[0][:3]), b"".join(answer))


def following(page: Any) -> str:
    """The path of the next page; empty after the last."""
    url = urlsplit(page["next"] or "")
    return f"{url.path.removeprefix('/api/v1/')}?{url.query}" if url.path and page.get("has_more", True) else ""


def shown(path: str, status: int, body: bytes) -> Any:
    if status != 200:
        raise RuntimeError(f"{path.partition('?')[0]} answered {status}")
    return orjson.loads(body)
