"""The issuer keeps to its specifications, and breaks them on demand."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

import jwt
import pytest
import requests
from jwt.warnings import InsecureKeyLengthWarning

from .issuer import CLIENT, GRANT, SECRET, Issuer, parts, started
from .test_process import ROOT

FORM = "application/x-www-form-urlencoded"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.fixture
def issuer(running: Callable[[ThreadingHTTPServer], str]) -> Issuer:
    return started(running)


def test_the_metadata_tells_the_truth(issuer: Issuer) -> None:
    answer = issuer.metadata()
    told = answer.json()
    assert told["issuer"] == issuer.url
    assert told["grant_types_supported"] == ["client_credentials"]
    assert told["id_token_signing_alg_values_supported"] == ALGORITHMS
    assert told["subject_types_supported"] == ["public"]
    assert told["response_types_supported"]
    assert set(told["claims_supported"]) == set(issuer.verify(issuer.mint()))
    assert requests.get(told["jwks_uri"], timeout=8).json() == issuer.get("jwks").json()
    assert told["token_endpoint"] == f"{issuer.url}/token"
    assert told["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    assert issuer.ask(GRANT, auth=(CLIENT, SECRET)).status_code == 200
    assert issuer.ask({**GRANT, "client_id": CLIENT, "client_secret": SECRET}).status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_two_keys_are_published_without_their_secrets(issuer: Issuer) -> None:
    first, second = issuer.published()
    assert (first["alg"], second["alg"], second["crv"]) == ("RS256", "ES256", "P-256")
    assert set(first) == {"kty", "n", "e", "kid", "use", "alg"}
    assert set(second) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert first["use"] == second["use"] == "sig"
    assert first["kid"] != second["kid"]
    assert jwt.PyJWK(first).key.key_size == 2048
    assert "max-age" in issuer.get("jwks").headers["Cache-Control"]


def test_a_client_gets_a_token_that_verifies(issuer: Issuer) -> None:
    answer = issuer.ask(GRANT, auth=(CLIENT, SECRET))
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)
    claims = issuer.verify(answer.json()["access_token"])
    assert {claims[name] for name in ("sub", "azp", "appid", "client_id")} == {CLIENT}
    assert claims["iat"] == claims["nbf"] == claims["exp"] - 3600
    assert abs(claims["iat"] - time.time()) < 5
    assert jwt.get_unverified_header(answer.json()["access_token"])["typ"] == "at+jwt"


@pytest.mark.parametrize(
    ("asked", "audience"),
    [
        ({"scope": "api://other/.default"}, "api://other"),
        ({"audience": "elsewhere"}, "elsewhere"),
        ({"audience": "one", "scope": "one/.default"}, "one"),
        ({"scope": "", "audience": ""}, "listenpost"),
    ],
)
def test_the_audience_is_what_was_asked_for(issuer: Issuer, asked: dict[str, str], audience: str) -> None:
    token = issuer.ask({**GRANT, **asked}, auth=(CLIENT, SECRET)).json()["access_token"]
    assert issuer.verify(token, audience)["aud"] == audience


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": ["client_credentials"] * 2}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None, "client_secret": None}, "invalid_client"),
        ({"scope": "listenpost"}, "invalid_scope"),
        ({"scope": "/.default"}, "invalid_scope"),
        ({"scope": "a/.default b/.default"}, "invalid_scope"),
        ({"scope": "a/.default", "audience": "b"}, "invalid_request"),
    ],
)
def test_refuses_with_the_errors_of_the_specification(issuer: Issuer, form: dict[str, Any], error: str) -> None:
    answer = issuer.ask({**GRANT, "client_id": CLIENT, "client_secret": SECRET, **form})
    assert (answer.status_code, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert answer.json()["error_description"]
    assert ("WWW-Authenticate" in answer.headers) == (error == "invalid_client")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Content-Type": "application/json"}, "invalid_request"),
        ({"Authorization": "Bearer x"}, "invalid_client"),
        ({"Authorization": "Basic !"}, "invalid_client"),
        ({"Authorization": "Basic eA=="}, "invalid_client"),
    ],
)
def test_refuses_other_headers(issuer: Issuer, headers: dict[str, str], error: str) -> None:
    answer = issuer.ask("grant_type=client_credentials", headers={"Content-Type": FORM, **headers})
    assert answer.json()["error"] == error


def test_refuses_two_ways_to_authenticate_and_what_is_no_form(issuer: Issuer) -> None:
    twice = issuer.ask({**GRANT, "client_secret": SECRET}, auth=(CLIENT, SECRET))
    broken = issuer.ask("grant_type=%ff", auth=(CLIENT, SECRET), headers={"Content-Type": FORM})
    assert twice.json()["error"] == broken.json()["error"] == "invalid_request"


def test_it_can_be_one_that_takes_basic_alone(issuer: Issuer) -> None:
    issuer.fault("basic_only")
    assert "token_endpoint_auth_methods_supported" not in issuer.metadata().json()
    refused = issuer.ask({**GRANT, "client_id": CLIENT, "client_secret": SECRET})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert issuer.ask(GRANT, auth=(CLIENT, SECRET)).status_code == 200


def test_other_methods_and_addresses_are_refused(issuer: Issuer) -> None:
    assert issuer.get("token").headers["Allow"] == "POST"
    assert requests.post(f"{issuer.url}/jwks", timeout=8).status_code == 405
    assert issuer.get("authorize").status_code == 404
    assert issuer.control("GET", "nothing").status_code == 404


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_new_key_of_any_algorithm_signs(issuer: Issuer, alg: str) -> None:
    kids = issuer.rotate(alg=alg)
    assert [key["kid"] for key in issuer.published()] == kids["published"]
    token = issuer.ask(GRANT, auth=(CLIENT, SECRET)).json()["access_token"]
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == (alg, kids["current"])
    assert issuer.verify(token)


@pytest.mark.parametrize("keep_old", [True, False])
def test_the_old_key_stays_or_goes(issuer: Issuer, keep_old: bool) -> None:
    old = issuer.mint()
    kids = issuer.rotate(keep_old=keep_old)
    assert kids["previous"] == jwt.get_unverified_header(old)["kid"]
    assert (kids["previous"] in kids["published"]) == keep_old
    assert len(kids["published"]) == 2 + keep_old
    for token in (old, issuer.mint(key="previous")):
        if keep_old:
            assert issuer.verify(token)
        else:
            with pytest.raises(jwt.InvalidKeyError):
                issuer.verify(token)


@pytest.mark.parametrize("address", ["metadata", "jwks"])
def test_faults_of_either_document(issuer: Issuer, address: str) -> None:
    path = {"metadata": ".well-known/openid-configuration", "jwks": "jwks"}[address]
    issuer.fault(f"{address}_500", times=1)
    assert [issuer.get(path).status_code for _ in range(2)] == [500, 200]
    issuer.fault(f"{address}_timeout", times=1)
    with pytest.raises(requests.ReadTimeout):
        issuer.get(path, timeout=0.2)
    issuer.fault(f"{address}_timeout", seconds=0.1, times=1)
    with pytest.raises(requests.ConnectionError):
        issuer.get(path)
    issuer.fault(f"{address}_junk", times=1)
    assert issuer.get(path).text.startswith("<html>")
    issuer.fault(f"{address}_junk", body="{", times=1)
    assert issuer.get(path).text == "{"
    issuer.fault(f"{address}_redirect", url="https://other.example/x", times=1)
    answer = issuer.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://other.example/x")
    assert issuer.get(path).status_code == 200
    assert issuer.control("GET", "faults").json() == []


def test_metadata_can_name_others(issuer: Issuer) -> None:
    true = issuer.metadata().json()
    issuer.fault("metadata_other_issuer", times=1)
    assert issuer.metadata().json() == true | {"issuer": f"{issuer.url}/other"}
    issuer.fault("metadata_other_issuer", issuer="https://other.example", times=1)
    assert issuer.metadata().json() == true | {"issuer": "https://other.example"}
    issuer.fault("jwks_elsewhere", times=1)
    assert issuer.metadata().json() == true | {"jwks_uri": f"{issuer.url}/other/jwks"}
    issuer.fault("jwks_elsewhere", url="file:///etc/passwd", times=1)
    assert issuer.metadata().json() == true | {"jwks_uri": "file:///etc/passwd"}


def test_jwks_huge_and_empty(issuer: Issuer) -> None:
    issuer.fault("jwks_huge", bytes=2_000_000, times=1)
    huge = issuer.get("jwks")
    assert len(huge.content) > 2_000_000
    assert huge.json()["keys"] == issuer.published()
    issuer.fault("jwks_empty")
    assert issuer.get("jwks").json() == {"keys": []}


def test_jwks_weak_key_signs_and_is_too_weak(issuer: Issuer) -> None:
    kid = issuer.published()[0]["kid"]
    issuer.fault("jwks_weak_key")
    weak = jwt.PyJWK(issuer.published()[0])
    assert (weak.key.key_size, weak.algorithm_name, weak.key_id) == (1024, "RS256", kid)
    token = issuer.mint(key="weak")
    with pytest.warns(InsecureKeyLengthWarning):
        assert jwt.decode(token, weak.key, ["RS256"], audience="listenpost")
    with pytest.raises(jwt.InvalidKeyError):
        issuer.verify(token)


def test_jwks_symmetric_publishes_the_secret(issuer: Issuer) -> None:
    kid = issuer.published()[0]["kid"]
    issuer.fault("jwks_symmetric")
    key = issuer.published()[0]
    assert (key["kty"], key["alg"], key["kid"]) == ("oct", "HS256", kid)
    assert issuer.verify(issuer.mint(key="symmetric"))


def test_a_token_can_be_refused_or_be_no_token(issuer: Issuer) -> None:
    issuer.fault("token_500", times=1)
    assert [issuer.token().status_code for _ in range(2)] == [500, 200]
    issuer.fault("token_junk", times=1)
    assert issuer.token().text.startswith("<html>")
    issuer.fault("token_redirect", times=1)
    assert issuer.token().headers["Location"] == f"{issuer.url}/other/jwks"
    issuer.fault("token_timeout", seconds=0.1, times=1)
    with pytest.raises(requests.ConnectionError):
        issuer.token()


def test_a_token_can_be_short(issuer: Issuer) -> None:
    issuer.fault("token_short", times=1, lifetime=5)
    short, usual = (issuer.token().json() for _ in range(2))
    assert (short["expires_in"], usual["expires_in"]) == (5, 3600)
    assert issuer.verify(short["access_token"])["exp"] - time.time() <= 5


def test_redirect_and_down_are_everywhere(issuer: Issuer) -> None:
    paths = (".well-known/openid-configuration", "jwks", "token", "nowhere")
    issuer.fault("redirect", times=4)
    assert {issuer.get(path).headers["Location"] for path in paths} == {f"{issuer.url}/other/jwks"}
    issuer.fault("down")
    for path in paths:
        with pytest.raises(requests.ConnectionError):
            issuer.get(path)
    issuer.control("DELETE", "faults")
    assert issuer.get("jwks").status_code == 200


def test_a_fault_of_the_connection_does_not_use_up_another(issuer: Issuer) -> None:
    issuer.fault("jwks_500", times=1)
    issuer.fault("redirect", times=1)
    assert [issuer.get("jwks").status_code for _ in range(3)] == [302, 500, 200]


def test_fetches_can_be_counted(issuer: Issuer) -> None:
    issuer.fault("jwks_500", times=1)
    issuer.metadata()
    issuer.get("jwks", headers={"X-Seen": "yes", "Authorization": "Bearer leaked"})
    issuer.get("jwks")
    issuer.ask(GRANT, auth=(CLIENT, SECRET))
    record = issuer.control("GET", "requests")
    fetched = record.json()
    assert {name: len(all_of) for name, all_of in fetched.items()} == {
        "metadata": 1,
        "jwks": 2,
        "token": 1,
        "other_jwks": 0,
    }
    first, second = fetched["jwks"]
    assert (first["fault"], second["fault"], first["method"]) == ("jwks_500", None, "GET")
    assert first["at"] < second["at"]
    assert (first["headers"]["x-seen"], first["headers"]["authorization"]) == ("yes", "Bearer")
    assert "leaked" not in record.text


def test_reset_goes_back_to_the_first_keys(issuer: Issuer) -> None:
    token, keys = issuer.mint(), issuer.published()
    issuer.rotate(keep_old=False)
    issuer.fault("down")
    assert requests.post(f"{issuer.root}/control/reset", timeout=8).status_code == 200
    assert issuer.control("GET", "faults").json() == []
    assert not any(issuer.control("GET", "requests").json().values())
    assert issuer.published() == keys
    assert issuer.verify(token)
    assert issuer.control("POST", "tokens", {"key": "previous"}).status_code == 400


@pytest.mark.parametrize("named", ["", "https://sign.example/tenant"])
def test_the_process_serves_it_under_its_own_or_another_name(named: str) -> None:
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--port", "0", "--issuer-url", named]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            issuer = Issuer(process.stdout.readline().split()[-1])
            assert issuer.metadata().json()["issuer"] == (named or issuer.url)
            assert json.loads(parts(issuer.mint())[1])["iss"] == (named or issuer.url)
            assert issuer.published()
        finally:
            process.kill()
