"""Which addresses a webhook may have."""

from __future__ import annotations

from urllib.parse import urlsplit

from config.outbound import outbound
from feed.models import LONGEST_URL
from feed.webhooks.refusals import Refused
from vendors.base import VendorError

NOT_CALLED = (
    "Nothing can be sent to this address from here: {why} Give an https address that the internet can reach, or have "
    "the operator name its network in OUTBOUND_ALLOW."
)


def check(url: str) -> None:
    """Asks where its name leads at this moment, for five seconds at most: before a transaction, where that can be.

    Raises Refused, which names at most the host.
    """
    if len(url) > LONGEST_URL:
        raise Refused("url", "max_length", f"Give at most {LONGEST_URL} characters.")
    if not url.isascii():
        raise Refused("url", "invalid", "Give the address in plain letters: a name in its xn-- form, others as %..")
    if "#" in url:
        raise Refused("url", "fragment", "Leave out the # and what follows: it is never sent.")
    if "?" in url:
        # People and programs are shown addresses, and what stands there is most often a secret.
        question = "Leave out the ? and what follows: addresses are shown. The signature proves who sends."
        raise Refused("url", "query", question)
    if not _is_web(url):
        raise Refused("url", "invalid", "Give a whole address, such as https://ehr.example/events.")
    try:
        outbound().check(url)
    except VendorError as error:
        raise Refused("url", error.code, NOT_CALLED.format(why=error.message)) from None


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False
