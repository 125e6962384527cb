"""The issuer's keys: those it publishes, and those it never does."""

import threading
from dataclasses import replace
from functools import cached_property

from sandbox.issuer.jose import ALGORITHMS, Key, generate

NAMES = ("current", "previous", "unpublished", "other_issuer", "weak", "symmetric")


class NoKey(ValueError):
    pass


class Keys:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = [generate("RS256"), generate("ES256")]
        self._others: dict[str, Key] = {}
        self.reset()

    def reset(self) -> None:
        """Back to the first keys: whoever still remembers them is right."""
        self.published = list(self._first)
        self.current = self._first[0]
        self.previous: Key | None = None

    def rotate(self, alg: str, keep_old: bool) -> None:
        """A new key signs; the one that did so far stays published or not."""
        new = generate(known(alg))
        with self._lock:
            kept = [key for key in self.published if keep_old or key is not self.current]
            self.published, self.previous, self.current = [*kept, new], self.current, new

    def named(self, name: str, alg: str = "") -> Key:
        if name == "current":
            fitting = (key for key in reversed(self.published) if key.alg == alg)
            return next(fitting, self.current)
        if name == "previous" and self.previous:
            return self.previous
        if name == "unpublished":
            return generate(known(alg or self.current.alg))
        if name == "other_issuer":
            return self.other(alg or self.current.alg)
        if name in ("weak", "symmetric"):
            return replace(self._weak if name == "weak" else self._symmetric, kid=self.current.kid)
        raise NoKey(f"key must be one of {', '.join(NAMES)}, and previous only after a rotation")

    def other(self, alg: str) -> Key:
        """The other issuer has one key of each algorithm, and publishes RS256 and those that were ever used."""
        with self._lock:
            if alg not in self._others:
                self._others[alg] = generate(known(alg))
            return self._others[alg]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [key.jwk() for key in self.published]}

    def other_jwks(self) -> dict[str, list[dict[str, str]]]:
        self.other("RS256")
        return {"keys": [key.jwk() for key in list(self._others.values())]}

    @cached_property
    def _weak(self) -> Key:
        return generate("RS256", bits=1024)

    @cached_property
    def _symmetric(self) -> Key:
        return generate("HS256")


def known(alg: str) -> str:
    if alg not in ALGORITHMS:
        raise NoKey(f"alg must be one of {', '.join(ALGORITHMS)}")
    return alg
