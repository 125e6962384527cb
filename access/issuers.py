"""The public keys of token issuers: fetched through the guarded client, kept, and asked for again as they rotate.

Metadata: OpenID Connect Discovery 1.0, section 4. Keys: RFC 7517. What is held serves on while its issuer cannot be
reached; a token whose key is not held is then neither good nor bad: `Unreachable`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from config.outbound import outbound
from vendors.base import VendorError

log = logging.getLogger(__name__)

#: Which algorithms a key of each type and curve may sign with. None of them takes a shared secret.
ALGORITHMS: dict[tuple[Any, Any], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
FRESH_SECONDS = 600.0
# Made-up key ids must not make us hammer an issuer; a real rotation is never kept waiting.
FETCHES, FETCHES_WITHIN_SECONDS = 3, 30.0
FETCH_SECONDS, WAIT_SECONDS = 5.0, 2.0
MOST_BYTES, MOST_KEYS = 256 * 1024, 100
FEWEST_RSA_BITS = 2048


class Unreachable(Exception):
    """The issuer did not give its keys: whether a token is good cannot be told now."""


class Issuer:
    """One issuer's keys. Safe for threads; one of them fetches, the others go on with what is held."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: list[Mapping[str, Any]] = []
        self._asked: deque[float] = deque(maxlen=FETCHES)
        self._fetched_at = float("-inf")
        self._failed = False
        self._turn = threading.Lock()

    def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key that a token's header names; None when the issuer has no such key. Raises Unreachable."""
        found = self._find(kid, algorithm)
        if found is None:
            is_known = self._refresh(WAIT_SECONDS)
            found = self._find(kid, algorithm)
            if found is None and not is_known:
                raise Unreachable
        elif time.monotonic() - self._fetched_at > FRESH_SECONDS and self._may_ask():
            threading.Thread(target=self._refresh, args=(0,), name="issuer", daemon=True).start()
        return jwt.PyJWK.from_dict(dict(found), algorithm) if found else None

    def _find(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """A token may leave its key unnamed where the issuer has only one of the kind."""
        fit = [key for key in self._keys if algorithm in algorithms_of(key) and kid in (None, key.get("kid"))]
        return fit[0] if len(fit) == 1 else None

    def _refresh(self, wait: float) -> bool:
        """Whether what is held now is what the issuer says."""
        before = self._fetched_at
        if not self._turn.acquire(timeout=wait):
            return False
        try:
            if self._fetched_at == before and self._may_ask():
                self._asked.append(time.monotonic())
                self._keys = fetch_keys(self.url)
                self._fetched_at, self._failed = time.monotonic(), False
        except VendorError as error:
            self._failed = True
            log.warning("a token issuer's keys could not be had: %s", error.code)
        finally:
            self._turn.release()
        return not self._failed

    def _may_ask(self) -> bool:
        return len(self._asked) < FETCHES or time.monotonic() - self._asked[0] > FETCHES_WITHIN_SECONDS


def fetch_keys(url: str) -> list[Mapping[str, Any]]:
    """The issuer's usable keys as they stand now. Raises VendorError."""
    metadata = fetch(f"{url.rstrip('/')}/.well-known/openid-configuration")
    if metadata.get("issuer") != url or not isinstance(metadata.get("jwks_uri"), str):
        raise VendorError("The issuer's metadata is for somebody else.", permanent=False, code="wrong_metadata")
    keys = fetch(metadata["jwks_uri"]).get("keys")
    if not isinstance(keys, list):
        raise VendorError("The issuer's keys cannot be read.", permanent=False, code="wrong_keys")
    return [key for key in keys[:MOST_KEYS] if isinstance(key, dict) and is_usable(key)]


def fetch(url: str) -> dict[str, Any]:
    """A JSON object. Raises VendorError."""
    answer = outbound().request("GET", url, total_timeout=FETCH_SECONDS, connect_timeout=3.0, max_bytes=MOST_BYTES)
    try:
        found = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise VendorError("The issuer did not answer as it should.", permanent=False, code="wrong_answer")
    return found


def is_usable(key: Mapping[str, Any]) -> bool:
    """Whether it is a public key that may check signatures, and is long enough for it."""
    if key.get("use", "sig") != "sig" or not isinstance(key.get("kid", ""), str):
        return False
    try:
        public = jwt.PyJWK.from_dict(dict(key), algorithms_of(key)[0]).key
    except (jwt.PyJWTError, LookupError, ValueError, TypeError):
        return False
    return not isinstance(public, RSAPublicKey) or public.key_size >= FEWEST_RSA_BITS


def algorithms_of(key: Mapping[str, Any]) -> tuple[str, ...]:
    """What the key may sign with: what it says itself, as far as its type allows."""
    of_its_type = ALGORITHMS.get((key.get("kty"), key.get("crv")), ())
    return tuple(name for name in of_its_type if key.get("alg") in (None, name))
