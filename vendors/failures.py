"""What can go wrong on the way out, in the one error that leaves an adapter. Its messages name at most the host."""

from __future__ import annotations

import ssl

import requests
from urllib3.exceptions import HTTPError
from websockets.exceptions import WebSocketException

from vendors.base import VendorError
from vendors.proxy import ProxyFailed
from vendors.route import Route

#: All that requests, urllib3, websockets, ssl and a socket may raise.
BROKEN = (requests.RequestException, HTTPError, WebSocketException, OSError, ValueError)


def broken(error: Exception, route: Route) -> VendorError:
    """The one place where a failure of theirs becomes ours."""
    host = route.host
    if isinstance(route.failure, ProxyFailed):
        return no_tunnel(route.failure.status, host)
    if not route.connected:
        if isinstance(error, requests.exceptions.SSLError | ssl.SSLError) and not route.cut:
            return VendorError(f"No secure connection to {host} could be made.", permanent=False, code="tls_failed")
        return VendorError(f"{host} could not be reached.", permanent=False, code="unreachable")
    if route.cut or isinstance(error, requests.Timeout | TimeoutError):
        message = f"{host} did not answer in time."
    else:
        message = f"The connection to {host} broke before it had answered."
    return VendorError(message, permanent=False, code="no_answer", unanswered=True)


def too_large(host: str) -> VendorError:
    message = f"{host} sent too large an answer."
    return VendorError(message, permanent=False, code="answer_too_large", unanswered=True)


def token_host_refused(host: str) -> VendorError:
    message = f"{host} is none of the addresses that may be sent a key, so nothing was sent to it."
    return VendorError(message, permanent=True, code="token_host_refused")


def bad_header() -> VendorError:
    message = "A header of the request holds characters that cannot be sent. Check the key of this vendor account."
    return VendorError(message, permanent=True, code="bad_header")


def name_unresolved(host: str) -> VendorError:
    return VendorError(f"The name {host} could not be looked up.", permanent=False, code="name_unresolved")


def no_tunnel(status: int | None, host: str) -> VendorError:
    if status is None:
        message = f"{host} could not be reached: the proxy on the way out is not there, or does not answer."
        return VendorError(message, permanent=False, code="unreachable")
    if status == 407:
        message = "The proxy on the way out did not accept its user name and password. Tell the operator."
    else:
        message = f"The proxy on the way out refused to connect to {host} (HTTP {status}). Tell the operator."
    return VendorError(message, permanent=status == 407, code="proxy_refused")
