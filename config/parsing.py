"""How REST reads a body."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from config.problems import TooLarge, invalid

BODY_BYTES = 1024 * 1024


class StrictJSONParser(BaseParser):
    """One JSON object in UTF-8 of at most BODY_BYTES, without NaN, Infinity or numbers beyond reason."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.read(BODY_BYTES + 1)
        if len(body) > BODY_BYTES:
            raise TooLarge(f"A JSON body may hold {BODY_BYTES} bytes.")
        try:
            data = json.loads(body.decode(), parse_constant=_refuse, parse_float=_finite)
        except UnicodeDecodeError:
            raise ParseError("The body is not UTF-8.") from None
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON that can be read.") from None
        if not isinstance(data, dict):
            raise invalid("body", "not_an_object", "The body must be a JSON object.")
        return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError(digits)
    return value
