"""Nabla, joined to the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from vendors.base import Account, Job, Problem, Progress, Result, Submitted, Tokens, Vendor, Wish
from vendors.credentials import MOST_SECRETS, are_secrets, is_secret
from vendors.nabla import rules, webhooks, wire
from vendors.nabla.client import listen_async
from vendors.outbound import Outbound
from vendors.signing import Signature

_CREDENTIALS = ("server_key", "webhook_secrets")


class NablaVendor(Vendor):
    """Nabla's `listen_async`: one POST out, one callback or signed webhook back, nothing to poll."""

    name: ClassVar[str] = "nabla"
    title: ClassVar[str] = "Nabla"
    default_base_url: ClassVar[str] = "https://api.nabla.com/v1/copilot-api/server"
    answers_once: ClassVar[bool] = True
    signs_webhooks: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({"ambient", "dictation"})
    takes_audio: ClassVar[Literal["link", "stream"]] = "link"
    polled: ClassVar[frozenset[str]] = frozenset()
    keeps_recordings: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens) -> None:
        self._account = account
        self._outbound = outbound

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """`server_key` is a text; `webhook_secrets`, optional, a list of up to 8, several while they are rotated."""
        # What was typed is not repeated: a name that is none may be the key itself.
        unknown = not credentials.keys() <= set(_CREDENTIALS)
        wrong = ["Nabla's credentials are 'server_key' and 'webhook_secrets', and nothing else."] if unknown else []
        if not is_secret(credentials.get("server_key")):
            wrong.append("'server_key' is required: Nabla's server key, in plain characters without spaces.")
        if not are_secrets(credentials.get("webhook_secrets", [])):
            wrong.append(
                f"'webhook_secrets' is a list of at most {MOST_SECRETS} texts in plain characters without spaces, "
                "or left out."
            )
        return wrong

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        """Why Nabla could not grant the wish; empty when it can."""
        return rules.check(wish)

    @classmethod
    def parse(cls, body: bytes) -> Result:
        """One answer, plain or in the signed webhooks' envelope. Raises Unreadable."""
        return wire.parse(body)

    @classmethod
    def read_proof(cls, headers: Mapping[str, str], query: str, now: datetime) -> Signature:
        """What the two headers of a signed webhook offer. Raises Rejected."""
        return webhooks.read_signature(headers, now)

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """The account's `webhook_secrets`; none where they were left out."""
        secrets = credentials.get("webhook_secrets")
        return secrets if isinstance(secrets, list) else []

    @classmethod
    def event_id(cls, headers: Mapping[str, str], body: bytes) -> str | None:
        """The `id` of a signed webhook's envelope; None for any other body."""
        return webhooks.event_id(body)

    def submit(self, job: Job, progress: Progress) -> Submitted:
        """POST the job to `listen_async`. Raises VendorError."""
        return listen_async(self._outbound, self._account, job)
