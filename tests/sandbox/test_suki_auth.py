"""Who gets a token, for how long it is good, and what is said to everybody else."""

import time
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.issuer.jose import Key, generate, signed

from .partner import PROVIDER, Partner

CREATE = "ambient/session/create"


def refusal(answer: requests.Response) -> tuple[int, str]:
    """(status, stable id) of an error."""
    body = answer.json()
    assert set(body) == {"code", "message"}
    return answer.status_code, body["message"].partition(":")[0]


def test_a_provider_must_be_registered_before_it_logs_in(partner: Partner) -> None:
    assert refusal(partner.login()) == (401, "provider_not_registered")
    assert partner.register().status_code == 201
    assert refusal(partner.register()) == (409, "provider_already_registered")
    assert partner.login().json().keys() == {"suki_token"}
    assert refusal(partner.login(provider_id="dr-b")) == (401, "provider_not_registered")


def test_a_registration_names_the_provider(partner: Partner) -> None:
    assert refusal(partner.register(provider_name="")) == (400, "invalid_argument")


@pytest.mark.parametrize("wrong", [{"partner_id": "x"}, {"partner_token": "x"}])
def test_another_partner_gets_nothing(partner: Partner, wrong: dict[str, str]) -> None:
    assert partner.login(**wrong).status_code == partner.register(**wrong).status_code == 401


@pytest.mark.parametrize("token", ["", "junk", "a.b.c", "e30.e30.e30"])
def test_calls_need_a_token(partner: Partner, token: str) -> None:
    assert refusal(partner.call("POST", CREATE, sdp_suki_token=token)) == (401, "invalid_sdp_token")
    bearer = requests.post(f"{partner.api}/{CREATE}", headers={"Authorization": f"Bearer {partner.token}"}, timeout=8)
    assert refusal(bearer) == (401, "invalid_sdp_token")


def test_a_token_is_good_for_an_hour_of_the_vendors_clock(partner: Partner) -> None:
    assert partner.call("POST", CREATE).status_code == 201
    partner.ahead(3590)
    assert partner.call("POST", CREATE).status_code == 201
    partner.ahead(3601)
    assert refusal(partner.call("POST", CREATE)) == (401, "invalid_sdp_token")


def test_a_token_can_be_given_for_less(partner: Partner) -> None:
    partner.settings(token_seconds=0)
    assert refusal(partner.call("POST", CREATE)) == (401, "invalid_sdp_token")


def test_a_token_can_be_refused_once_as_expired(partner: Partner) -> None:
    partner.fault("create_token_expired", times=1)
    assert refusal(partner.call("POST", CREATE)) == (401, "invalid_sdp_token")
    assert partner.call("POST", CREATE).status_code == 201


def test_partners_with_a_single_token_name_the_provider(partner: Partner) -> None:
    partner.settings(single_token=True)
    partner.register()
    token = partner.login(provider_id=None).json()["suki_token"]
    assert refusal(partner.call("POST", CREATE, sdp_suki_token=token)) == (400, "missing_sdp_provider_id_header")
    named = {"sdp_suki_token": token, "sdp_provider_id": PROVIDER}
    assert partner.call("POST", CREATE, **named).status_code == 201
    stranger = named | {"sdp_provider_id": "dr-z"}
    assert refusal(partner.call("POST", CREATE, **stranger)) == (401, "provider_not_registered")


def test_a_session_is_its_providers_alone(partner: Partner) -> None:
    session = partner.create()
    other = partner.new_token("dr-b")
    answer = partner.call("GET", f"ambient/session/{session}/status", sdp_suki_token=other)
    assert refusal(answer) == (403, "permission_denied")


@pytest.fixture(scope="module")
def key() -> Key:
    return generate("RS256")


def pem(key: Key) -> str:
    assert isinstance(key.private, rsa.RSAPrivateKey)
    return key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


CLAIMS: dict[str, Any] = {"iss": "clinic", "aud": "suki", "email": "dr@clinic.example"}


def test_a_partner_with_a_key_signs_its_token(partner: Partner, key: Key) -> None:
    partner.settings(partner_key=pem(key))
    good = signed({**CLAIMS, "exp": time.time() + 60}, key)
    assert partner.register(partner_token=good, provider_id=None).status_code == 201
    assert partner.control("GET", "providers").json() == [CLAIMS["email"]]
    assert partner.login(partner_token=good, provider_id=None).status_code == 200
    assert partner.login().status_code == 401


@pytest.mark.parametrize("claims", [{"exp": 1}, {}, {"exp": 9e9, "iss": None}, {"exp": 9e9, "email": None}])
def test_a_partners_token_must_be_whole_and_fresh(partner: Partner, key: Key, claims: dict[str, Any]) -> None:
    partner.settings(partner_key=pem(key))
    bad = signed({**CLAIMS, **claims}, key)
    assert refusal(partner.login(partner_token=bad)) == (401, "invalid_partner_token")


def test_a_partners_token_of_another_key_is_refused(partner: Partner, key: Key) -> None:
    partner.settings(partner_key=pem(key))
    forged = signed({**CLAIMS, "exp": time.time() + 60}, generate("RS256"))
    assert refusal(partner.login(partner_token=forged)) == (401, "invalid_partner_token")


@pytest.mark.parametrize(
    ("fault", "params", "status"),
    [
        ("login_500", {}, 500),
        ("any_429", {}, 429),
        ("login_refused", {"status": 412, "message": "provider_user_inactive"}, 412),
        ("login_junk", {}, 200),
    ],
)
def test_a_login_can_go_wrong(partner: Partner, fault: str, params: dict[str, Any], status: int) -> None:
    partner.register()
    partner.fault(fault, times=1, **params)
    first = partner.login()
    assert (first.status_code, "suki_token" in first.text) == (status, False)
    assert "Retry-After" not in first.headers
    assert partner.login().status_code == 200
    assert [one["fault"] for one in partner.requests("login")] == [fault, None]
