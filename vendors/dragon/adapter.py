"""Dragon Copilot, joined to the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from vendors.base import (
    Account,
    Held,
    Job,
    Kind,
    Notice,
    Problem,
    Progress,
    Proof,
    Result,
    Submitted,
    Tokens,
    Vendor,
    VendorError,
    Wish,
)
from vendors.dragon import answers, customer, exchange, hosts, rules
from vendors.dragon.access import Access
from vendors.dragon.configuration import UNKNOWN, Configuration
from vendors.dragon.customer import Customer
from vendors.dragon.grpc_client import GrpcClient
from vendors.dragon.patience import Patience
from vendors.dragon.rest_client import AudioService, PartnerApi
from vendors.dragon.sending import Sending
from vendors.dragon.tokens import Issued
from vendors.dragon.uploading import CHUNK_BYTES
from vendors.dragon.websocket_client import WebSocketClient
from vendors.dragon.wire import Asked
from vendors.outbound import Outbound
from vendors.signing import read_access_token


class DragonVendor(Vendor):
    """Dragon Copilot's ambient sessions: audio by REST, WebSocket or gRPC, results announced and then fetched.

    Of an account's options it reads `region`, `environment` and `transport`, `partner_url` and `streaming_url` where
    these are other than the vendor's own, `streaming_api_version`, and `chunk_kib`, how much audio a chunk by REST has.
    """

    name: ClassVar[str] = "dragon"
    title: ClassVar[str] = "Dragon Copilot"
    default_base_url: ClassVar[str] = hosts.audio({})
    answers_once: ClassVar[bool] = False
    answers_in_parts: ClassVar[bool] = True
    signs_webhooks: ClassVar[bool] = True
    announces: ClassVar[bool] = True
    subscribes: ClassVar[bool] = True
    needs_clinician: ClassVar[bool] = True
    kinds: ClassVar[frozenset[str]] = frozenset({"ambient"})
    takes_audio: ClassVar[Literal["link", "stream"]] = "stream"
    takes_several: ClassVar[frozenset[str]] = frozenset({"ambient"})
    opens_sessions: ClassVar[bool] = True
    polled: ClassVar[frozenset[str]] = frozenset()
    keeps_recordings: ClassVar[frozenset[str]] = frozenset()
    patience: ClassVar[Patience] = Patience()

    def __init__(self, account: Account, outbound: Outbound, tokens: Tokens) -> None:
        self._account = account
        self._outbound = outbound
        self._issued = Issued(account, outbound, tokens)

    @classmethod
    def check_credentials(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """The three ids, the client of the identity provider and where that is, and the subscription's secret."""
        return customer.check(credentials)

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> Sequence[str]:
        """Region, environment and transport: whether there are such, and go together."""
        return hosts.check(options)

    @classmethod
    def home(cls, options: Mapping[str, Any]) -> str:
        """The audio service of the region and environment."""
        return hosts.audio(options)

    @classmethod
    def addresses(cls, account: Account) -> Sequence[str]:
        """The audio service, the streaming host, the Partner API, and the identity provider."""
        provider = account.credentials.get("token_url") or account.credentials.get("issuer")
        return [*hosts.all_of(account), str(provider)]

    @classmethod
    def check(cls, wish: Wish) -> Sequence[Problem]:
        """Why Dragon Copilot could not grant the wish; empty when it can."""
        return rules.check(wish)

    @classmethod
    def partner(cls, credentials: Mapping[str, Any]) -> str:
        """The customer id: a customer has one subscription, whichever of its clinics a session is of."""
        return str(credentials.get("customer_id", "")).lower()

    @classmethod
    def parse(cls, body: bytes) -> Result | Notice:
        """What `fetch` brought, or an event. Raises Unreadable."""
        return answers.parse(body)

    @classmethod
    def read_proof(cls, headers: Mapping[str, str], query: str, now: datetime) -> Proof:
        """The secret of the subscription, which comes back in the address. Raises Rejected."""
        return read_access_token(query)

    @classmethod
    def handshake(cls, headers: Mapping[str, str]) -> Mapping[str, str] | None:
        """The answer to CloudEvents' question whether events may be sent."""
        return exchange.handshake(headers)

    @classmethod
    def webhook_secrets(cls, credentials: Mapping[str, Any]) -> Sequence[str]:
        """The account's `access_token`, or several while they are rotated."""
        return customer.access_tokens(credentials)

    @classmethod
    def event_id(cls, headers: Mapping[str, str], body: bytes) -> str | None:
        """By the event's source and id."""
        return exchange.event_id(body)

    def submit(self, job: Job, progress: Progress) -> Submitted:
        """Open the session, hand over its recordings, and have them processed. Raises VendorError and Superseded."""
        if not job.sounds:
            raise VendorError("There is no audio to send: upload it.", permanent=True, code="no_audio")
        whose = Customer.of(self._account.credentials, job.clinician_ref)
        asked = Asked(whose, str(job.id), job.wish.language)
        transport = self._transport(progress.place)
        configuration = self._configuration(asked, transport)
        progress.reached(progress.place, progress.sent_ms)  # to be asked, and to answer, took its time
        for sound in job.sounds:
            configuration.obey(asked.language, sound.duration_ms)
        sending = Sending(asked, job.sounds, configuration, progress, self.patience)
        if transport == "rest":
            audio = AudioService(self._account.base_url, self._access(hosts.AUDIO_AUDIENCE), self._outbound)
            chunk_bytes = 1024 * int(self._account.options.get("chunk_kib") or 0) or CHUNK_BYTES
            call_id = sending.by_rest(self._partner_api(), audio, self._outbound, chunk_bytes)
        else:
            call_id = sending.by_stream(self._streaming(transport))
        return Submitted(asked.correlation_id, call_id=call_id)

    def fetch(self, notice: Notice) -> Sequence[bytes]:
        """A note or a transcript; a link to another host than the vendor's own is not followed."""
        if not hosts.is_own(notice.link, self._account):
            message = (
                "The result's link leads to a host that is neither Dragon Copilot's nor this vendor account's: it is "
                "not followed. Tell the operator, who can ask Dragon Copilot; a host that is rightly another one is "
                "named by --partner-url of connect_vendor."
            )
            raise VendorError(message, permanent=True, code="link_refused")
        return self._partner_api().fetch(notice)

    def subscribe(self, webhook_url: str) -> None:
        """Results of the customer come to this address. The secret that proves them is the account's first."""
        credentials = self._account.credentials
        body = exchange.subscription(credentials, webhook_url, self.webhook_secrets(credentials)[0])
        self._partner_api().subscribe(str(credentials["customer_id"]), body)

    def close(self, held: Held, *, kind: Kind) -> None:
        """Ends the session; one that Dragon Copilot does not know is as good."""
        self._partner_api().end_session(held.ref)

    def _transport(self, place: Mapping[str, int]) -> str:
        """The account's. What was begun by REST, or by stream, goes on so: no recording is made of pieces of both."""
        chosen = str(self._account.options.get("transport") or "rest")
        is_streamed = chosen != "rest"
        if bool(place.get("streamed", is_streamed)) == is_streamed:
            return chosen
        return "rest" if is_streamed else "websocket"

    def _configuration(self, asked: Asked, transport: str) -> Configuration:
        """It is recommended to ask, and not required: whatever comes of that, the recording is sent."""
        try:
            return self._streaming("websocket" if transport == "rest" else transport).configuration(asked)
        except VendorError:
            return UNKNOWN

    def _streaming(self, transport: str) -> WebSocketClient | GrpcClient:
        url, access = hosts.streaming(self._account), self._access(hosts.AUDIO_AUDIENCE)
        if transport == "grpc":
            return GrpcClient(url, access, self._outbound, self.patience)
        version = str(self._account.options.get("streaming_api_version") or "")
        return WebSocketClient(f"ws{url.removeprefix('http')}", version, access, self._outbound, self.patience)

    def _partner_api(self) -> PartnerApi:
        return PartnerApi(hosts.partner(self._account), self._access(hosts.PARTNER_AUDIENCE), self._outbound)

    def _access(self, audience: str) -> Access:
        return Access(self._issued, audience)
