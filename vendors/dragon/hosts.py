"""Where Dragon Copilot is called: a region and an environment say it, an account's own addresses go before that.

Source: Microsoft's pages on Ambient Audio Streaming 2.0. That the Partner API of every region is at the one host, and
what its audience is, is known from a client's code alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vendors.base import Account, VendorError
from vendors.origins import read

TRANSPORTS = ("rest", "websocket", "grpc")
#: Region -> what the hosts' names call it.
REGIONS = {"us": "us", "ca": "ca", "fr": "fr", "de": "de", "uk": "uk2"}
PRODUCTION, STAGING = "production", "non-production"
#: What tokens are for.
AUDIO_AUDIENCE = "40d36082-d340-492f-a5af-e42ef68f4b2b"
PARTNER_AUDIENCE = "105be974-d66d-43c9-b813-57a967bbfd21"
PARTNER_API = "https://partnerapi.copilot.us.dragon.com"
#: Links to results lead to a host of this domain, or to one that the account names.
DOMAIN = ".dragon.com"


def check(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the options of an account, in sentences."""
    wrong = []
    region, environment = options.get("region", "us"), options.get("environment", PRODUCTION)
    if region not in REGIONS:
        wrong.append(f"Dragon Copilot's region is one of {', '.join(REGIONS)}.")
    if environment not in (PRODUCTION, STAGING):
        wrong.append(f"Dragon Copilot's environment is {PRODUCTION} or {STAGING}.")
    elif environment == STAGING and region != "us":
        wrong.append(f"Dragon Copilot has a {STAGING} environment in the region us alone.")
    if options.get("transport", "rest") not in TRANSPORTS:
        wrong.append(f"Dragon Copilot's transport is one of {', '.join(TRANSPORTS)}.")
    return wrong


def audio(options: Mapping[str, Any]) -> str:
    """Of the REST calls that take audio."""
    return f"https://{_service(options)}"


def streaming(account: Account) -> str:
    """Of WebSocket and gRPC, as an https or http address."""
    named = account.options.get("streaming_url")
    if named:
        return re.sub(r"(?i)^(?:ws|http)(s?):", lambda scheme: f"http{scheme[1].lower()}:", str(named)).rstrip("/")
    return f"https://streaming.{_service(account.options)}"


def partner(account: Account) -> str:
    return str(account.options.get("partner_url") or PARTNER_API).rstrip("/")


def all_of(account: Account) -> list[str]:
    return [account.base_url, streaming(account), partner(account)]


def is_own(link: str, account: Account) -> bool:
    """Whether a link may be followed with a token: to an origin that the account names, or into the vendor's domain."""
    try:
        origin = read(link)
        is_known = origin in [read(url) for url in all_of(account)]
    except VendorError:
        return False
    return is_known or (origin.scheme == "https" and origin.host.endswith(DOMAIN))


def _service(options: Mapping[str, Any]) -> str:
    stage = "stg." if options.get("environment") == STAGING else ""
    return f"ambient-audio-service.{stage}copilot.{REGIONS[options.get('region') or 'us']}.dragon.com"
