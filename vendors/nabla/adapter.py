"""Nabla, joined to the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from vendors.base import Account, Job, Problem, Result, Submitted, Wish
from vendors.nabla import rules, wire
from vendors.nabla.client import listen_async
from vendors.outbound import Outbound

_CREDENTIALS = ("server_key", "webhook_secrets")


class NablaVendor:
    """Nabla's `listen_async`: one POST out, one callback back, nothing to poll."""

    name: ClassVar[str] = "nabla"
    title: ClassVar[str] = "Nabla"
    default_base_url: ClassVar[str] = "https://api.nabla.com/v1/copilot-api/server"
    answers_once: ClassVar[bool] = True

    def __init__(self, account: Account, outbound: Outbound) -> None:
        self._account = account
        self._outbound = outbound

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """`server_key` is a text; `webhook_secrets`, optional, a list of texts, several while they are rotated."""
        # What was typed is not repeated: a name that is none may be the key itself.
        unknown = not credentials.keys() <= set(_CREDENTIALS)
        wrong = ["Nabla's credentials are 'server_key' and 'webhook_secrets', and nothing else."] if unknown else []
        if not _is_secret(credentials.get("server_key")):
            wrong.append("'server_key' is required: Nabla's server key, in plain characters without spaces.")
        secrets = credentials.get("webhook_secrets", [])
        if not isinstance(secrets, list) or not all(_is_secret(secret) for secret in secrets):
            wrong.append("'webhook_secrets' is a list of texts in plain characters without spaces, or left out.")
        return wrong

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        """Why Nabla could not grant the wish; empty when it can."""
        return rules.check(wish)

    @classmethod
    def parse(cls, body: bytes) -> Result:
        """One answer, plain or in the signed webhooks' envelope. Raises Unreadable."""
        return wire.parse(body)

    def submit(self, job: Job) -> Submitted:
        """POST the job to `listen_async`. Raises VendorError."""
        return listen_async(self._outbound, self._account, job)


def _is_secret(value: object) -> bool:
    """Printable ASCII without spaces: what a header can carry, and what is left of a key pasted well."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != "" and " " not in value
