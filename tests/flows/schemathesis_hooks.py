"""What a schema cannot say: which values were given out before, and which the clinic's other systems would send.

What is to be refused is sent as it is.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import requests
import schemathesis
from hypothesis import strategies as st

from tests.flows.clinic import wav

KNOWN = {"url": os.environ["SUBSCRIBER"], "session": os.environ["SESSION"], "since": "2026-03-01T00:00:00Z"}
HEADERS = {"Authorization": f"Bearer {os.environ['KEY']}"}

schemathesis.openapi.media_type("application/octet-stream", st.just(wav(1)))


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    case.headers["X-Request-ID"] = str(uuid4())
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "delivery" in case.path_parameters:
        case.path_parameters |= {"id": os.environ["WEBHOOK"], "delivery": os.environ["DELIVERY"]}
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid4())
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if "wait" in case.query:
        case.query["wait"] = 1
    for name in {"cursor", "after"} & case.query.keys():
        case.query |= given_out(case, name)
    if isinstance(case.body, dict):
        case.body |= {name: value for name, value in KNOWN.items() if name in case.body}
        case.body.pop("until", None)  # no schema says that it is later than `since`


@schemathesis.hook
def after_call(context: Any, case: schemathesis.Case[Any], response: Any) -> None:
    (answered,) = response.headers["x-request-id"]
    assert answered == case.headers["X-Request-ID"], "an answer to somebody else's request"
    with Path(os.environ["ANSWERED"]).open("a") as file:
        file.write(f"{case.operation.label}\t{response.status_code}\t{','.join(response.headers)}\n")


def given_out(case: schemathesis.Case[Any], name: str) -> dict[str, str]:
    """A cursor out of `next` of the same list; none where it has one page."""
    del case.query[name]
    url, query = os.environ["SERVICE"] + case.formatted_path, case.query | {"limit": 1}
    response = requests.get(url, query, headers=HEADERS, timeout=30)
    following = response.json().get("next")
    return {name: parse_qs(urlsplit(following).query)[name][0]} if following else {}
