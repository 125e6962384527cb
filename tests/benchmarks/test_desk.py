"""How the desk's pages are measured: both clinics in turn, page by page, and by the rounds' own ratios."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import timedelta

import pytest
import requests

from benchmarks.desk import HEADER, WARMING, Visit, Visits, lines, measure, row


def answer(seconds: float, statements: int = 1, status: int = 200) -> requests.Response:
    response = requests.Response()
    response.status_code, response.elapsed = status, timedelta(seconds=seconds)
    response.headers[HEADER], response.raw = str(statements), io.BytesIO(b"a page")
    return response


def asking(name: str, asked: list[str], *answers: requests.Response) -> Visit:
    def ask() -> Sequence[requests.Response]:
        asked.append(name)
        return answers

    return ask


def test_each_page_is_asked_of_both_in_turn_and_neither_is_always_first() -> None:
    asked: list[str] = []
    few = {"a page": asking("few", asked, answer(0.01))}
    many = {"a page": asking("many", asked, answer(0.02))}
    (found,) = measure(few, many, rounds=2)
    assert len(asked) == 2 * (WARMING + 2)
    pairs = [tuple(asked[at : at + 2]) for at in range(0, len(asked), 2)]
    assert set(pairs) == {("few", "many"), ("many", "few")}
    assert (found["ratio"], found["p50_few"], found["p50_many"]) == (2.0, 10.0, 20.0)


def test_the_form_and_the_list_that_it_leads_to_count_as_one() -> None:
    visits = Visits()
    visits.note([answer(0.01, 5, status=302), answer(0.03, 9)])
    assert (visits.took, visits.statements, visits.size) == ([0.04], 14, 12)


def test_a_page_that_fails_is_no_fast_page() -> None:
    with pytest.raises(requests.HTTPError):
        Visits().note([answer(0.001, status=500)])


def test_one_round_in_which_the_machine_was_busy_changes_no_ratio() -> None:
    few, many = Visits([0.01, 0.01, 0.9]), Visits([0.012, 0.012, 1.0])
    assert row("a page", few, many)["ratio"] == 1.2


def test_what_is_slower_than_wanted_is_named_and_apart_what_shows_more() -> None:
    quick, slow, fuller = (
        Visits([0.01] * 3, size=9000),
        Visits([0.016] * 3, size=9000),
        Visits([0.016] * 3, size=40_000),
    )
    pages = [row(name, quick, many) for name, many in {"quick": quick, "slow": slow, "fuller": fuller}.items()]
    *_, slower, shows_more = lines({"few": 10, "count": 1000, "pages": pages})
    assert slower == "more than 1.5 times as slow: slow"
    assert shows_more == "the same, with more rows to show: fuller"
