"""What control can change of this vendor's ways, besides its faults."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sandbox.messages import NotJson

MOST_CHUNKS = 100
MOST_SECONDS = 10_000_000
STATUSES = {
    "handshake_status": (400, 412),
    "repeated_create_status": (201, 409),
    "repeated_end_status": (200, 400, 409, 412),
}


@dataclass(frozen=True)
class Settings:
    """`shortest_seconds` is 59 where the vendor says a minute, for the sample has not quite that.

    `partner_key` is the PEM of the partner's public key; while it is empty, `partner_token` is compared as it is.
    """

    partner_id: str = "sandbox-partner"
    partner_token: str = "sandbox-partner-token"  # noqa: S105 (whoever uses the sandbox is told it)
    partner_key: str = ""
    single_token: bool = False
    store_host: str = "localhost"
    delay: float = 1.0
    token_seconds: float = 3600.0
    shortest_seconds: float = 59.0
    quiet_seconds: float = 25.0
    settle_seconds: float = 0.3
    handshake_status: int = 400
    repeated_create_status: int = 409
    repeated_end_status: int = 200
    chunks: int = 1
    frames_a_partial: int = 5

    def changed(self, asked: Mapping[str, Any]) -> "Settings":
        """With these fields instead; raises NotJson."""
        usual = {one.name: one.default for one in fields(self)}
        return replace(self, **{name: checked(usual, name, value) for name, value in asked.items()})

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def public_key(self) -> RSAPublicKey | None:
        return read_key(self.partner_key) if self.partner_key else None


def checked(usual: Mapping[str, Any], name: str, value: Any) -> Any:
    if name not in usual:
        raise NotJson(f"unknown setting {name}: known are {', '.join(usual)}")
    wanted = (int, float) if isinstance(usual[name], float) else type(usual[name])
    if not isinstance(value, wanted) or isinstance(value, bool) is not isinstance(usual[name], bool):
        raise NotJson(f"{name} must be of the type of {usual[name]!r}")
    if value not in STATUSES.get(name, (value,)):
        raise NotJson(f"{name} must be one of {STATUSES[name]}")
    if isinstance(value, int | float) and not 0 <= value <= MOST_SECONDS:
        raise NotJson(f"{name} is out of range")
    if name in ("chunks", "frames_a_partial") and not 1 <= value <= MOST_CHUNKS:
        raise NotJson(f"{name} is 1 to {MOST_CHUNKS}")
    if name == "partner_key" and value:
        read_key(str(value))
    return value


def read_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise NotJson("partner_key must be the PEM of a public key") from error
    if not isinstance(key, RSAPublicKey):
        raise NotJson("partner_key must be an RSA key")
    return key
