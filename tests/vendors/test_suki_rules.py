"""Suki: which wishes it grants, which credentials it takes, and how a partner's token is made."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.vendors.contract import CANARY
from vendors.base import VendorError, Wish
from vendors.loinc import SECTIONS
from vendors.suki.adapter import SukiVendor
from vendors.suki.partner import Partner
from vendors.suki.sections import TEMPLATES, codes

KEY = rsa.generate_private_key(65537, 2048)
TOKEN = {"partner_id": "p", "partner_token": "t"}


def pem(key: Any) -> str:
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return str(encoded.decode())


def key_of(der: str) -> str:
    return f"-----BEGIN PRIVATE KEY-----\n{b64encode(bytes.fromhex(der)).decode()}\n-----END PRIVATE KEY-----\n"


CLAIMS = {"iss": "clinic", "aud": "suki"}
SIGNS = {"partner_id": "p", "partner_key": pem(KEY), "partner_claims": CLAIMS}
#: Of a curve that is not supported (secp160r1), and of Ed25519 with a byte too few: neither is a mere ValueError.
ODD_CURVE = key_of("3033020100301006072a8648ce3d020106052b81040008041c301a0201010415" + "00" * 20 + "01")
DAMAGED = key_of("302e020100300506032b657104220420" + "00" * 32)


def problems(**changes: Any) -> list[tuple[str, str]]:
    found = SukiVendor.check(Wish(**{"output_objects": ("transcript_item", "note"), "language": "en-US", **changes}))
    assert all(problem.message.endswith(".") for problem in found)
    return [(problem.field, problem.code) for problem in found]


@pytest.mark.parametrize("asked", [("note",), ("transcript_item",), ("note", "transcript_item")])
@pytest.mark.parametrize("language", ["en-US", "en"])
def test_a_plain_wish_is_granted(asked: tuple[str, ...], language: str) -> None:
    assert problems(output_objects=asked, language=language) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"output_objects": ()}, [("output_objects", "no_output_object")]),
        ({"output_objects": ("poem",)}, [("output_objects", "unknown_output_object")]),
        ({"output_objects": ("note", "note")}, [("output_objects", "repeated_output_object")]),
        ({"kind": "dictation"}, [("output_objects", "no_note_of_dictation")]),
        ({"kind": "dictation", "output_objects": ("note",)}, [("output_objects", "no_note_of_dictation")]),
        ({"kind": "dictation", "output_objects": ("transcript_item",)}, []),
        ({"language": "fr-FR"}, [("language", "unknown_language")]),
        ({"language": "en_US"}, [("language", "unknown_language")]),
        ({"note_template": "LIMERICK"}, [("note_template", "unknown_template")]),
        ({"note_template": "LIMERICK", "output_objects": ("transcript_item",)}, []),
        ({"section_style": "paragraphs"}, [("section_style", "no_section_style")]),
        ({"split_by_sentence": True}, [("split_by_sentence", "not_offered")]),
        ({"split_by_problem": True}, [("split_by_problem", "not_offered")]),
        ({"duration_ms": 10}, []),
    ],
)
def test_what_it_does_not_do_is_refused_by_name(changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert problems(**changes) == found


def test_each_template_asks_for_sections_that_are_known_again() -> None:
    assert "GENERAL_MEDICINE" in TEMPLATES, "the one that is asked for unless another is"
    for template, keys in TEMPLATES.items():
        assert tuple(SECTIONS[code][0] for code in codes(template)) == keys


@pytest.mark.parametrize(
    "credentials",
    [
        TOKEN,
        SIGNS,
        {**SIGNS, "partner_key_id": "k1", "partner_user_claim": "sub"},
        {**TOKEN, "provider_id": "p-1", "provider_name": "Dr. Ömür", "provider_org_id": "o"},
        {**TOKEN, "provider_specialty": "FAMILY MEDICINE", "single_auth_token": True, "webhook_secrets": []},
        {**TOKEN, "provider_id": "Dr Mueller", "single_auth_token": True},
        {**TOKEN, "provider_id": "Dr. Müller", "single_auth_token": False},
        {**SIGNS, "partner_claims": {"iss": "clinic", "aud": ["suki", "other"], "user": {"id": 7, "name": "Müller"}}},
    ],
)
def test_credentials_that_can_be_used(credentials: dict[str, Any]) -> None:
    assert SukiVendor.check_credentials(credentials) == []


@pytest.mark.parametrize(
    ("credentials", "named"),
    [
        ({"partner_token": "t"}, "partner_id"),
        ({"partner_id": "p"}, "partner_token"),
        ({**TOKEN, **SIGNS}, "Either"),
        ({"partner_id": "a b", "partner_token": "t"}, "partner_id"),
        ({"partner_id": "p", "partner_token": "two\nlines"}, "partner_token"),
        ({**SIGNS, "partner_key": CANARY}, "partner_key"),
        ({**SIGNS, "partner_key": 7}, "partner_key"),
        ({**SIGNS, "partner_key": pem(ec.generate_private_key(ec.SECP256R1()))}, "partner_key"),
        ({**SIGNS, "partner_key": ODD_CURVE}, "partner_key"),
        ({**SIGNS, "partner_key": DAMAGED}, "partner_key"),
        ({**SIGNS, "partner_key": pem(KEY)[:400]}, "partner_key"),
        ({**SIGNS, "partner_key": "\ud800"}, "partner_key"),
        ({**SIGNS, "partner_key": pem(rsa.generate_private_key(65537, 1024))}, "partner_key"),  # noqa: S505
        ({**SIGNS, "partner_key": pem(KEY) + "\n" * 20_000}, "partner_key"),
        ({**SIGNS, "partner_claims": None}, "partner_claims"),
        ({**SIGNS, "partner_claims": {}}, "partner_claims"),
        ({**SIGNS, "partner_claims": {"iss": 5, "aud": "suki"}}, "partner_claims"),
        ({**SIGNS, "partner_claims": {"iss": "clinic", "aud": [5]}}, "partner_claims"),
        ({**SIGNS, "partner_claims": {**CLAIMS, "exp": 9_999_999_999}}, "'exp'"),
        ({**SIGNS, "partner_claims": {**CLAIMS, "iat": 1}}, "'iat'"),
        ({**SIGNS, "partner_claims": {**CLAIMS, "nbf": "soon"}}, "'nbf'"),
        ({**SIGNS, "partner_claims": {**CLAIMS, "x": float("nan")}}, "partner_claims"),
        ({**SIGNS, "partner_claims": {**CLAIMS, "x": {CANARY}}}, "partner_claims"),
        ({**SIGNS, "partner_claims": {**CLAIMS, "x": CANARY * 200}}, "partner_claims"),
        ({**SIGNS, "partner_user_claim": "exp"}, "partner_user_claim"),
        ({**TOKEN, "provider_id": "Dr. Müller", "single_auth_token": True}, "provider_id"),
        ({**SIGNS, "partner_key_id": "a b"}, "partner_key_id"),
        ({**TOKEN, "provider_id": 7}, "provider_id"),
        ({**TOKEN, "provider_name": "x" * 201}, "provider_name"),
        ({**TOKEN, "provider_org_id": "a\x00b"}, "provider_org_id"),
        ({**TOKEN, "single_auth_token": "yes"}, "single_auth_token"),
        ({**TOKEN, "webhook_secrets": "s"}, "webhook_secrets"),
        ({**TOKEN, "webhook_secrets": ["s"] * 9}, "webhook_secrets"),
    ],
)
def test_credentials_that_cannot_are_refused_by_name(credentials: dict[str, Any], named: str) -> None:
    (said,) = SukiVendor.check_credentials(credentials)
    assert named in said
    assert CANARY not in said


def test_accounts_of_one_partner_share_its_webhooks() -> None:
    assert SukiVendor.partner(TOKEN) == SukiVendor.partner({**SIGNS, "provider_id": "x"}) == "p"


def test_a_partners_token_is_made_from_its_key_for_each_provider() -> None:
    partner = Partner.of({**SIGNS, "partner_key_id": "k1", "partner_user_claim": "sub"}, "dr-2")
    made = partner.token()
    claims = jwt.decode(made, KEY.public_key(), algorithms=["RS256"], audience="suki")
    assert (claims["iss"], claims["sub"], jwt.get_unverified_header(made)["kid"]) == ("clinic", "dr-2", "k1")
    assert 0 < claims["exp"] - datetime.now(UTC).timestamp() <= 300


def test_claims_nested_beyond_measure_are_refused() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    (said,) = SukiVendor.check_credentials({**SIGNS, "partner_claims": {**CLAIMS, "x": nested}})
    assert "partner_claims" in said


@pytest.mark.parametrize(
    "changes", [{"partner_key": ODD_CURVE}, {"partner_key": DAMAGED}, {"partner_claims": {"iss": 5}}]
)
def test_a_token_that_cannot_be_signed_is_a_permanent_error_that_shows_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(VendorError) as caught:
        Partner.of({**SIGNS, **changes}, "").token()
    assert (caught.value.code, caught.value.permanent) == ("partner_key_unusable", True)
    assert caught.value.__context__ is None


def test_credentials_are_not_shown() -> None:
    assert "t0k3n" not in repr(Partner.of({**TOKEN, "partner_token": "t0k3n"}, ""))
