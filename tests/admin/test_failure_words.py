"""Whatever a request ends with is told in words, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from access.models import Clinic
from config.installation import ROOT
from ingest import progress
from ingest.admin import telling
from ingest.models import AsyncRequest
from tests.admin.rows import page_of
from tests.factories import AsyncRequestFactory, SubmissionFactory
from vendors.base import VendorError
from vendors.dragon import refusals as dragon
from vendors.dragon.configuration import Configuration
from vendors.nabla import client, wire
from vendors.suki import refusals

#: Where a request's failure gets its code.
SOURCES = [f"ingest/{name}.py" for name in ("submission", "models/account", "sound", "questions")]
SOURCES += [str(path.relative_to(ROOT)) for path in sorted(Path(ROOT, "vendors").rglob("*.py"))]
TO_DO = re.compile(
    r"\b(?:ask|check|connect|enter|send|tell|upload|wait|retry|it is (?:asked|tried|taken up) again|nothing needs)\b",
    re.IGNORECASE,
)
#: Codes whose words do not stand before them: see `dragons`.
MADE_ELSEWHERE = ("language_refused",)


def raised() -> Iterator[tuple[str, str]]:
    """Each code that is raised somewhere, with the words that stand before it."""
    for source in SOURCES:
        text = Path(ROOT, source).read_text()
        for found in re.finditer(r'code="([a-z_]+)"', text):
            yield found[1], text[max(0, found.start() - 400) : found.start()]


def nablas() -> Iterator[str]:
    yield from (words for _, words in client.REFUSALS.values())
    for codes in client.CODES_THAT_SAY_MORE.values():
        yield from codes.values()
    for code in (*wire.ERROR_WORDS, 12345, "no code"):
        failure = wire.parse(b'{"error_code": "%s"}' % str(code).encode()).failure
        assert failure
        yield failure.message


def sukis() -> Iterator[str]:
    yield from (words for _, words in (*refusals.BY_ID.values(), *refusals.BY_STATUS.values()))


def dragons() -> Iterator[str]:
    yield from (words for _, words in (*dragon.BY_STATUS.values(), *dragon.CLOSED.values()))
    yield from (dragon.by_status(status).message for status in (302, 418, 429, 503))
    yield dragon.NOT_ALLOWED
    with pytest.raises(VendorError) as refused:
        Configuration(languages=frozenset({"de-DE"})).obey("en-US", 60_000)
    yield refused.value.message


@pytest.mark.parametrize("words", sorted({*nablas(), *sukis(), *dragons()}))
def test_what_a_vendor_says_comes_with_what_to_do(words: str) -> None:
    assert words.endswith(".")
    assert TO_DO.search(words)


@pytest.mark.parametrize(("code", "before"), sorted(one for one in set(raised()) if one[0] not in MADE_ELSEWHERE))
def test_every_failure_on_the_way_has_something_to_be_done(code: str, before: str) -> None:
    assert TO_DO.search(telling.REMEDIES.get(code) or before)


def test_no_remedy_is_for_a_code_that_is_gone() -> None:
    assert set(telling.REMEDIES) <= {code for code, _ in raised()}


OF_SESSIONS = [*dragon.BY_STATUS.values(), *refusals.BY_STATUS.values(), *client.REFUSALS.values()]
NAMING_RETRY = [(code, words) for code, words in OF_SESSIONS if "Retry" in words]


@pytest.mark.parametrize(("code", "words"), [*NAMING_RETRY, ("session_taken", progress.TAKEN)])
def test_a_reason_that_names_retry_as_the_remedy_is_not_contradicted(
    viewer: Client, clinic: Clinic, code: str, words: str
) -> None:
    asked = {"failure_code": code, "failure_message": words, "failure_retryable": False}
    failed = AsyncRequestFactory(session__clinic=clinic, failed=True, **asked)
    SubmissionFactory(request=failed)
    assert telling.story(failed, failed.current_submission) == words
    AsyncRequest.objects.update(failure_message="The vendor did not accept the key. Check it.")
    assert "Put the cause right first, then Retry" in viewer.get(page_of(failed)).content.decode()


@pytest.mark.parametrize("code", sorted(telling.REMEDIES))
def test_the_page_says_what_to_do(viewer: Client, clinic: Clinic, code: str) -> None:
    failed = AsyncRequestFactory(session__clinic=clinic, failed=True, failure_code=code)
    again = AsyncRequestFactory(session__clinic=clinic)
    SubmissionFactory(request=failed)
    SubmissionFactory(request=again, attempts=1, error_code=code, error_message="It broke")
    for request in (failed, again):
        assert telling.REMEDIES[code] in viewer.get(page_of(request)).content.decode()
