"""Who asks Dragon Copilot: a partner, with a product, for one of its customers. What an account's credentials are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vendors import origins
from vendors.base import VendorError
from vendors.credentials import MOST_SECRETS, are_secrets, is_secret

IDS = ("partner_id", "customer_id", "product_id")
NAMES = (*IDS, "ehr_instance_id", "client_id", "client_secret", "token_url", "issuer", "access_token")
LONGEST_TEXT = 200
#: What stands in an address as it is: it comes back the same, whoever encodes it and however often.
ACCESS_TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,500}")


@dataclass(frozen=True, slots=True)
class Customer:
    """`user`: the clinician as Dragon Copilot knows them. `ehr_instance`: empty where the customer has one alone."""

    partner: str
    customer: str
    product: str
    ehr_instance: str
    user: str

    @classmethod
    def of(cls, credentials: Mapping[str, Any], clinician_ref: str) -> Customer:
        """Raises VendorError where the clinician cannot be named."""
        if not clinician_ref:
            message = "Dragon Copilot asks whose recording this is. Enter the clinician's reference in the session."
            raise VendorError(message, permanent=True, code="clinician_missing")
        if not (clinician_ref.isascii() and clinician_ref.isprintable() and clinician_ref == clinician_ref.strip()):
            message = (
                "The session's clinician reference holds characters that cannot be sent to Dragon Copilot. Enter it as "
                "Dragon Copilot knows the clinician, in plain letters, digits and signs."
            )
            raise VendorError(message, permanent=True, code="clinician_unsendable")
        partner, customer, product = (str(credentials[name]) for name in IDS)
        return cls(partner, customer, product, str(credentials.get("ehr_instance_id") or ""), clinician_ref)


def check(credentials: Mapping[str, Any]) -> Sequence[str]:
    """Sentences that say what is wrong; what was typed is not repeated: a name that is none may be a secret itself."""
    listed = ", ".join(f"'{name}'" for name in NAMES)
    unknown = not credentials.keys() <= set(NAMES)
    wrong = [f"Dragon Copilot's credentials are {listed}, and nothing else."] if unknown else []
    wrong += [f"'{name}' is required, a UUID." for name in IDS if not _is_uuid(credentials.get(name))]
    if not _is_text(credentials.get("ehr_instance_id", "")):
        wrong.append("'ehr_instance_id' is a text, or left out.")
    if not (is_secret(credentials.get("client_id")) and is_secret(credentials.get("client_secret"))):
        wrong.append("'client_id' and 'client_secret' are required, in plain characters without spaces.")
    has_url, has_issuer = "token_url" in credentials, "issuer" in credentials
    if has_url == has_issuer or not _is_address(credentials.get("token_url") or credentials.get("issuer")):
        wrong.append("Either 'token_url' or 'issuer' is required: the address of the identity provider.")
    given = access_tokens(credentials)
    if not given or not all(map(ACCESS_TOKEN.fullmatch, given)):
        wrong.append(
            "'access_token' is required: a secret of your choice, or a list of them while they are rotated, at most "
            f"{MOST_SECRETS}. Each is 16 to 500 characters out of A-Z, a-z, 0-9 and - . _ ~"
        )
    return wrong


def access_tokens(credentials: Mapping[str, Any]) -> list[str]:
    """Any of which proves that results come from Dragon Copilot; it is told the first one."""
    given = credentials.get("access_token")
    tokens = [given] if isinstance(given, str) else given
    return list(tokens) if isinstance(tokens, list) and are_secrets(tokens) else []


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_TEXT


def _is_address(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(origins.read(value))
    except VendorError:
        return False
