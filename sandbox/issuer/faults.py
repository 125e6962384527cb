"""The faults this issuer can be asked for. An aspect is what a request is for, or its connection."""

from collections.abc import Mapping
from typing import Any

from sandbox.faults import Fault, Kind
from sandbox.issuer.contract import CACHED, JWKS, METADATA, TOKEN
from sandbox.issuer.keys import Keys
from sandbox.messages import Answer, Silence

CONNECTION, CLIENTS, LIFETIME = "connection", "clients", "lifetime"
SECONDS = {"seconds": 60.0}
JUNK = {"body": "<html><body>502 Bad Gateway</body></html>"}
ELSEWHERE = {"url": ""}

KINDS: Mapping[str, Kind] = {
    "down": Kind(CONNECTION),
    "redirect": Kind(CONNECTION, ELSEWHERE),
    "metadata_500": Kind(METADATA),
    "metadata_timeout": Kind(METADATA, SECONDS),
    "metadata_junk": Kind(METADATA, JUNK),
    "metadata_redirect": Kind(METADATA, ELSEWHERE),
    "metadata_other_issuer": Kind(METADATA, {"issuer": ""}),
    "jwks_elsewhere": Kind(METADATA, ELSEWHERE),
    "jwks_500": Kind(JWKS),
    "jwks_timeout": Kind(JWKS, SECONDS),
    "jwks_junk": Kind(JWKS, JUNK),
    "jwks_redirect": Kind(JWKS, ELSEWHERE),
    "jwks_huge": Kind(JWKS, {"bytes": 5_000_000}),
    "jwks_empty": Kind(JWKS),
    "jwks_weak_key": Kind(JWKS),
    "jwks_symmetric": Kind(JWKS),
    "token_500": Kind(TOKEN),
    "token_timeout": Kind(TOKEN, SECONDS),
    "token_junk": Kind(TOKEN, JUNK),
    "token_redirect": Kind(TOKEN, ELSEWHERE),
    "basic_only": Kind(CLIENTS),
    "token_short": Kind(LIFETIME, {"lifetime": 2}),
}


def faulty(fault: Fault, document: Mapping[str, Any], keys: Keys, other: str) -> Answer | Silence:
    """What is answered instead of the true document; `other` is the other issuer's URL."""
    sort = fault.name.rpartition("_")[2]
    if sort in ("down", "timeout"):
        return Silence(fault.params.get("seconds", 0))
    if sort == "500":
        return Answer(500, {"error": "server_error"})
    if sort == "redirect":
        return Answer(302, None, {"Location": fault.params["url"] or f"{other}/jwks"})
    if sort == "junk":
        return Answer(200, fault.params["body"].encode("utf-8", "surrogatepass"), CACHED)
    return Answer(200, {**document, **untrue(fault, keys, other)}, CACHED)


def untrue(fault: Fault, keys: Keys, other: str) -> dict[str, Any]:
    """The members that differ from those of the true document."""
    if fault.name == "metadata_other_issuer":
        return {"issuer": fault.params["issuer"] or other}
    if fault.name == "jwks_elsewhere":
        return {"jwks_uri": fault.params["url"] or f"{other}/jwks"}
    if fault.name == "jwks_huge":
        return {"filler": "x" * fault.params["bytes"]}
    if fault.name == "jwks_empty":
        return {"keys": []}
    bad = keys.named("weak" if fault.name == "jwks_weak_key" else "symmetric")
    return {"keys": [(bad if key is keys.current else key).jwk() for key in keys.published]}
