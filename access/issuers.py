"""The public keys of token issuers: fetched through the guarded client, kept, and asked for again as they rotate.

Metadata: OpenID Connect Discovery 1.0, section 4. Keys: RFC 7517. What is held serves on while its issuer cannot be
reached; a token whose key is not held is then neither good nor bad: `Unreachable`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
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
#: Made-up key ids must not make us hammer an issuer: a few questions at once, then one in so many seconds.
QUESTIONS, QUESTION_EVERY_SECONDS = 5, 3.0
#: For so long, that the issuer had no such key is still known.
KNOWN_SECONDS = 5.0
#: After a failure it is left alone, and for so long a request waits for an answer at most.
REST_SECONDS, WAIT_SECONDS, FETCH_SECONDS = 5.0, 2.0, 5.0
#: Whoever waits keeps a thread from others: all for a moment, two longer.
MOMENT_SECONDS = 0.3
waiting_room = threading.BoundedSemaphore(2)
MOST_BYTES, MOST_KEYS = 256 * 1024, 100
FEWEST_RSA_BITS = 2048


class Unreachable(Exception):
    """The issuer did not give its keys: whether a token is good cannot be told now."""


class Issuer:
    """One issuer's keys. Safe for threads: one of its own fetches for all, and nobody waits for it long."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: list[Mapping[str, Any]] = []
        self._turn = threading.Lock()
        self._fetching: Future[None] | None = None
        self._begun_at = self._fetched_at = self._failed_at = float("-inf")
        self._questions, self._counted_at = float(QUESTIONS), time.monotonic()

    def holds(self, kid: str | None, algorithm: str) -> bool:
        """Whether the key is at hand, so that key() waits for nobody."""
        return self._find(kid, algorithm) is not None

    def key(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key that a token's header names; None when the issuer has no such key. Raises Unreachable."""
        if not self.holds(kid, algorithm):
            self._wait()
        elif time.monotonic() - self._fetched_at > FRESH_SECONDS:
            self._ask()
        found = self._find(kid, algorithm)
        if found is None and not self._knows():
            raise Unreachable
        return jwt.PyJWK.from_dict(dict(found), algorithm) if found else None

    def _knows(self) -> bool:
        """Whether what is held is all there is: the issuer said so just now, and has not been asked in vain since."""
        just_now = time.monotonic() - self._fetched_at < KNOWN_SECONDS
        return just_now and self._begun_at < self._fetched_at and self._failed_at < self._fetched_at

    def _find(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """A token may leave its key unnamed where the issuer has only one of the kind."""
        fit = [key for key in self._keys if algorithm in algorithms_of(key) and kid in (None, key.get("kid"))]
        return fit[0] if len(fit) == 1 else None

    def _wait(self) -> None:
        """For a fetch that has just begun; for one that hangs, nobody who comes later."""
        fetching = self._ask()
        if fetching is None or self._came(fetching, MOMENT_SECONDS) or not waiting_room.acquire(blocking=False):
            return
        try:
            self._came(fetching, WAIT_SECONDS)
        finally:
            waiting_room.release()

    def _came(self, fetching: Future[None], seconds: float) -> bool:
        """Whether it came to its end within so many seconds of its beginning."""
        with suppress(TimeoutError):
            fetching.result(max(0.0, self._begun_at + seconds - time.monotonic()))
        return fetching.done()

    def _ask(self) -> Future[None] | None:
        """The fetch that is under way, begun if need be; None where the issuer is not asked now."""
        with self._turn:
            if self._fetching is not None and not self._fetching.done():
                return self._fetching
            if not self._may_ask():
                return None
            self._begun_at, self._fetching = time.monotonic(), Future()
            threading.Thread(target=self._fetch, args=[self._fetching], name="issuer", daemon=True).start()
            return self._fetching

    def _may_ask(self) -> bool:
        now = time.monotonic()
        gained = (now - self._counted_at) / QUESTION_EVERY_SECONDS
        self._questions, self._counted_at = min(QUESTIONS, self._questions + gained), now
        if now - self._failed_at < REST_SECONDS or self._questions < 1:
            return False
        self._questions -= 1
        return True

    def _fetch(self, done: Future[None]) -> None:
        try:
            self._keys = fetch_keys(self.url)
            self._fetched_at = time.monotonic()
        except VendorError as error:
            self._failed_at = time.monotonic()
            log.warning("a token issuer's keys could not be had: %s", error.code)
        except Exception as error:
            self._failed_at = time.monotonic()
            log.exception("a token issuer's keys could not be read: %s", type(error).__name__)
        finally:
            done.set_result(None)


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
