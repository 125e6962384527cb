"""Whatever goes wrong under /api/ is told in a problem document."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import clear_url_caches, path
from django.views.decorators.csrf import csrf_protect
from rest_framework.views import APIView

from config import urls
from tests.rest.api import Api, assert_problem


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize(
    "address", ["/api/", "/api/v1/", "/api/v1/patients", "/api/v1/sessions/", "/api/v2/notes", "/api/%00"]
)
def test_an_unknown_address_is_a_problem(db: None, method: str, address: str) -> None:
    assert_problem(Client().generic(method, address), 404)


@pytest.mark.parametrize(("method", "address"), [("POST", "/api/v1/sessions/"), ("DELETE", "/api/nothing")])
def test_an_unknown_address_asks_for_no_forms_token(method: str, address: str) -> None:
    assert_problem(Client(enforce_csrf_checks=True).generic(method, address), 404)


def test_pages_elsewhere_are_pages(db: None) -> None:
    response = Client().get("/nowhere")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_an_address_does_not_take_is_a_problem(api: Api, method: str) -> None:
    response = api.send(method, "sessions", b"{}")
    assert_problem(response, 405)
    assert "POST" in response["Allow"]


@pytest.mark.parametrize(
    ("address", "accepted", "status"),
    [
        ("/api/schema", "*/*", 405),
        ("/api/schema", "application/yaml", 405),
        ("/api/schema", "text/html", 406),
        ("/api/docs", "*/*", 405),
        ("/api/docs", "application/json", 406),
    ],
)
def test_a_problem_is_json_also_where_other_formats_are_answered(address: str, accepted: str, status: int) -> None:
    assert_problem(Client(headers={"Accept": accepted}).post(address), status)


def test_an_answer_in_another_format_cannot_be_had(api: Api) -> None:
    assert_problem(api.get("sessions", headers={"Accept": "text/html"}), 406)


def test_an_untrusted_host_is_a_problem(api: Api) -> None:
    assert_problem(api.get("sessions", headers={"Host": "evil.example"}), 400)


def test_a_request_id_is_taken_over_when_it_is_plain(api: Api) -> None:
    given = "0123-abcd-4567"
    assert assert_problem(api.get("nothing", headers={"X-Request-ID": given}), 404)["request_id"] == given
    assert assert_problem(api.get("nothing", headers={"X-Request-ID": "a b"}), 404)["request_id"] != "a b"


CANARY = "the patient said so"


class Broken(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Any) -> None:
        raise RuntimeError(CANARY)

    def post(self, request: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(5)")


@csrf_protect
def form(request: Any) -> HttpResponse:
    return HttpResponse("done")


def broken_plainly(request: Any) -> HttpResponse:
    raise RuntimeError(CANARY)


def without_database(request: Any) -> HttpResponse:
    raise OperationalError(CANARY)


@pytest.fixture
def broken(db: None) -> Iterator[Api]:
    added = [path("api/broken", Broken.as_view()), path("api/plain", broken_plainly), path("plain", broken_plainly)]
    added += [path("api/gone", without_database), path("api/form", form), path("form", form)]
    urls.urlpatterns[:0] = added
    clear_url_caches()
    yield Api()
    del urls.urlpatterns[: len(added)]
    clear_url_caches()


@pytest.mark.parametrize("address", ["/api/broken", "/api/plain"])
def test_a_fault_of_ours_tells_nothing_and_is_logged(
    broken: Api, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = broken.get(address)
    assert_problem(response, 500)
    assert CANARY.encode() not in response.content
    records = [record for record in caplog.records if record.name == "config.problems"]
    assert [record.getMessage() for record in records] == ["unexpected RuntimeError"]
    assert records[0].levelno == logging.ERROR


def test_a_fault_elsewhere_is_a_page_and_is_logged(broken: Api, caplog: pytest.LogCaptureFixture) -> None:
    response = broken.get("/plain")
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (500, "text/html")
    assert "unexpected RuntimeError" in caplog.messages


@pytest.mark.parametrize(("method", "address"), [("POST", "/api/broken"), ("GET", "/api/gone")])
def test_a_database_that_does_not_answer_is_unavailable(broken: Api, method: str, address: str) -> None:
    response = broken.send(method, address)
    assert CANARY not in assert_problem(response, 503)["detail"]
    assert response["Retry-After"] == "5"


def test_a_database_that_refuses_to_write_is_unavailable(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    response = api.post("sessions", {"kind": "ambient", "language": "en-US", "consent": True})
    assert_problem(response, 503)
    assert response["Retry-After"] == "5"
    assert "the database refused: ReadOnlySqlTransaction" in caplog.messages


def test_a_form_without_its_token_is_refused_where_it_was_sent(broken: Api) -> None:
    client = Client(enforce_csrf_checks=True)
    assert_problem(client.post("/api/form"), 403)
    page = client.post("/form")
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (403, "text/html")
    assert b"Nothing was changed." in page.content


def test_the_log_does_not_repeat_where_a_form_was_sent(broken: Api) -> None:
    written = StringIO()
    handler = logging.StreamHandler(written)  # caplog would also listen where nothing is written
    logging.getLogger().addHandler(handler)
    try:
        assert Client(enforce_csrf_checks=True).post("/form").status_code == 403
    finally:
        logging.getLogger().removeHandler(handler)
    assert "/form" not in written.getvalue()
