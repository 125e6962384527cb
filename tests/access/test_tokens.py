"""Tokens of an issuer that really signs, rotates, fails and forges: who gets in, who does not, and what it costs."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import jwt
import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from access import issuers, log, programs, tokens
from access.issuers import Unreachable
from access.models import AccessEntry, AllowedApplication, Clinic, Scope, TrustedIssuer
from access.programs import NotAllowed, Refused
from tests.access.issuer import APPLICATION, AUDIENCE, Issuer, issuer  # noqa: F401 (a fixture)
from tests.factories import AllowedApplicationFactory, TrustedIssuerFactory
from tests.rest.api import Api, assert_problem


@pytest.fixture
def trusted(issuer: Issuer, db: None, monkeypatch: pytest.MonkeyPatch) -> TrustedIssuer:  # noqa: F811
    monkeypatch.setattr(programs.Trust, "DOUBTFUL_SECONDS", 0.0)  # the test before may have asked just now
    row: TrustedIssuer = TrustedIssuerFactory(url=issuer.url)
    return row


@pytest.fixture
def allowed(trusted: TrustedIssuer, clinic: Clinic) -> AllowedApplication:
    row: AllowedApplication = AllowedApplicationFactory(
        clinic=clinic, issuer=trusted, application_id=APPLICATION, audience=AUDIENCE
    )
    return row


@pytest.fixture
def post(issuer: Issuer, allowed: AllowedApplication) -> Issuer:  # noqa: F811
    """The issuer, trusted, with its application on the clinic's list."""
    return issuer


def refusal(token: str) -> str:
    with pytest.raises(Refused) as caught:
        programs.identify(token)
    return caught.value.code


def test_a_good_token_is_its_application_in_its_clinic(post: Issuer, allowed: AllowedApplication) -> None:
    found = programs.identify(post.token())
    assert found == allowed
    assert found.clinic == allowed.clinic


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
def test_every_asymmetric_algorithm_is_known(post: Issuer, algorithm: str) -> None:
    post.rotate(alg=algorithm)
    assert programs.identify(post.token(alg=algorithm))


@pytest.mark.parametrize("claim", ["azp", "appid", "sub"])
def test_any_of_three_claims_names_the_application(post: Issuer, claim: str) -> None:
    claims = {"azp": None, "appid": None, "sub": None, "client_id": None} | {claim: APPLICATION}
    assert programs.identify(post.token(claims=claims))


def test_the_most_exact_claim_counts(post: Issuer) -> None:
    assert refusal(post.token(claims={"azp": "somebody-else"})) == "not_allowed"
    assert programs.identify(post.token(claims={"sub": "a-service-principal"}))


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("algorithm", {"forge": "none"}),
        ("algorithm", {"forge": "none", "header": {"alg": "nOnE"}}),
        ("algorithm", {"forge": "hs256_public_key"}),
        ("algorithm", {"key": "symmetric"}),
        ("signature", {"forge": "bad_signature"}),
        ("signature", {"forge": "truncated"}),
        ("signature", {"forge": "embedded_jwk"}),
        ("signature", {"key": "other_issuer", "kid": "current"}),
        ("unknown_key", {"forge": "jku"}),
        ("unknown_key", {"key": "unpublished"}),
        ("unknown_key", {"key": "other_issuer"}),
        ("unknown_key", {"alg": "PS256"}),
        ("unreadable", {"forge": "crit"}),
        ("unreadable", {"forge": "two_dots"}),
        ("unreadable", {"forge": "not_json"}),
        ("unreadable", {"header": {"kid": 7}}),
        ("algorithm", {"header": {"alg": ["RS256"]}}),
        ("algorithm", {"header": {"alg": {"a": 1}}}),
        ("algorithm", {"header": {"alg": None}}),
        ("wrong_type", {"header": {"typ": ["at+jwt"]}}),
        ("no_application", {"claims": {"azp": "a\x00b"}}),
        ("no_application", {"claims": {"azp": "a\ud800b"}}),
        ("no_audience", {"claims": {"aud": "a\x00b"}}),
        ("no_audience", {"claims": {"aud": [AUDIENCE, "\udfff"]}}),
        ("wrong_type", {"header": {"typ": "logout+jwt"}}),
        ("token_expired", {"lifetime": -120}),
        ("not_yet_valid", {"not_before": 3600}),
        ("claim_missing", {"claims": {"exp": None}}),
        ("claim_missing", {"claims": {"aud": None}}),
        ("no_issuer", {"claims": {"iss": None}}),
        ("no_issuer", {"claims": {"iss": ["a", "b"]}}),
        ("unknown_issuer", {"claims": {"iss": "https://other.example"}}),
        ("unreadable", {"claims": {"exp": "tomorrow"}}),
        ("token_expired", {"claims": {"exp": -1}}),
        ("unreadable", {"claims": {"exp": {}}}),
        ("unreadable", {"claims": {"nbf": [1]}}),
        ("no_audience", {"claims": {"aud": []}}),
        ("no_audience", {"claims": {"aud": [AUDIENCE, 7]}}),
        ("no_audience", {"claims": {"aud": {"a": AUDIENCE}}}),
        ("wrong_audience", {"claims": {"aud": "somebody-else"}}),
        ("wrong_audience", {"claims": {"aud": AUDIENCE.upper()}}),
        ("wrong_audience", {"claims": {"aud": f"{AUDIENCE}/"}}),
        ("no_application", {"claims": {"azp": None, "appid": None, "sub": None, "client_id": None}}),
        ("no_application", {"claims": {"azp": ""}}),
        ("no_application", {"claims": {"azp": {"a": 1}}}),
        ("no_application", {"claims": {"azp": "x" * 201}}),
        ("not_allowed", {"claims": {"azp": f"{APPLICATION} "}}),
    ],
)
def test_whatever_is_wrong_with_a_token_it_opens_nothing(post: Issuer, code: str, wanted: dict[str, Any]) -> None:
    if wanted.get("key") == "symmetric":
        post.fault("jwks_symmetric")
    assert refusal(post.token(**wanted)) == code


@pytest.mark.parametrize("fault", ["jwks_weak_key", "jwks_symmetric", "jwks_empty"])
def test_keys_that_prove_nothing_are_not_used(post: Issuer, fault: str) -> None:
    post.fault(fault)
    key = {"jwks_weak_key": "weak", "jwks_symmetric": "symmetric"}.get(fault, "current")
    assert refusal(post.token(key=key)) in ("unknown_key", "algorithm")


def test_an_oversized_token_is_not_even_read(post: Issuer) -> None:
    problem = assert_problem(Api(post.token(forge="huge")).get("notes"), 401)
    assert len(str(problem)) < 1000
    assert post.fetches() == 0


def test_small_differences_of_clocks_are_forgiven(post: Issuer) -> None:
    assert programs.identify(post.token(lifetime=-30))
    assert programs.identify(post.token(not_before=30))


# --- Keys that rotate, issuers that fail
def test_a_new_key_is_found_at_once_and_an_old_one_refused_once_it_is_gone(post: Issuer) -> None:
    first = post.token()
    assert programs.identify(first)
    post.rotate(keep_old=True)
    second = post.token()
    assert programs.identify(second)
    assert programs.identify(first)
    post.rotate(keep_old=False)
    assert programs.identify(post.token())
    assert refusal(second) == "unknown_key"


def test_keys_are_fetched_once_for_many_tokens(post: Issuer) -> None:
    for _ in range(5):
        programs.identify(post.token())
    assert post.fetches() == post.fetches("metadata") == 1


def test_made_up_key_ids_do_not_make_us_hammer_the_issuer(post: Issuer) -> None:
    programs.identify(post.token())
    for _ in range(20):
        assert refusal(post.token(key="unpublished")) == "unknown_key"
    assert post.fetches() <= issuers.QUESTIONS + 1
    assert programs.identify(post.token())


def test_a_real_rotation_is_found_while_made_up_key_ids_come(post: Issuer) -> None:
    programs.identify(post.token())
    for _ in range(20):
        refusal(post.token(key="unpublished"))
    post.rotate(keep_old=True)
    token, end = post.token(), time.monotonic() + 10
    while time.monotonic() < end:
        with suppress(Refused, Unreachable):
            assert programs.identify(token)
            return
        time.sleep(0.2)
    raise AssertionError("not within 10 s")


def test_a_key_that_is_held_waits_for_nobody_while_the_issuer_hangs(post: Issuer) -> None:
    token = post.token()
    assert programs.identify(token)
    post.fault("jwks_timeout", seconds=20)
    threads = [threading.Thread(target=asks_in_vain, args=(post.token(key="unpublished"),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    assert programs.identify(token)
    assert time.monotonic() - begun < 3
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun < issuers.WAIT_SECONDS + 8


def asks_in_vain(token: str) -> None:
    with pytest.raises(Unreachable):
        tokens.verify(tokens.read(token))


FAILURES = [
    ("down", {}),
    ("metadata_500", {}),
    ("metadata_junk", {}),
    ("metadata_redirect", {}),
    ("metadata_other_issuer", {}),
    ("metadata_timeout", {"seconds": 20}),
    ("jwks_500", {}),
    ("jwks_junk", {}),
    ("jwks_redirect", {}),
    ("jwks_huge", {}),
]


@pytest.mark.parametrize(("fault", "how"), FAILURES)
def test_an_issuer_that_gives_no_keys_leaves_it_open_whether_a_token_is_good(
    post: Issuer, fault: str, how: dict[str, Any]
) -> None:
    token = post.token()
    post.fault(fault, **how)
    with pytest.raises(Unreachable):
        programs.identify(token)
    response = Api(token).get("notes")
    problem = assert_problem(response, 503)
    assert int(response["Retry-After"]) > 0
    assert "issuer" in problem["detail"]
    assert AccessEntry.objects.get(action="refused").reason == "issuer_unreachable"


def test_it_works_again_once_the_issuer_does(post: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "REST_SECONDS", 0)
    post.fault("jwks_500")
    with pytest.raises(Unreachable):
        programs.identify(post.token())
    post.mend()
    assert programs.identify(post.token())


def test_known_keys_serve_on_while_their_issuer_is_down(post: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    token = post.token()
    assert programs.identify(token)
    post.fault("down")
    monkeypatch.setattr(issuers, "FRESH_SECONDS", 0)
    for _ in range(3):
        assert programs.identify(token)
    with pytest.raises(Unreachable):
        programs.identify(post.token(key="unpublished"))


def test_keys_elsewhere_than_the_metadata_says_are_never_fetched(post: Issuer) -> None:
    refusal(post.token(forge="jku"))
    assert post.fetches("other_jwks") == 0


def test_an_issuer_may_not_send_us_to_an_address_that_is_not_ours_to_call(post: Issuer) -> None:
    post.fault("jwks_elsewhere", url="http://169.254.169.254/latest/meta-data")
    with pytest.raises(Unreachable):
        programs.identify(post.token())


def test_many_threads_share_one_fetch(post: Issuer) -> None:
    held, token = issuers.Issuer(post.url), post.token()
    kid = jwt.get_unverified_header(token)["kid"]
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(held.key(kid, "RS256"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert all(found)
    assert post.fetches() == 1


# --- The allow list
def test_an_issuer_that_is_trusted_no_longer_opens_nothing(post: Issuer, trusted: TrustedIssuer) -> None:
    token = post.token()
    assert programs.identify(token)
    TrustedIssuer.objects.update(is_trusted=False)
    assert refusal(token) in ("wrong_audience", "unknown_issuer")


def test_a_revoked_line_opens_nothing_from_the_next_call_on(post: Issuer, allowed: AllowedApplication) -> None:
    token = post.token()
    assert Api(token).get("notes").status_code == 200
    programs.revoke(allowed, by=log.command())
    assert refusal(token) == "revoked"


def test_an_audience_says_which_clinic_a_shared_application_calls_for(
    post: Issuer, allowed: AllowedApplication, other_clinic: Clinic
) -> None:
    theirs = AllowedApplicationFactory(
        clinic=other_clinic, issuer=allowed.issuer, application_id=APPLICATION, audience="listenpost-other"
    )
    assert programs.identify(post.token()).clinic == allowed.clinic
    assert programs.identify(post.token(claims={"aud": ["listenpost-other", "unknown"]})) == theirs
    assert refusal(post.token(claims={"aud": [AUDIENCE, "listenpost-other"]})) == "wrong_audience"


def test_a_token_and_an_application_of_two_issuers_do_not_add_up(post: Issuer, allowed: AllowedApplication) -> None:
    other = TrustedIssuerFactory(url="https://other.example")
    AllowedApplication.objects.update(issuer=other)
    assert refusal(post.token()) == "wrong_audience"


# --- What it costs and what is told
def test_a_flood_of_made_up_tokens_costs_no_query_each(
    post: Issuer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    good = post.token()
    programs.identify(good)
    forged = [good[:-8] + "AAAAAAAA", post.token(key="other_issuer", kid="current"), post.token(forge="none")]
    with django_assert_num_queries(0):
        for token in forged * 10:
            refusal(token)


@pytest.mark.django_db(transaction=True)
def test_a_flood_over_rest_opens_no_connection(post: Issuer) -> None:
    forged = [post.token(forge="none"), post.token(forge="hs256_public_key"), "lp_made_up"]
    for token in forged:
        Api(token).get("notes")  # the first of its kind is written
    connection.close()
    for token in forged * 5:
        assert Api(token).get("notes").status_code == 401
    assert connection.connection is None


def test_a_token_that_is_good_costs_one_query(post: Issuer, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    token = post.token()
    programs.identify(token)
    with django_assert_num_queries(1):
        programs.identify(token)


def test_a_refused_token_is_told_why_and_nothing_of_it_is_repeated(post: Issuer) -> None:
    token = post.token(lifetime=-3600)
    response = Api(token).get("notes")
    problem = assert_problem(response, 401)
    assert problem["detail"] == "The token has expired."
    assert response["WWW-Authenticate"].startswith('Bearer realm="listenpost", error="invalid_token"')
    assert token not in str(response.headers) + str(problem)


def test_an_application_that_is_not_listed_is_told_apart_from_a_bad_token(post: Issuer) -> None:
    response = Api(post.token(claims={"azp": "somebody-else"})).get("notes")
    assert assert_problem(response, 401)["type"] == "/problems/application-not-allowed"
    assert assert_problem(Api(post.token(lifetime=-3600)).get("notes"), 401)["type"] == "/problems/unauthenticated"
    with pytest.raises(NotAllowed) as caught:
        programs.identify(post.token(claims={"azp": "somebody-else"}))
    assert caught.value.clinic_id == AllowedApplication.objects.get().clinic_id


def test_a_scope_that_is_missing_is_named(post: Issuer, allowed: AllowedApplication) -> None:
    AllowedApplication.objects.update(scopes=[Scope.SESSIONS_READ])
    response = Api(post.token()).get("notes")
    assert_problem(response, 403)
    assert 'error="insufficient_scope", scope="notes:read"' in response["WWW-Authenticate"]
    entry = AccessEntry.objects.get(action="refused")
    assert (entry.actor_kind, entry.actor_id, entry.reason) == ("application", str(allowed.pk), "scope_missing")
    assert entry.clinic == allowed.clinic


def test_what_an_application_reads_is_logged_as_its_reading(post: Issuer, allowed: AllowedApplication) -> None:
    from tests.factories import NoteFactory

    note = NoteFactory(request__session__clinic=allowed.clinic)
    assert Api(post.token()).get(f"notes/{note.pk}").status_code == 200
    entry = AccessEntry.objects.get(action="read")
    assert (entry.actor_kind, entry.actor_id, entry.object_ids) == ("application", str(allowed.pk), [str(note.pk)])
    allowed.refresh_from_db()
    assert allowed.last_used_at is not None
