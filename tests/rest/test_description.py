"""The OpenAPI description is the same for all who ask for it."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.utils.translation import trans_real

#: What Django has loaded, by language.
LOADED: dict[str, Any] = vars(trans_real)["_translations"]


def test_a_language_that_somebody_makes_up_is_not_kept() -> None:
    before, client = set(LOADED), Client()
    for language in ("xx", "../../etc", "\0", "x" * 1000):
        assert client.get("/api/schema", {"lang": language}).status_code == 200
    assert set(LOADED) <= before | {"en-us", "en"}
