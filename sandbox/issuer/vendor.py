"""The issuer itself: its four addresses, what was fetched there, and the control API."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from sandbox.control import control_faults
from sandbox.faults import Fault, Faults
from sandbox.issuer import contract
from sandbox.issuer import faults as issuer_faults
from sandbox.issuer.jose import signed
from sandbox.issuer.keys import Keys
from sandbox.issuer.minting import minted
from sandbox.ledger import KEPT, now
from sandbox.messages import Answer, NotJson, Request, Silence, read_object


class Issuer:
    """`url` is its `iss`; the server's port is only known once it listens, so it may be set later."""

    name = "issuer"

    def __init__(self, url: str = "", clients: Mapping[str, str] | None = None) -> None:
        self.url = url
        self.clients = clients or {contract.CLIENT: contract.SECRET}
        self.keys = Keys()
        self.faults = Faults(issuer_faults.KINDS)
        self._fetched: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT)

    @property
    def other(self) -> str:
        return f"{self.url.rstrip('/')}/other"

    def handle(self, request: Request) -> Answer | Silence:
        endpoint = contract.ENDPOINTS.get(request.path, "")
        fault = self.take_fault(endpoint)
        if endpoint:
            self._fetched.append((endpoint, fetch(request, fault)))
        if fault:
            return issuer_faults.faulty(fault, self.documents().get(endpoint, {}), self.keys, self.other)
        return self.answer(request, endpoint)

    def take_fault(self, endpoint: str) -> Fault | None:
        for aspect in (issuer_faults.CONNECTION, endpoint):
            if taken := self.faults.take(None, frozenset({aspect})):
                return taken[aspect]
        return None

    def answer(self, request: Request, endpoint: str) -> Answer:
        if not endpoint:
            return Answer(404, {"error": "not_found"})
        allowed = "POST" if endpoint == contract.TOKEN else "GET"
        if request.method != allowed:
            return Answer(405, {"error": "method_not_allowed"}, {"Allow": allowed})
        if endpoint == contract.TOKEN:
            return self.token(request)
        document = self.documents()[endpoint]
        if endpoint == contract.METADATA and self.basic_only():
            del document[contract.AUTH_METHODS]  # RFC 8414: where they are not named, it is client_secret_basic
        return Answer(200, document, contract.CACHED)

    def basic_only(self) -> bool:
        return bool(self.faults.take(None, frozenset({issuer_faults.CLIENTS})))

    def documents(self) -> dict[str, dict[str, Any]]:
        return {
            contract.METADATA: contract.metadata(self.url),
            contract.JWKS: self.keys.jwks(),
            contract.OTHER_JWKS: self.keys.other_jwks(),
        }

    def token(self, request: Request) -> Answer:
        try:
            client, audience = contract.check_token_request(request, self.clients, basic_only=self.basic_only())
        except contract.Refused as error:
            return error.answer()
        short = self.faults.take(None, frozenset({issuer_faults.LIFETIME})).get(issuer_faults.LIFETIME)
        lifetime = short.params["lifetime"] if short else contract.LIFETIME
        token = signed(contract.claims(self.url, client, audience, lifetime), self.keys.current)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}
        return Answer(200, body, contract.NOT_STORED)

    def reset(self) -> None:
        self.faults.clear()
        self.keys.reset()
        self._fetched.clear()

    def control(self, request: Request, path: str) -> Answer:
        if path == "faults":
            return control_faults(request, self.faults)
        known = {("POST", "rotate"): self.rotate, ("POST", "tokens"): self.mint, ("GET", "requests"): self.requests}
        if (request.method, path) not in known:
            return Answer(404, {"message": f"known: {', '.join(' '.join(one) for one in known)}"})
        try:
            return known[request.method, path](request)
        except ValueError as error:
            return Answer(400, {"message": str(error)})

    def rotate(self, request: Request) -> Answer:
        usual: dict[str, Any] = {"alg": self.keys.current.alg, "keep_old": True}
        asked = usual | read_object(request.body or b"{}")
        if set(asked) != set(usual) or not isinstance(asked["keep_old"], bool):
            raise NotJson("takes alg and keep_old (true or false), both optional")
        self.keys.rotate(asked["alg"], asked["keep_old"])
        return Answer(200, self.kids())

    def kids(self) -> dict[str, Any]:
        previous = self.keys.previous.kid if self.keys.previous else None
        published = [key.kid for key in self.keys.published]
        return {"current": self.keys.current.kid, "previous": previous, "published": published}

    def mint(self, request: Request) -> Answer:
        asked = read_object(request.body or b"{}")
        return Answer(200, {"token": minted(asked, self.keys, self.url, f"{self.other}/jwks")})

    def requests(self, _: Request) -> Answer:
        fetched = list(self._fetched)
        endpoints = contract.ENDPOINTS.values()
        return Answer(200, {name: [shown for where, shown in fetched if where == name] for name in endpoints})


def fetch(request: Request, fault: Fault | None) -> dict[str, Any]:
    """Of an Authorization only the scheme is kept."""
    headers = dict(request.headers)
    if "authorization" in headers:
        headers["authorization"] = headers["authorization"].partition(" ")[0]
    return {"at": now(), "method": request.method, "headers": headers, "fault": fault.name if fault else None}
