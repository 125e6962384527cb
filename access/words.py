"""The access log's codes in words, for people. Files for auditors keep the codes."""

from __future__ import annotations

#: Why somebody was refused.
REASONS = {
    "algorithm": "token signed in a way that is not taken",
    "csrf": "form without its token",
    "expired": "expired",
    "claim_missing": "token that leaves out what it must say",
    "malformed": "proof that cannot be read",
    "no_application": "token that names no application",
    "no_audience": "token that names no audience",
    "no_issuer": "token that names no issuer",
    "no_proof": "nothing that proves who asks",
    "not_a_key": "no API key of this service",
    "not_allowed": "not allowed",
    "not_yet_valid": "token that is not valid yet",
    "not_found": "no such row",
    "revoked": "revoked",
    "scope_missing": "a scope is missing",
    "sign_in_failed": "wrong password or code",
    "sign_in_locked": "locked after too many failures",
    "signature": "token with a wrong signature",
    "ticket": "no address of ours, or its time is over",
    "token_expired": "token that has expired",
    "unknown_issuer": "issuer that is not trusted",
    "unknown_key": "unknown key",
    "unreadable": "token that cannot be read",
    "wrong_audience": "token for somebody else",
    "wrong_type": "token of another kind",
}

#: What it was done to.
OBJECTS = {
    "accessentry": "access log",
    "allowedapplication": "application",
    "apikey": "API key",
    "asyncrequest": "request",
    "trustedissuer": "trusted issuer",
    "user": "person",
    "vendoraccount": "vendor account",
}


def reason(code: str) -> str:
    return REASONS.get(code, code.replace("_", " "))


def thing(object_type: str) -> str:
    return OBJECTS.get(object_type, object_type)
