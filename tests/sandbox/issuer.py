"""The sandbox's issuer as its users see it."""

import base64
import json
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

import jwt
import requests
from jwt.types import Options

from sandbox.issuer import Issuer as Pretended
from sandbox.server import Server

CLIENT, SECRET = "sandbox-partner", "sandbox-partner-secret"
GRANT = {"grant_type": "client_credentials"}


class Issuer:
    def __init__(self, root: str) -> None:
        self.root, self.url = root, f"{root}/issuer"

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, f"{self.root}/control/issuer/{path}", json=body, timeout=8)

    def get(self, path: str, timeout: float = 8, headers: dict[str, str] | None = None) -> requests.Response:
        return requests.get(f"{self.url}/{path}", allow_redirects=False, timeout=timeout, headers=headers)

    def metadata(self) -> requests.Response:
        return self.get(".well-known/openid-configuration")

    def published(self) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = self.get("jwks").json()["keys"]
        return read

    def ask(self, form: dict[str, Any] | str, **options: Any) -> requests.Response:
        return requests.post(f"{self.url}/token", form, timeout=8, **options)

    def token(self) -> requests.Response:
        return self.ask(GRANT, auth=(CLIENT, SECRET), allow_redirects=False)

    def mint(self, **order: Any) -> str:
        answer = self.control("POST", "tokens", order)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token

    def rotate(self, **how: Any) -> dict[str, Any]:
        read: dict[str, Any] = self.control("POST", "rotate", how).json()
        return read

    def fault(self, name: str, **params: Any) -> None:
        answer = self.control("POST", "faults", {"fault": name, **params})
        assert answer.status_code == 201, answer.text

    def verify(self, token: str, audience: str = "listenpost") -> dict[str, Any]:
        """The claims, when one of the published keys signed them; raises what PyJWT raises."""
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((jwt.PyJWK(one) for one in self.published() if one["kid"] == kid), None)
        if key is None:
            raise jwt.InvalidKeyError(kid)
        required: Options = {"require": ["iss", "aud", "exp", "nbf", "iat"], "enforce_minimum_key_length": True}
        return jwt.decode(token, key, [key.algorithm_name], required, audience=audience, issuer=self.url)


def started(running: Callable[[ThreadingHTTPServer], str]) -> Issuer:
    """One with new keys, that is told where it runs."""
    pretended = Pretended()
    issuer = Issuer(running(Server(("127.0.0.1", 0), [pretended], threading.Event())))
    pretended.url = issuer.url
    return issuer


def parts(token: str) -> tuple[dict[str, Any], bytes, bytes]:
    header, payload, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), payload, signature
